#include "runtime/train/program.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "runtime/io/json.h"
#include "runtime/train/sample_blocks.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

Result<Role> role_of(const std::string &name) {
  if (name == "weight") return Role::weight;
  if (name == "state") return Role::state;
  if (name == "optimizer") return Role::optimizer;
  return fail("unknown role of a weight: " + name);
}

Result<Weight> weight_from_json(const json &value, int64_t weight_bytes) {
  Weight weight;
  weight.name = value.at("name");
  weight.dtype = value.at("dtype");
  weight.shape = value.at("shape").get<std::vector<int64_t>>();
  weight.trainable = value.at("trainable");
  auto role = role_of(value.at("role"));
  if (!role) return tl::unexpected(role.error());
  weight.role = *role;
  weight.offset = value.at("offset");
  for (int64_t size : weight.shape) weight.elements *= size;
  weight.bytes = weight.elements * dtype_bytes(weight.dtype);
  if (weight.offset < 0 || weight.bytes < 0 || weight.offset + weight.bytes > weight_bytes) {
    return fail("weight " + weight.name + " lies outside of the weight block");
  }
  return weight;
}

Result<Function> function_from_json(const nc_function_entry &entry, const json &functions) {
  Function function{entry.name, &entry, {}, {}};
  const json &ports = functions.at(function.name);
  for (const json &port : ports.at("inputs")) function.inputs.push_back(port_from_json(port));
  for (const json &port : ports.at("outputs")) function.outputs.push_back(port_from_json(port));
  function.changes_weights = ports.at("changes_weights");
  if (static_cast<int64_t>(function.inputs.size()) != entry.input_count ||
      static_cast<int64_t>(function.outputs.size()) != entry.output_count) {
    return fail("function " + function.name + " does not have the arguments its metadata says");
  }
  return function;
}

// "B" -> 1, "7*B" -> 7.
int64_t batch_factor(const std::string &text) { return text == "B" ? 1 : std::stoll(text.substr(0, text.find('*'))); }

// Empty, which is no JSON, when it cannot be unpacked.
std::string metadata_of(const nc_program_t &source) {
  if (source.metadata_packed == 0) return {source.metadata, source.metadata_size};
  std::string text(source.metadata_size, '\0');
  uLongf size = text.size();
  int status = uncompress(reinterpret_cast<Bytef *>(text.data()), &size,
                          reinterpret_cast<const Bytef *>(source.metadata), source.metadata_packed);
  return status == Z_OK && size == text.size() ? text : std::string();
}

}  // namespace

Port port_from_json(const json &value) {
  Port port{value.at("name"), value.at("dtype"), {}};
  for (const json &size : value.at("shape")) {
    if (size.is_string()) {
      port.has_batch = true;
      port.shape.push_back(batch_factor(size));
    } else {
      port.shape.push_back(size);
    }
    port.elements *= port.shape.back();
  }
  return port;
}

namespace {

// The moving average of the weight NAME is called so (frontend/std/optimizers.net).
constexpr std::string_view kAverage = "ema.average.";

std::vector<std::pair<size_t, size_t>> find_averages(const std::vector<Weight> &weights) {
  std::map<std::string_view, size_t> places;
  for (size_t i = 0; i < weights.size(); ++i) places[weights[i].name] = i;
  std::vector<std::pair<size_t, size_t>> averages;
  for (size_t i = 0; i < weights.size(); ++i) {
    std::string_view name = weights[i].name;
    if (!name.starts_with(kAverage) || weights[i].role != Role::optimizer) continue;
    auto weight = places.find(name.substr(kAverage.size()));
    if (weight != places.end()) averages.emplace_back(weight->second, i);
  }
  return averages;
}

}  // namespace

int64_t dtype_bytes(std::string_view dtype) {
  if (dtype == "f64" || dtype == "i64") return 8;
  if (dtype == "f32" || dtype == "i32") return 4;
  if (dtype == "bf16" || dtype == "f16") return 2;
  if (dtype == "u8" || dtype == "i8" || dtype == "bool") return 1;
  return 0;
}

int64_t Port::bytes(int64_t batch) const { return elements * (has_batch ? batch : 1) * dtype_bytes(dtype); }

Result<Program> Program::open(const nc_program_t &source) try {
  if (source.abi_version != NC_ABI_VERSION) return fail("this program was made for another version of the runtime");
  Program program;
  program.source_ = &source;
  program.metadata_ = parse_json(metadata_of(source));
  program.name_ = program.metadata_.at("name");
  for (const json &value : program.metadata_.at("weights")) {
    auto weight = weight_from_json(value, source.weight_bytes);
    if (!weight) return tl::unexpected(weight.error());
    program.weights_.push_back(std::move(*weight));
  }
  program.averages_ = find_averages(program.weights_);
  for (uint32_t i = 0; i < source.function_count; ++i) {
    auto function = function_from_json(source.functions[i], program.metadata_.at("functions"));
    if (!function) return tl::unexpected(function.error());
    program.functions_.push_back(std::move(*function));
  }
  for (int64_t i = 0; i < source.scalar_count; ++i)
    program.scalar_index_[source.scalar_names[i]] = static_cast<size_t>(i);
  program.scalars_.assign(static_cast<size_t>(source.scalar_count), 0);
  program.set_scalar("learning_rate_scale", 1);
  return program;
} catch (const std::exception &error) {  // metadata that netc has not written
  return fail(std::string("the metadata of this program is damaged: ") + error.what());
}

const Function *Program::function(std::string_view name) const {
  for (const Function &function : functions_) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

Result<void> Program::allocate_weights() {
  if (!block_.reserve(source_->weight_bytes)) return fail("not enough memory for the weights");
  std::memset(block_.data(), 0, static_cast<size_t>(source_->weight_bytes));
  return {};
}

bool Program::set_scalar(std::string_view name, double value) {
  auto found = scalar_index_.find(name);
  if (found == scalar_index_.end()) return false;
  scalars_[found->second] = value;
  return true;
}

void Program::set_step(int64_t step) {
  step_ = static_cast<uint64_t>(step);
  set_scalar("step", static_cast<double>(step));
}

void Program::set_weight(const Weight &weight, std::string_view bytes) {
  std::memcpy(block_.data() + weight.offset, bytes.data(), bytes.size());
  prepared_ = false;
}

void Program::swap_averages() {
  for (auto [weight, average] : averages_) {
    char *first = block_.data() + weights_[weight].offset;
    std::swap_ranges(first, first + weights_[weight].bytes, block_.data() + weights_[average].offset);
  }
  prepared_ = false;
}

Result<void> Program::call(const Function &function, std::span<const void *const> inputs,
                           std::span<void *const> outputs, int64_t batch) {
  if (function.changes_weights) {
    prepared_ = false;
  } else if (const Function *prepare = this->function("prepare"); prepare && !prepared_) {
    if (auto done = run(block_.data(), *prepare, {}, {}, 1); !done) return done;
    prepared_ = true;
  }
  return run(block_.data(), function, inputs, outputs, batch);
}

Result<void> Program::call_on(Buffer &weights, const Function &function, std::span<const void *const> inputs,
                              std::span<void *const> outputs, int64_t batch) {
  return run(weights.data(), function, inputs, outputs, batch);
}

Result<void> Program::run(char *weights, const Function &function, std::span<const void *const> inputs,
                          std::span<void *const> outputs, int64_t batch) {
  if (!workspace_.reserve(workspace_bytes(function, batch))) {
    return fail("not enough memory for a batch of " + std::to_string(batch) + " in " + function.name,
                "make batch_size smaller");
  }
  nc_context context{weights, nullptr, nullptr, nullptr, nullptr, batch, scalars_.data(), seed_, step_, pool_};
  run_in_blocks(function, plan_blocks(*function.entry, batch, pool_), context, inputs, outputs, workspace_.data());
  return {};
}

int64_t Program::workspace_bytes(const Function &function, int64_t batch) const {
  return plan_blocks(*function.entry, batch, pool_).bytes();
}

Results::Results(const Function &function, int64_t batch) : function_(&function) {
  for (const Port &port : function.outputs) {
    elements_.push_back(port.elements * (port.has_batch ? batch : 1));
    storage_.emplace_back(static_cast<size_t>(port.bytes(batch) + 7) / 8 + 8);  // 64 bytes of slack
  }
  for (auto &values : storage_) pointers_.push_back(values.data());
}

double Results::value(size_t port, int64_t index) const {
  const char *data = static_cast<const char *>(pointers_[port]);
  if (function_->outputs[port].dtype == "f64") return reinterpret_cast<const double *>(data)[index];
  if (function_->outputs[port].dtype == "i32") return reinterpret_cast<const int32_t *>(data)[index];
  return reinterpret_cast<const float *>(data)[index];
}

}  // namespace netc::runtime
