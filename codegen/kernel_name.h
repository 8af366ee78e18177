// What a use of a kernel is called in measurements and in a profile.
#pragma once

#include <string>

#include "ir/graph.h"

namespace netc {

struct KernelName {
  std::string step;       // of the network: "conv_bn_1.conv2d", "adam"; empty: none
  std::string direction;  // "forward", "backward"; of contractions also "backward data", "backward weights"
  std::string ops;        // the first two ops that compute: "subtract_multiply_etc"; "copy" for none
  // "train_step.conv_bn_1.conv2d.backward_data"; the ops where that says too little.
  std::string symbol(const std::string &function) const;
};

KernelName kernel_name(const Op &op);

}  // namespace netc
