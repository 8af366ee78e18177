#include "test/unit/runtime/toy_program.h"

#include <cmath>
#include <cstring>
#include <fstream>

#include "ir/philox.h"
#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

constexpr int kFeatures = 4, kClasses = 3;
constexpr int kKernel = kFeatures * kClasses, kWeights = kKernel + kClasses;  // kernel, then bias
constexpr int kRowsOfChunk = 8;
constexpr int kPartial = kWeights + 2;  // gradient, loss, correct
constexpr double kL2 = 1e-3;
const char *const kScalars[] = {"step", "learning_rate_scale", "param.lr", "total_steps"};

// The loss of one row; adds its gradient when there is a place for it.
template <typename T>
T row_loss(const T *x, const T *weights, int32_t target, T *probabilities, T *gradient) {
  T logits[kClasses], greatest = -INFINITY, sum = 0;
  for (int c = 0; c < kClasses; ++c) {
    logits[c] = weights[kKernel + c];
    for (int f = 0; f < kFeatures; ++f) logits[c] += x[f] * weights[f * kClasses + c];
    greatest = std::max(greatest, logits[c]);
  }
  for (int c = 0; c < kClasses; ++c) sum += probabilities[c] = std::exp(logits[c] - greatest);
  for (int c = 0; c < kClasses; ++c) probabilities[c] /= sum;
  for (int c = 0; gradient && c < kClasses; ++c) {
    T delta = probabilities[c] - (c == target ? 1 : 0);
    for (int f = 0; f < kFeatures; ++f) gradient[f * kClasses + c] += x[f] * delta;
    gradient[kKernel + c] += delta;
  }
  return target < 0 ? 0 : -std::log(probabilities[target]);
}

template <typename T>
bool is_correct(const T *probabilities, int32_t target) {
  for (int c = 0; c < kClasses; ++c) {
    if (probabilities[c] > probabilities[target]) return false;
  }
  return true;
}

template <typename T>
T penalty(const T *weights) {
  T sum = 0;
  for (int i = 0; i < kKernel; ++i) sum += weights[i] * weights[i];
  return static_cast<T>(kL2) * sum;
}

float *weights_of(const nc_context *context) { return reinterpret_cast<float *>(context->weights); }

void init(const nc_context *context) {
  float *weights = weights_of(context);
  std::memset(weights, 0, 2 * kWeights * sizeof(float));
  for (int i = 0; i < kKernel; ++i) weights[i] = static_cast<float>(0.2 * philox_uniform(context->seed, 0, 0, i) - 0.1);
}

template <bool kTraining>
void chunk_of_rows(const nc_context *context, int64_t chunk, const int64_t *) {
  auto *partial = reinterpret_cast<float *>(context->batch_space) + chunk * kPartial;
  std::memset(partial, 0, kPartial * sizeof(float));
  const auto *inputs = static_cast<const float *>(context->inputs[0]);
  const auto *targets = static_cast<const int32_t *>(context->inputs[1]);
  const auto *weight = static_cast<const float *>(context->inputs[2]);
  for (int64_t row = chunk * kRowsOfChunk; row < std::min(context->batch, (chunk + 1) * kRowsOfChunk); ++row) {
    float x[kFeatures], probabilities[kClasses];
    for (int f = 0; f < kFeatures; ++f) {
      x[f] = inputs[row * kFeatures + f];
      if (kTraining)
        x[f] += static_cast<float>(0.2 * philox_uniform(context->seed, 1, context->step, row * kFeatures + f) - 0.1);
    }
    partial[kWeights] +=
        weight[row] * row_loss(x, weights_of(context), targets[row], probabilities, kTraining ? partial : nullptr);
    partial[kWeights + 1] += is_correct(probabilities, targets[row]) ? 1 : 0;
  }
}

// Runs the chunks and adds up their results in their order.
template <bool kTraining>
std::vector<float> sum_of_chunks(const nc_context *context) {
  int64_t chunks = (context->batch + kRowsOfChunk - 1) / kRowsOfChunk;
  static const nc_kernel_entry kernel{.function = "train_step", .kernel = chunk_of_rows<kTraining>};
  nc_parallel_for(context, &kernel, chunks, 1'000'000'000);
  std::vector<float> sum(kPartial);
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    for (int i = 0; i < kPartial; ++i)
      sum[i] += reinterpret_cast<const float *>(context->batch_space)[chunk * kPartial + i];
  }
  auto out = [&](int i) { return static_cast<float *>(context->outputs[i]); };
  out(0)[0] = sum[kWeights];
  out(1)[0] = penalty(weights_of(context));
  out(2)[0] = sum[kWeights + 1];
  out(2)[1] = static_cast<float>(context->batch);
  return sum;
}

double learning_rate_of(const nc_context *context) {
  return context->scalars[2] * context->scalars[1] * (1 - 0.5 * context->scalars[0] / context->scalars[3]);
}

void learning_rate(const nc_context *context) {
  *static_cast<float *>(context->outputs[0]) = static_cast<float>(learning_rate_of(context));
}

void evaluate(const nc_context *context) { sum_of_chunks<false>(context); }

void train_step(const nc_context *context) {
  std::vector<float> gradient = sum_of_chunks<true>(context);
  float *weights = weights_of(context), *velocity = weights + kWeights;
  double rate = learning_rate_of(context);
  for (int i = 0; i < kWeights; ++i) {
    float slope =
        gradient[i] / static_cast<float>(context->batch) + (i < kKernel ? 2 * static_cast<float>(kL2) * weights[i] : 0);
    velocity[i] = 0.9f * velocity[i] - static_cast<float>(rate) * slope;
    weights[i] += velocity[i];
  }
}

void predict(const nc_context *context) {
  for (int64_t row = 0; row < context->batch; ++row) {
    row_loss(static_cast<const float *>(context->inputs[0]) + row * kFeatures, weights_of(context), -1,
             static_cast<float *>(context->outputs[0]) + row * kClasses, static_cast<float *>(nullptr));
  }
}

void metrics(const nc_context *context) {
  const auto *sums = static_cast<const float *>(context->inputs[0]);
  *static_cast<float *>(context->outputs[0]) = sums[0] / sums[1];
}

template <bool kBroken>
void gradcheck(const nc_context *context) {
  auto in = [&](int i) { return static_cast<const double *>(context->inputs[i]); };
  double weights[kWeights], gradient[kWeights] = {}, probabilities[kClasses], loss = 0;
  std::memcpy(weights, in(3), kKernel * sizeof(double));
  std::memcpy(weights + kKernel, in(4), kClasses * sizeof(double));
  const auto *targets = static_cast<const int32_t *>(context->inputs[1]);
  for (int64_t row = 0; row < context->batch; ++row) {
    loss += row_loss(in(0) + row * kFeatures, weights, targets[row], probabilities, gradient);
  }
  auto out = [&](int i) { return static_cast<double *>(context->outputs[i]); };
  auto batch = static_cast<double>(context->batch);
  out(0)[0] = loss / batch + penalty(weights);
  for (int i = 0; i < kKernel; ++i) out(1)[i] = gradient[i] / batch + 2 * kL2 * weights[i];
  for (int i = 0; i < kClasses; ++i) out(2)[i] = gradient[kKernel + i] / batch * (kBroken ? 1.001 : 1);
}

json port(const char *name, const char *dtype, json shape) {
  return {{"name", name}, {"dtype", dtype}, {"shape", shape}};
}

json batch_ports(const char *dtype) {
  return {port("x", dtype, {"B", kFeatures}), port("y", "i32", {"B"}), port("sample_weight", dtype, {"B"})};
}

}  // namespace

json toy_metadata() {
  json measured = {port("loss_sum", "f32", json::array()), port("penalty", "f32", json::array()),
                   port("metric.accuracy", "f32", {2})};
  json weights = json::array(), gradcheck_inputs = batch_ports("f64");
  auto weight = [&](const char *name, json shape, bool trainable, const char *role, int offset) {
    weights.push_back({{"name", name},
                       {"dtype", "f32"},
                       {"shape", shape},
                       {"trainable", trainable},
                       {"role", role},
                       {"offset", offset * 4}});
    gradcheck_inputs.push_back(port(name, "f64", shape));
  };
  weight("dense.kernel", {kFeatures, kClasses}, true, "weight", 0);
  weight("dense.bias", {kClasses}, true, "weight", kKernel);
  weight("dense.kernel.momentum", {kFeatures, kClasses}, false, "optimizer", kWeights);
  weight("dense.bias.momentum", {kClasses}, false, "optimizer", kWeights + kKernel);
  json csv = {{"call", "csv"}, {"args", {"train.csv"}}, {"named", {{"target", "kind"}}}}, test = csv;
  test["args"] = {"test.csv"};
  return {
      {"format", 1},
      {"name", "toy"},
      {"source", "# toy\n"},
      {"source_path", "toy.net"},
      {"data_root", "."},
      {"network",
       {{"name", "toy"},
        {"inputs", {{{"name", "x"}, {"kind", "tensor"}, {"dtype", "f32"}, {"shape", {kFeatures}}}}},
        {"outputs",
         {{{"name", "y"}, {"kind", "class"}, {"dtype", "f32"}, {"shape", {kClasses}}, {"classes", kClasses}}}}}},
      {"output_activation", "softmax"},
      {"layers",
       {{{"name", "dense"},
         {"kind", "dense"},
         {"output_shape", {kClasses}},
         {"weights", {"dense.kernel", "dense.bias"}},
         {"parameters", kWeights},
         {"flops", 2 * kKernel},
         {"line", 1}}}},
      {"weights", weights},
      {"parameters",
       {{{"name", "lr"},
         {"value", 0.05},
         {"kind", "real"},
         {"runtime", true},
         {"space", {{"kind", "range"}, {"low", 1e-4}, {"high", 1e6}, {"log", true}, {"integer", false}}}},
        {{"name", "units"}, {"value", 3}, {"kind", "integer"}, {"runtime", false}, {"space", nullptr}}}},
      {"data",
       {{"name", "toy"},
        {"train", csv},
        {"test", test},
        {"normalize", {{"name", "standardize"}}},
        {"validation", {{"call", "split"}, {"args", {0.2}}, {"named", json::object()}}}}},
      {"train", {{"batch_size", 16}, {"epochs", 3}, {"seed", 7}, {"callbacks", json::array()}}},
      {"loss",
       {{"name", "sparse_categorical_crossentropy"}, {"text", "sparse_categorical_crossentropy(from_logits = true)"}}},
      {"metrics", {{{"name", "accuracy"}, {"accumulators", 2}, {"higher_is_better", true}}}},
      {"check", json::array()},
      {"functions",
       {{"init", {{"inputs", json::array()}, {"outputs", json::array()}, {"changes_weights", true}}},
        {"predict",
         {{"inputs", {port("x", "f32", {"B", kFeatures})}},
          {"outputs", {port("y", "f32", {"B", kClasses})}},
          {"changes_weights", false}}},
        {"evaluate", {{"inputs", batch_ports("f32")}, {"outputs", measured}, {"changes_weights", false}}},
        {"train_step", {{"inputs", batch_ports("f32")}, {"outputs", measured}, {"changes_weights", true}}},
        {"learning_rate",
         {{"inputs", json::array()},
          {"outputs", {port("learning_rate", "f32", json::array())}},
          {"changes_weights", false}}},
        {"metrics",
         {{"inputs", {port("metric.accuracy", "f32", {2})}},
          {"outputs", {port("accuracy", "f32", json::array())}},
          {"changes_weights", false}}},
        {"gradcheck",
         {{"inputs", gradcheck_inputs},
          {"outputs",
           {port("loss", "f64", json::array()), port("dense.kernel", "f64", {kFeatures, kClasses}),
            port("dense.bias", "f64", {kClasses})}},
          {"changes_weights", false}}}}},
  };
}

ToyProgram::ToyProgram(const json &metadata, bool break_gradient) : metadata_(metadata.dump()) {
  constexpr int64_t kPerRow = kPartial * sizeof(float);
  functions_ = {{"init", init, 0, 0, 0, 0},
                {"predict", predict, 0, 0, 1, 1},
                {"evaluate", evaluate, 0, kPerRow, 3, 3},
                {"train_step", train_step, 0, kPerRow, 3, 3},
                {"learning_rate", learning_rate, 0, 0, 0, 1},
                {"metrics", metrics, 0, 0, 1, 1},
                {"gradcheck", break_gradient ? gradcheck<true> : gradcheck<false>, 0, 0, 7, 3}};
  modules_ = {&nc_module_csv};
  program_ = {NC_ABI_VERSION,
              static_cast<uint32_t>(functions_.size()),
              functions_.data(),
              2 * kWeights * 4,
              metadata_.data(),
              metadata_.size(),
              0,
              kScalars,
              std::size(kScalars),
              modules_.data(),
              static_cast<int64_t>(modules_.size())};
  program_.cpu = "any";
  program_.cpu_features = "";
}

void write_toy_data(const std::string &folder, int samples) {
  for (const char *name : {"train.csv", "test.csv"}) {
    std::ofstream file(folder + "/" + name);
    file << "a,b,c,d,kind\n";
    for (int i = 0; i < samples; ++i) {
      int kind = i % kClasses;
      for (int f = 0; f < kFeatures; ++f) {
        double noise = philox_uniform(99, name[1], 0, i * kFeatures + f) - 0.5;
        file << (f == kind ? 1.0 : 0.0) + 2.2 * noise + 10 * f << ",";
      }
      file << (kind == 0 ? "red" : kind == 1 ? "green" : "blue") << "\n";
    }
  }
}

}  // namespace netc::runtime
