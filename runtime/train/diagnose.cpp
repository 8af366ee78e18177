#include "runtime/train/diagnose.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "runtime/data/some_samples.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

double sum_of_squares(std::span<const float> values) {
  double sum = 0;
  for (float value : values) sum += static_cast<double>(value) * value;
  return sum;
}

std::span<const float> numbers(const char *block, const Weight &weight) {
  return {reinterpret_cast<const float *>(block + weight.offset), static_cast<size_t>(weight.elements)};
}

}  // namespace

Diagnosis::Diagnosis(Program &program, const Dataset &training, int64_t batch_size)
    : program_(program),
      batches_(some_samples(training, kDiagnosedSamples), {.batch_size = batch_size, .background = false}) {
  const Function *train_step = program.function("train_step"), *predict = program.function("predict");
  if (!train_step || !predict) return;
  std::vector<std::pair<std::string, std::string>> layer_of_weight;
  for (const json &layer : program.metadata()["layers"]) {
    std::string name = layer["name"];
    for (const json &weight : layer["weights"]) layer_of_weight.emplace_back(weight, name);
    bool relu = layer.value("rectified", false);
    if (relu) rectified_.push_back(name);
    if (relu || !layer["weights"].empty()) layers_.push_back({.name = name});
  }
  for (const Weight &weight : program.weights()) {
    if (!weight.trainable || weight.dtype != "f32") continue;
    // One that a block of the file declares belongs to the step of that block.
    std::string layer = weight.name.substr(0, weight.name.rfind('.'));
    for (const auto &[name, owner] : layer_of_weight)
      if (name == weight.name) layer = owner;
    if (!layer_of(layer)) layers_.push_back({.name = layer});
    weights_.emplace_back(&weight, static_cast<size_t>(layer_of(layer) - layers_.data()));
  }
  alive_.resize(layers_.size());
}

bool Diagnosis::is_rectified(const Observed &value) const {
  return !value.gradient && std::ranges::find(rectified_, value.name) != rectified_.end();
}

LayerDiagnosis *Diagnosis::layer_of(const std::string &name) {
  auto found = std::ranges::find(layers_, name, &LayerDiagnosis::name);
  return found == layers_.end() ? nullptr : &*found;
}

Result<std::vector<LayerDiagnosis>> Diagnosis::run(int64_t step, const Look &look) {
  for (LayerDiagnosis &layer : layers_) layer = {.name = layer.name};
  for (std::vector<bool> &alive : alive_) alive.clear();
  program_.set_step(step);
  if (auto done = make_step(look); !done) return tl::unexpected(done.error());
  if (auto done = watch_units(look); !done) return tl::unexpected(done.error());
  for (size_t i = 0; i < layers_.size(); ++i) {
    layers_[i].units = static_cast<int64_t>(alive_[i].size());
    layers_[i].dead = std::ranges::count(alive_[i], false);
  }
  return layers_;
}

// On the first batch, on a copy of the weights.
Result<void> Diagnosis::make_step(const Look &look) {
  std::span<const char> block = program_.weight_block();
  if (!copy_.reserve(static_cast<int64_t>(block.size()))) return fail("not enough memory for a copy of the weights");
  std::memcpy(copy_.data(), block.data(), block.size());
  batches_.start(0);
  auto batch = batches_.next();
  if (!batch) return tl::unexpected(batch.error());
  if (!*batch) return {};
  const Function &train_step = *program_.function("train_step");
  Results results(train_step, (*batch)->size);
  std::vector<std::optional<double>> gradients(layers_.size());  // the squares
  std::vector<Observed> seen = observed_values(program_, train_step);
  std::erase_if(seen, [&](const Observed &value) { return !value.gradient && !is_rectified(value); });
  auto take = [&](const Observed &value, std::span<const float> values) {
    if (!value.gradient) return mark_alive(value, values);
    if (look) look(value, values);
    for (const auto &[weight, layer] : weights_)
      if (weight->name == value.name) gradients[layer] = gradients[layer].value_or(0) + sum_of_squares(values);
  };
  auto done =
      observe(program_, train_step, seen, (*batch)->arguments, results.pointers(), (*batch)->size, &copy_, take);
  if (!done) return done;
  std::vector<double> before(layers_.size()), update(layers_.size());
  for (const auto &[weight, layer] : weights_) {
    std::span<const float> old = numbers(block.data(), *weight), now = numbers(copy_.data(), *weight);
    before[layer] += sum_of_squares(old);
    for (size_t i = 0; i < old.size(); ++i) {
      double difference = static_cast<double>(now[i]) - old[i];
      update[layer] += difference * difference;
    }
    if (!gradients[layer]) continue;
    layers_[layer].gradient_norm = std::sqrt(*gradients[layer]);
    layers_[layer].weight_norm = std::sqrt(before[layer]);
    // A step that only adds to an accumulated gradient updates nothing.
    if (before[layer] > 0 && update[layer] > 0) layers_[layer].update_ratio = std::sqrt(update[layer] / before[layer]);
  }
  return {};
}

Result<void> Diagnosis::watch_units(const Look &look) {
  const Function &predict = *program_.function("predict");
  std::vector<Observed> seen = observed_values(program_, predict);
  if (!look) std::erase_if(seen, [&](const Observed &value) { return !is_rectified(value); });
  if (seen.empty()) return {};
  auto take = [&](const Observed &value, std::span<const float> values) {
    if (look) look(value, values);
    if (is_rectified(value)) mark_alive(value, values);
  };
  batches_.start(0);
  while (true) {
    auto batch = batches_.next();
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) return {};
    Results results(predict, (*batch)->size);
    std::span<const void *const> inputs((*batch)->arguments.data(), predict.inputs.size());
    auto done = observe(program_, predict, seen, inputs, results.pointers(), (*batch)->size, nullptr, take);
    if (!done) return done;
  }
}

// A unit is alive that is not zero for some sample, somewhere.
void Diagnosis::mark_alive(const Observed &value, std::span<const float> values) {
  std::vector<bool> &alive = alive_[static_cast<size_t>(layer_of(value.name) - layers_.data())];
  auto units = static_cast<size_t>(value.shape.back());
  alive.resize(units);
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i] != 0) alive[i % units] = true;
}

void write_layers(JsonText &out, const std::vector<LayerDiagnosis> &layers) {
  out.open('[');
  for (const LayerDiagnosis &layer : layers) {
    out.open('{');
    out.member("name", layer.name);
    if (layer.gradient_norm) out.member("gradient_norm", *layer.gradient_norm);
    if (layer.weight_norm) out.member("weight_norm", *layer.weight_norm);
    if (layer.update_ratio) out.member("update_ratio", *layer.update_ratio);
    if (layer.units > 0) out.member("units", static_cast<double>(layer.units));
    if (layer.units > 0) out.member("dead", static_cast<double>(layer.dead));
    out.close('}');
  }
  out.close(']');
}

std::string diagnosis_line(const std::vector<LayerDiagnosis> &layers, size_t epoch) {
  JsonText out;
  out.open('{');
  out.member("epoch", static_cast<double>(epoch + 1));
  out.key("layers");
  write_layers(out, layers);
  out.close('}');
  return out.text() + "\n";
}

}  // namespace netc::runtime
