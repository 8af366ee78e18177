// Arguments of a function filled with made-up numbers, and a file with all that another implementation of the network
// needs to compute the same from them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/train/program.h"

namespace netc::runtime {

// Floats in [0, 1), classes a target can have, 0 for other integers, samples that all weigh 1. The same in every run.
// Every byte is written, so no two pages are the same page of zeros.
class MadeUpInputs {
 public:
  MadeUpInputs(const Program &program, const Function &function, int64_t batch);
  std::span<const void *const> pointers() const { return pointers_; }
  const char *data(size_t port) const { return storage_[port].data(); }

 private:
  std::vector<std::vector<char>> storage_;
  std::vector<const void *> pointers_;
};

// Calls `function` twice, as the first steps of a training when it is train_step, and writes a safetensors file: the
// weights before (weights.NAME), the arguments (inputs.NAME) and the results of the calls (results.1.NAME,
// results.2.NAME).
Result<void> record_calls(Program &program, const Function &function, const MadeUpInputs &inputs, int64_t batch,
                          const std::string &path);

}  // namespace netc::runtime
