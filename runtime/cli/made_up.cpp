#include "runtime/cli/made_up.h"

#include <algorithm>
#include <cstring>
#include <list>

#include "runtime/io/safetensors.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

class Numbers {
 public:
  float next() {  // in [0, 1)
    state_ = state_ * 1664525 + 1013904223;
    return static_cast<float>(state_ >> 8) * 0x1p-24f;
  }

 private:
  uint32_t state_ = 1;
};

// How many classes argument `index` chooses from: those of the output it is a target of, else 1.
int64_t classes_of(const json &network, size_t index) {
  size_t before = network.at("inputs").size();
  const json &outputs = network.at("outputs");
  size_t place = index < before ? outputs.size() : (index - before) % (outputs.size() + 1);  // behind targets: a weight
  return place < outputs.size() ? outputs[place].value("classes", int64_t{1}) : 1;
}

std::vector<int64_t> shape_of(const Port &port, int64_t batch) {
  std::vector<int64_t> shape = port.shape;
  if (port.has_batch) shape[0] *= batch;  // the batch is the first axis
  return shape;
}

}  // namespace

MadeUpInputs::MadeUpInputs(const Program &program, const Function &function, int64_t batch) {
  Numbers made_up;
  for (size_t index = 0; index < function.inputs.size(); ++index) {
    const Port &port = function.inputs[index];
    storage_.emplace_back(static_cast<size_t>(port.bytes(batch) + 63));
    auto *bytes = storage_.back().data();
    std::memset(bytes, 0, storage_.back().size());
    int64_t elements = port.bytes(batch) / std::max<int64_t>(dtype_bytes(port.dtype), 1);
    if (port.dtype == "f32") {
      bool weight = port.name == "sample_weight" || port.name == "mixed_weight";
      auto *numbers = reinterpret_cast<float *>(bytes);
      for (int64_t i = 0; i < elements; ++i) numbers[i] = weight ? 1.0f : made_up.next();
    } else if (port.dtype == "i32") {
      auto classes = static_cast<float>(classes_of(program.metadata().at("network"), index));
      auto *numbers = reinterpret_cast<int32_t *>(bytes);
      for (int64_t i = 0; i < elements; ++i) numbers[i] = static_cast<int32_t>(made_up.next() * classes);
    }
  }
  for (auto &bytes : storage_) pointers_.push_back(bytes.data());
}

Result<void> record_calls(Program &program, const Function &function, const MadeUpInputs &inputs, int64_t batch,
                          const std::string &path) {
  std::vector<TensorToWrite> tensors;
  auto add = [&](const std::string &name, const Port &port, const char *data) {
    tensors.push_back(
        {name, safetensors_dtype(port.dtype), shape_of(port, batch), {data, static_cast<size_t>(port.bytes(batch))}});
  };
  std::string before(program.weight_block().begin(), program.weight_block().end());
  for (const Weight &weight : program.weights()) {
    if (weight.role == Role::optimizer) continue;
    tensors.push_back({"weights." + weight.name,
                       safetensors_dtype(weight.dtype),
                       weight.shape,
                       {before.data() + weight.offset, static_cast<size_t>(weight.bytes)}});
  }
  for (size_t i = 0; i < function.inputs.size(); ++i)
    add("inputs." + function.inputs[i].name, function.inputs[i], inputs.data(i));
  std::list<Results> results;  // stay where they are
  for (int64_t step = 0; step < 2; ++step) {
    Results &made = results.emplace_back(function, batch);
    program.set_step(step);
    if (auto done = program.call(function, inputs.pointers(), made.pointers(), batch); !done) return done;
    for (size_t i = 0; i < function.outputs.size(); ++i)
      add("results." + std::to_string(step + 1) + "." + function.outputs[i].name, function.outputs[i], made.data(i));
  }
  return write_safetensors(path, tensors, {{"netc.program", program.name()}});
}

}  // namespace netc::runtime
