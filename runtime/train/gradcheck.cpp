#include "runtime/train/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/random.h"

namespace netc::runtime {
namespace {

// An argument of `gradcheck` as f64 (floats) or as it is (everything else), with slack for whole vectors.
struct Argument {
  std::vector<double> values;
  const void *pointer = nullptr;
};

Argument to_f64(const void *data, const std::string &dtype, int64_t count) {
  if (dtype != "f32") return {{}, data};
  Argument argument;
  const auto *source = static_cast<const float *>(data);
  argument.values.assign(source, source + count);
  argument.values.resize(static_cast<size_t>(count) + 16);
  argument.pointer = argument.values.data();
  return argument;
}

class Checker {
 public:
  Checker(Program &program, const Function &function, int64_t samples)
      : program_(program), function_(function), samples_(samples), results_(function, samples) {}

  Result<void> prepare(std::span<const void *const> batch, uint64_t seed) {
    const Function *evaluate = program_.function("evaluate");
    // Without the second targets of mixed samples.
    if (evaluate && batch.size() > evaluate->inputs.size()) batch = batch.first(evaluate->inputs.size());
    if (!evaluate || function_.inputs.size() != batch.size() + program_.weights().size()) {
      return fail("the function gradcheck of this program has other arguments than expected");
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      const Port &port = evaluate->inputs[i];
      arguments_.push_back(to_f64(batch[i], port.dtype, port.elements * (port.has_batch ? samples_ : 1)));
    }
    first_weight_ = batch.size();
    for (const Weight &weight : program_.weights()) {
      arguments_.push_back(to_f64(program_.weight_data(weight), weight.dtype, weight.elements));
      if (weight.trainable) move(arguments_.back().values, weight.elements, seed + arguments_.size());
    }
    for (const Argument &argument : arguments_) pointers_.push_back(argument.pointer);
    return {};
  }

  Result<double> loss() {
    program_.set_step(0);
    auto done = program_.call(function_, pointers_, results_.pointers(), samples_);
    if (!done) return tl::unexpected(done.error());
    return results_.value(0);
  }

  // The gradients of the last call of loss().
  std::vector<double> gradient(size_t port) const {
    std::vector<double> values;
    for (int64_t i = 0; i < results_.elements(port); ++i) values.push_back(results_.value(port, i));
    return values;
  }

  Result<double> numeric(size_t weight, int64_t entry, double relative_step) {
    double &value = arguments_[first_weight_ + weight].values[static_cast<size_t>(entry)];
    double saved = value, step = relative_step * std::max(1.0, std::fabs(saved));
    value = saved + step;
    double above_at = value;
    auto above = loss();
    value = saved - step;
    double below_at = value;
    auto below = loss();
    value = saved;
    if (!above) return above;
    if (!below) return below;
    return (*above - *below) / (above_at - below_at);
  }

 private:
  static void move(std::vector<double> &values, int64_t count, uint64_t seed) {
    for (int64_t i = 0; i < count; ++i) {
      PhiloxWords words = philox({static_cast<uint32_t>(i), 0, 0, 0}, {static_cast<uint32_t>(seed), 0x67726164});
      values[static_cast<size_t>(i)] += 0.04 * (uniform(words[0]) - 0.5);
    }
  }

  Program &program_;
  const Function &function_;
  int64_t samples_;
  Results results_;
  std::vector<Argument> arguments_;
  std::vector<const void *> pointers_;
  size_t first_weight_ = 0;
};

Result<GradcheckRow> check_weight(Checker &checker, size_t index, const Weight &weight,
                                  const std::vector<double> &analytic, const GradcheckOptions &options) {
  GradcheckRow row{.weight = weight.name};
  double greatest = 0;
  for (double value : analytic) greatest = std::max(greatest, std::fabs(value));
  double floor = std::max(1e-3 * greatest, 1e-7);
  row.checked = std::min(options.entries, weight.elements);
  for (int64_t i = 0; i < row.checked; ++i) {
    int64_t entry = weight.elements * i / row.checked + (weight.elements / row.checked) / 2;
    double gradient = analytic[static_cast<size_t>(entry)];
    double best_error = std::numeric_limits<double>::infinity(), best_numeric = 0;
    for (double step : {1e-5, 1e-6, 1e-4, 1e-7}) {
      auto numeric = checker.numeric(index, entry, step);
      if (!numeric) return tl::unexpected(numeric.error());
      double error = std::fabs(gradient - *numeric) / std::max({std::fabs(gradient), std::fabs(*numeric), floor});
      if (error < best_error) {
        best_error = error;
        best_numeric = *numeric;
      }
      if (best_error <= options.tolerance) break;
    }
    bool worst = i == 0 || best_error > row.relative_error;
    if (worst) {
      row.relative_error = best_error;
      row.entry = entry;
      row.analytic = gradient;
      row.numeric = best_numeric;
    }
  }
  row.passed = row.relative_error <= options.tolerance;
  return row;
}

}  // namespace

bool GradcheckReport::passed() const {
  return std::all_of(rows.begin(), rows.end(), [](const GradcheckRow &row) { return row.passed; });
}

Result<GradcheckReport> check_gradients(Program &program, std::span<const void *const> batch, int64_t samples,
                                        const GradcheckOptions &options) {
  const Function *function = program.function("gradcheck");
  if (!function) return fail("this program has no function gradcheck");
  Checker checker(program, *function, samples);
  if (auto prepared = checker.prepare(batch, options.seed); !prepared) return tl::unexpected(prepared.error());
  GradcheckReport report;
  auto loss = checker.loss();
  if (!loss) return tl::unexpected(loss.error());
  report.loss = *loss;
  std::vector<std::vector<double>> gradients;  // taken before the differences overwrite them
  for (size_t port = 1; port < function->outputs.size(); ++port) gradients.push_back(checker.gradient(port));
  size_t gradient = 0;
  for (size_t index = 0; index < program.weights().size(); ++index) {
    const Weight &weight = program.weights()[index];
    if (!weight.trainable) continue;
    if (gradient == gradients.size()) return fail("gradcheck has no gradient of " + weight.name);
    auto row = check_weight(checker, index, weight, gradients[gradient++], options);
    if (!row) return tl::unexpected(row.error());
    report.rows.push_back(*row);
  }
  return report;
}

}  // namespace netc::runtime
