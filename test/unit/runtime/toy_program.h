// A compiled program by hand: softmax regression of 4 features on 3 classes with noise on the inputs, an l2 penalty,
// sgd with momentum and a learning rate that falls with the step. It has all that a generated object has, so the train
// loop and the commands can be tested without the compiler.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/abi.h"

namespace netc::runtime {

nlohmann::json toy_metadata();

// A program with this metadata. `break_gradient` gives gradcheck a wrong gradient of the bias.
class ToyProgram {
 public:
  explicit ToyProgram(const nlohmann::json &metadata = toy_metadata(), bool break_gradient = false);
  const nc_program_t &program() const { return program_; }

 private:
  std::string metadata_;
  std::vector<nc_function_entry> functions_;
  std::vector<const void *> modules_;
  nc_program_t program_;
};

// Writes train.csv (`samples` rows) and test.csv into the folder.
void write_toy_data(const std::string &folder, int samples);

}  // namespace netc::runtime
