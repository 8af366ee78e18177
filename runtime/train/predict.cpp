#include "runtime/train/predict.h"

#include <algorithm>
#include <numeric>

namespace netc::runtime {

Result<void> predict_all(Program &program, const Interface &interface, const Dataset &dataset, int64_t batch_size,
                         const std::function<void(int64_t, const std::vector<Prediction> &)> &each) {
  const Function *function = program.function("predict");
  if (!function || function->outputs.size() != interface.outputs.size()) return fail("this program cannot predict");
  Batches batches(dataset, {.batch_size = batch_size});
  batches.start(0);
  int64_t sample = 0;
  for (;;) {
    auto next = batches.next();
    if (!next) return tl::unexpected(next.error());
    const Batch *batch = *next;
    if (!batch) return {};
    Results results(*function, batch->size);
    std::span inputs(batch->arguments.data(), function->inputs.size());
    if (auto done = program.call(*function, inputs, results.pointers(), batch->size); !done) return done;
    for (int64_t row = 0; row < batch->size; ++row) {
      std::vector<Prediction> outputs;
      for (size_t port = 0; port < interface.outputs.size(); ++port) {
        int64_t count = results.elements(port) / batch->size;
        Prediction &output = outputs.emplace_back(Prediction{&interface.outputs[port], {}});
        for (int64_t i = 0; i < count; ++i) output.values.push_back(results.value(port, row * count + i));
        // One yes-or-no output is the probability of the second of two classes.
        if (output.field->is_class && count == 1) output.values.insert(output.values.begin(), 1 - output.values[0]);
      }
      each(sample++, outputs);
    }
  }
}

std::vector<int64_t> top_classes(const std::vector<double> &probabilities, int64_t count) {
  std::vector<int64_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return probabilities[a] > probabilities[b]; });
  order.resize(std::min<size_t>(order.size(), static_cast<size_t>(count)));
  return order;
}

std::string class_name(const Schema &schema, int64_t number) {
  bool named = number >= 0 && number < static_cast<int64_t>(schema.classes.size());
  return named ? schema.classes[static_cast<size_t>(number)] : std::to_string(number);
}

}  // namespace netc::runtime
