// What a kernel is called in measurements and in a profile.
#pragma once

#include <string>

#include "ir/graph.h"

namespace netc {

// "train_step.conv2d_relu.forward": the function; the user's name of the result, or the first ops of the kernel; and
// the direction where it is plain: a place of the source with one contraction forward and at most one each for the
// gradient of its data and of its weights. An op that computes nothing is a "copy".
std::string kernel_name(const Op &op, const Function &function);

}  // namespace netc
