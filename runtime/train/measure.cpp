#include "runtime/train/measure.h"

#include <cmath>
#include <limits>

#include "runtime/train/values.h"

namespace netc::runtime {

using nlohmann::json;

void Sums::add(const Results &results, int64_t batch) {
  constexpr size_t kFirstMetric = 2;  // after loss_sum and penalty
  loss += results.value(0);
  penalty += results.value(1) * static_cast<double>(batch);
  samples += static_cast<double>(batch);
  metrics.resize(results.pointers().size() - kFirstMetric);
  for (size_t i = 0; i < metrics.size(); ++i) {
    metrics[i].resize(static_cast<size_t>(results.elements(kFirstMetric + i)));
    for (size_t k = 0; k < metrics[i].size(); ++k) {
      metrics[i][k] += results.value(kFirstMetric + i, static_cast<int64_t>(k));
    }
  }
}

json Sums::to_json() const {
  json rows = json::array();
  for (const auto &metric : metrics) {
    json row = json::array();
    for (double value : metric) row.push_back(number_to_json(value));
    rows.push_back(std::move(row));
  }
  return {{"loss", number_to_json(loss)},
          {"penalty", number_to_json(penalty)},
          {"samples", number_to_json(samples)},
          {"metrics", std::move(rows)}};
}

Result<Sums> sums_from_json(const json &value) try {
  Sums sums{number_from_json(value.at("loss")),
            number_from_json(value.at("penalty")),
            number_from_json(value.at("samples")),
            {}};
  for (const json &row : value.at("metrics")) {
    auto &metric = sums.metrics.emplace_back();
    for (const json &number : row) metric.push_back(number_from_json(number));
  }
  return sums;
} catch (const json::exception &) {
  return fail("the sums in the checkpoint are damaged");
}

std::vector<std::string> measured_names(const Program &program) {
  std::vector<std::string> names = {"loss", "penalty"};
  for (const json &metric : program.metadata()["metrics"]) names.push_back(metric["name"]);
  return names;
}

Result<std::vector<double>> measured_values(Program &program, const Sums &sums) {
  double penalty = sums.penalty / sums.samples;
  std::vector<double> values = {sums.loss / sums.samples + penalty, penalty};
  if (sums.metrics.empty()) return values;
  const Function *finish = program.function("metrics");
  bool fits = finish && finish->inputs.size() == sums.metrics.size();
  for (size_t i = 0; fits && i < sums.metrics.size(); ++i)
    fits = static_cast<int64_t>(sums.metrics[i].size()) == finish->inputs[i].elements;
  if (!fits) return fail("the sums of the metrics are not those of this program");
  std::vector<std::vector<float>> arguments;
  std::vector<const void *> pointers;
  for (const auto &metric : sums.metrics) {
    arguments.emplace_back(metric.begin(), metric.end());
    arguments.back().resize(arguments.back().size() + 16);  // slack for whole vectors
  }
  for (const auto &metric : arguments) pointers.push_back(metric.data());
  Results results(*finish, 1);
  if (auto done = program.call(*finish, pointers, results.pointers(), 1); !done) return tl::unexpected(done.error());
  for (size_t i = 0; i < finish->outputs.size(); ++i) values.push_back(results.value(i));
  return values;
}

Result<std::optional<std::vector<double>>> evaluate_all(Program &program, Batches &batches,
                                                        const std::function<bool(int64_t)> &after_batch) {
  const Function *function = program.function("evaluate");
  if (!function) return fail("this program has no function evaluate");
  Sums sums;
  batches.start(0);
  for (int64_t done = 0;;) {
    auto next = batches.next();
    if (!next) return tl::unexpected(next.error());
    const Batch *batch = *next;
    if (!batch) break;
    Results results(*function, batch->size);
    if (auto called = program.call(*function, batch->arguments, results.pointers(), batch->size); !called) {
      return tl::unexpected(called.error());
    }
    sums.add(results, batch->size);
    if (after_batch && !after_batch(++done)) return std::nullopt;
  }
  auto values = measured_values(program, sums);
  if (!values) return tl::unexpected(values.error());
  return std::optional(std::move(*values));
}

}  // namespace netc::runtime
