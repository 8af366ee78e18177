// The records of the binary version of CIFAR, as reading and streaming share them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/reader.h"

namespace netc::runtime {

struct CifarLayout {
  size_t labels = 1;  // bytes before the pixels
  size_t label = 0;   // which of them is taken
  int64_t classes = 10;

  size_t record() const { return labels + 3072; }
};

// What a call says before any file is read: the paths, the layout, and a RawData with shapes and names, no samples.
struct CifarCall {
  std::vector<std::string> paths;
  CifarLayout layout;
  RawData data;
};
Result<CifarCall> cifar_call(const ReadRequest &request);

// Fails unless a file of this size holds whole records.
Result<void> check_cifar_size(const std::string &name, int64_t bytes, const CifarLayout &layout);
// Appends records that begin at byte `offset` of the file: pixels [32, 32, 3], and labels, which are checked.
Result<void> append_cifar(const std::string &name, std::string_view bytes, int64_t offset, const CifarLayout &layout,
                          std::vector<uint8_t> &images, std::vector<int32_t> &classes);
// Puts the labels of all samples into data.targets.
void set_cifar_targets(const ReadRequest &request, std::vector<int32_t> classes, RawData &data);

}  // namespace netc::runtime
