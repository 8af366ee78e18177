#include "test/unit/keras/comparison.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>

#include "passes/passes.h"
#include "test/unit/codegen/harness.h"
#include "test/unit/frontend/elaborate_support.h"
#include "test/unit/training_values.h"

namespace netc::test {
namespace {

using nlohmann::json;

const json &values_of(const std::string &topic) {
  static std::map<std::string, json> files;
  auto [entry, missing] = files.try_emplace(topic);
  if (missing) {
    std::ifstream stream(std::string(NETC_SOURCE_DIR) + "/test/keras/values/" + topic + ".json");
    entry->second = json::parse(stream);
  }
  return entry->second;
}

Tensor tensor_of(const Type &type, const json &numbers, int64_t batch) {
  Tensor tensor = Tensor::zeros(type.dtype, sizes_at(type.shape, batch));
  if (numbers.size() != tensor.data.size())
    throw std::runtime_error(to_string(type) + " has other sizes than its " + std::to_string(numbers.size()) +
                             " values");
  for (size_t i = 0; i < numbers.size(); ++i) tensor.data[i] = numbers[i].get<double>();
  return tensor;
}

using Sums = std::map<std::string, Tensor>;

// The inputs of a function: of the batch, or, for the function `metrics`, the sums.
std::vector<Tensor> inputs_of(const Function &function, const json &batch, const Sums &sums, int64_t size) {
  std::vector<Tensor> inputs;
  for (ValueId argument : function.arguments) {
    const Value &value = function.value(argument);
    if (auto sum = sums.find("metric." + value.name); function.name == "metrics" && sum != sums.end()) {
      inputs.push_back(sum->second);
    } else if (batch.contains(value.name)) {
      inputs.push_back(tensor_of(value.type, batch[value.name], size));
    } else {
      inputs.push_back(Tensor::zeros(value.type.dtype, sizes_at(value.type.shape, size)));
      if (value.name == "sample_weight") std::fill(inputs.back().data.begin(), inputs.back().data.end(), 1.0);
    }
  }
  return inputs;
}

void add(Sums &sums, const std::string &name, const Tensor &value) {
  auto [sum, fresh] = sums.try_emplace(name, value);
  for (size_t i = 0; !fresh && i < value.data.size(); ++i) sum->second.data[i] += value.data[i];
}

using Call = std::function<std::vector<Tensor>(const Function &, const std::vector<Tensor> &, Environment &)>;

class Computation {
 public:
  // `call` computes the functions of `module`; numbers further off than `tolerance` are failures.
  Computation(const std::string &what, const Module &module, const json &file, double tolerance, Call call)
      : what_(what), module_(module), file_(file), tolerance_(tolerance), call_(std::move(call)) {}

  double run(const json &one) {
    environment_.runtime_values = training_values(0);
    environment_.seed = 7;
    if (const Function *init = module_.find_function("init")) {
      auto done = evaluate(module_, *init, {}, environment_);
      if (!done) throw std::runtime_error(done.error().message);
    }
    for (const Weight &weight : module_.weights)
      if (file_["start"].contains(weight.name))
        environment_.weights[weight.name] = tensor_of(weight.type, file_["start"][weight.name], 1);
    for (const json &part : one["runs"]) run_part(part);
    return largest_;
  }

 private:
  void run_part(const json &part) {
    const Function *function = module_.find_function(part["function"].get<std::string>());
    if (!function) throw std::runtime_error("there is no function " + part["function"].get<std::string>());
    std::vector<Tensor> results;
    auto last = part["last"].get<uint64_t>();
    for (auto step = part["first"].get<uint64_t>(); step < last; ++step) {
      json batch = file_["batches"].empty() ? json::object() : file_["batches"][step % file_["batches"].size()];
      environment_.batch = batch.value("batch", int64_t{4});
      environment_.step = step;
      environment_.runtime_values["step"] = static_cast<double>(step);
      results = call_(*function, inputs_of(*function, batch, sums_, environment_.batch), environment_);
      for (size_t i = 0; i < results.size(); ++i) {
        const std::string &name = function->result_names[i];
        if (name.starts_with("metric.")) add(sums_, name, results[i]);
        if (part.contains("series") && part["series"].contains(name))
          expect(what_ + " " + name + " of step " + std::to_string(step), results[i],
                 part["series"][name][step - part["first"].get<uint64_t>()]);
      }
    }
    std::string when = what_ + " " + function->name + " up to step " + std::to_string(last) + ": ";
    for (size_t i = 0; i < results.size(); ++i)
      if (const std::string &name = function->result_names[i];
          part.contains("results") && part["results"].contains(name))
        expect(when + name, results[i], part["results"][name]);
    if (part.contains("weights"))
      for (const auto &[name, numbers] : part["weights"].items())
        expect(when + name, environment_.weights[name], numbers);
  }

  void expect(const std::string &name, const Tensor &got, const json &numbers) {
    json expected = numbers.is_array() ? numbers : json::array({numbers});
    ASSERT_EQ(got.data.size(), expected.size()) << name;
    double worst = 0;
    size_t where = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      auto number = expected[i].get<double>();
      double off = std::fabs(got.data[i] - number) / std::max(1.0, std::fabs(number));
      if (!(off <= worst)) worst = off, where = i;
    }
    if (!(worst <= largest_)) largest_ = worst;
    EXPECT_LE(worst, tolerance_) << name << "[" << where << "] is " << got.data[where] << ", in Keras "
                                 << expected[where];
  }

  std::string what_;
  const Module &module_;
  const json &file_;
  double tolerance_;
  Call call_;
  Environment environment_;
  Sums sums_;
  double largest_ = 0;
};

// The functions a case calls.
std::set<std::string> functions_of(const json &one) {
  std::set<std::string> names;
  for (const json &part : one["runs"]) names.insert(part["function"]);
  return names;
}

}  // namespace

std::vector<Comparison> comparisons(const std::string &topic) {
  std::vector<Comparison> all;
  const json &cases = values_of(topic)["cases"];
  for (size_t i = 0; i < cases.size(); ++i) all.push_back({topic, i, cases[i]["name"]});
  return all;
}

const json &case_of(const Comparison &comparison) { return values_of(comparison.topic)["cases"][comparison.number]; }

Deviation compare(const Comparison &comparison) {
  const json &file = values_of(comparison.topic), &one = case_of(comparison);
  SCOPED_TRACE(one["net"].get<std::string>());
  auto elaborated = elaborate_text(one["net"]);
  if (!elaborated->program) {
    ADD_FAILURE() << elaborated->messages();
    return {};
  }
  Deviation deviation;

  Module reference = elaborated->program->module;
  PassOptions differentiate;
  differentiate.stop_before = "remove-dropout";
  if (auto done = run_pipeline(reference, differentiate); !done) throw std::runtime_error(done.error().message);
  double exactness = one.value("exact", kExactTolerance);
  Computation exact("evaluated", reference, file, exactness,
                    [&](const Function &function, const std::vector<Tensor> &inputs, Environment &environment) {
                      auto results = evaluate(reference, function, inputs, environment);
                      if (!results) throw std::runtime_error(results.error().message);
                      return *results;
                    });
  deviation.exact = exact.run(one);

  Module planned = elaborated->program->module;
  std::set<std::string> names = functions_of(one);
  std::erase_if(planned.functions, [&](const Function &f) { return !names.count(f.name); });
  if (auto done = run_pipeline(planned, {}); !done) throw std::runtime_error(done.error().message);
  CompiledModule compiled(planned, best_target());
  double steps = one["runs"].back()["last"], half_a_unit = std::numeric_limits<float>::epsilon() / 2;
  double tolerance =
      exactness + std::max((kOperations + steps) * half_a_unit, kRoundingFactor * one["rounding"].get<double>());
  Computation rounded("compiled", reference, file, tolerance,
                      [&](const Function &function, const std::vector<Tensor> &inputs, Environment &environment) {
                        if (compiled.has("prepare") && function.name != "train_step")
                          compiled.run("prepare", {}, environment);
                        return compiled.run(function.name, inputs, environment);
                      });
  deviation.compiled = rounded.run(one);
  return deviation;
}

}  // namespace netc::test
