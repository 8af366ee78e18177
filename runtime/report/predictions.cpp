#include "runtime/report/predictions.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/cli/text.h"
#include "runtime/data/batches.h"
#include "runtime/data/some_samples.h"
#include "runtime/report/sample_view.h"
#include "runtime/train/predict.h"

namespace netc::runtime {
namespace {

constexpr int64_t kMostSamples = 10'000;
constexpr size_t kShown = 12;           // right ones, and as many wrong ones
constexpr size_t kMostPoints = 600;     // of right against said
constexpr size_t kMostAnswers = 3;      // classes that a sample tells
constexpr size_t kMostValuesTold = 4;   // values of an output that a sample tells
constexpr int64_t kMostClasses = 1000;  // of which is told how often one is taken for another

// A sample that may be shown.
struct Candidate {
  int64_t sample = 0;
  double weight = 0;         // the confidence of a class, the size of an error
  std::vector<double> said;  // the output of the network
  std::vector<double> is;    // the target; of a class its number
  std::vector<double> input;
};

// The heaviest candidates, the heaviest first.
class Shown {
 public:
  void offer(Candidate &&candidate) {
    auto place = list.begin();
    while (place != list.end() && place->weight >= candidate.weight) ++place;
    if (list.size() == kShown && place == list.end()) return;
    if (list.size() == kShown) list.pop_back();
    list.insert(place, std::move(candidate));
  }
  std::vector<Candidate> list;
};

// What is gathered of one output.
struct OutputSums {
  const Field *field = nullptr;
  std::vector<int64_t> matrix;  // classes * classes: right and said class
  std::vector<double> points;   // right, said, ...
};

void write_output(JsonText &out, const OutputSums &output, const Schema &schema) {
  out.open('{');
  out.member("name", output.field->name);
  if (!output.field->is_class) {
    out.key("points");
    out.open('[');
    for (double value : output.points) out.number(value);
  } else {
    auto classes = static_cast<size_t>(output.field->classes);
    out.key("classes");
    out.open('[');
    for (size_t i = 0; i < classes; ++i) out.string(class_name(schema, static_cast<int64_t>(i)));
    out.close(']');
    out.key("matrix");
    out.open('[');
    for (size_t i = 0; i < output.matrix.size(); ++i) {
      if (output.matrix[i] == 0) continue;
      out.number(static_cast<double>(i / classes));
      out.number(static_cast<double>(i % classes));
      out.number(static_cast<double>(output.matrix[i]));
    }
  }
  out.close(']');
  out.close('}');
}

// "is" and "said".
void write_answer(JsonText &out, const Candidate &one, const Field &field, const Schema &schema) {
  auto values_text = [](const std::vector<double> &values) {
    std::string text;
    for (size_t i = 0; i < std::min(values.size(), kMostValuesTold); ++i)
      text += format(i ? ", %.4g" : "%.4g", values[i]);
    return text;
  };
  out.member("is", field.is_class ? class_name(schema, static_cast<int64_t>(one.is[0])) : values_text(one.is));
  out.key("said");
  out.open('[');
  if (!field.is_class) {
    out.string(values_text(one.said));
  } else {
    for (int64_t best : top_classes(one.said, kMostAnswers)) {
      out.string(class_name(schema, best));
      out.number(std::round(1e4 * one.said[static_cast<size_t>(best)]) / 1e4);
    }
  }
  out.close(']');
}

class Summary {
 public:
  Summary(const Interface &interface, const Schema &schema) : interface_(interface), schema_(schema) {
    for (const Field &field : interface.outputs) {
      int64_t cells = field.is_class && field.classes <= kMostClasses ? field.classes * field.classes : 0;
      outputs_.push_back({&field, std::vector<int64_t>(static_cast<size_t>(cells)), {}});
    }
  }

  // `candidate` holds what the output says and what is right.
  void add(size_t port, Candidate &&candidate) {
    OutputSums &output = outputs_[port];
    if (output.field->is_class) {
      int64_t best = top_classes(candidate.said, 1)[0];
      auto is = static_cast<int64_t>(candidate.is[0]);
      bool right = best == is;
      if (!output.matrix.empty()) ++output.matrix[static_cast<size_t>(is * output.field->classes + best)];
      // Of the right ones the first of each class.
      bool new_class = std::none_of(right_.list.begin(), right_.list.end(),
                                    [&](const Candidate &one) { return one.is == candidate.is; });
      if (port > 0 || (right && !new_class)) return;
      candidate.weight = right ? 0 : candidate.said[static_cast<size_t>(best)];
      (right ? right_ : wrong_).offer(std::move(candidate));
      return;
    }
    for (size_t i = 0; i < candidate.said.size(); ++i) {
      candidate.weight += std::fabs(candidate.said[i] - candidate.is[i]);
      if (output.points.size() >= 2 * kMostPoints) continue;
      output.points.push_back(candidate.is[i]);
      output.points.push_back(candidate.said[i]);
    }
    if (port > 0 || !std::isfinite(candidate.weight)) return;
    wrong_.offer(Candidate(candidate));  // the largest errors
    candidate.weight = -candidate.weight;
    right_.offer(std::move(candidate));  // and the smallest
  }

  // `stride`: how many samples of the set stand for one that was looked at.
  std::string members(const Normalisation &normalisation, int64_t samples, int64_t of) {
    JsonText out;
    out.member("samples", static_cast<double>(samples));
    out.member("of", static_cast<double>(of));
    out.key("outputs");
    out.open('[');
    for (const OutputSums &output : outputs_) write_output(out, output, schema_);
    out.close(']');
    double low = 0, high = 0;
    for (Shown *shown : {&wrong_, &right_}) {
      for (Candidate &one : shown->list) {
        undo(normalisation, one.input);
        for (double value : one.input) {
          low = std::min(low, value);
          high = std::max(high, value);
        }
      }
    }
    out.key("shown");
    out.open('[');
    for (const Shown *shown : {&wrong_, &right_}) {
      for (const Candidate &one : shown->list) {
        out.open('{');
        out.member("sample", static_cast<double>(one.sample * of / samples));
        out.key("right");
        out.raw(shown == &right_ ? "true" : "false");
        write_answer(out, one, *outputs_[0].field, schema_);
        write_sample(out, interface_.inputs[0], schema_, one.input, low, high);
        out.close('}');
      }
    }
    out.close(']');
    return out.text();
  }

  std::optional<Answers> answers(int64_t samples) const {
    const OutputSums &output = outputs_[0];
    if (output.matrix.empty()) return std::nullopt;
    auto classes = static_cast<size_t>(output.field->classes);
    Answers answers;
    for (size_t said = 0; said < classes; ++said) {
      int64_t given = 0, right = 0;
      for (size_t is = 0; is < classes; ++is) {
        given += output.matrix[is * classes + said];
        right += output.matrix[said * classes + is];
      }
      double share = static_cast<double>(given) / static_cast<double>(samples);
      if (share <= answers.share_given) continue;
      answers = {class_name(schema_, static_cast<int64_t>(said)), share,
                 static_cast<double>(right) / static_cast<double>(samples)};
    }
    return answers;
  }

 private:
  const Interface &interface_;
  const Schema &schema_;
  std::vector<OutputSums> outputs_;
  Shown right_, wrong_;
};

// Elements of a sample of an argument of f32 or i32.
std::vector<double> elements_of(const void *argument, bool integers, int64_t count, int64_t row) {
  std::vector<double> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = row * count + i;
    values[static_cast<size_t>(i)] =
        integers ? static_cast<const int32_t *>(argument)[at] : static_cast<const float *>(argument)[at];
  }
  return values;
}

}  // namespace

Result<Predictions> summarise_predictions(Program &program, const nlohmann::json &metadata, const DataSets &data,
                                          const Dataset &dataset, int64_t batch_size) {
  auto interface = network_interface(metadata);
  if (!interface) return tl::unexpected(interface.error());
  const Function *function = program.function("predict");
  if (!function || function->outputs.size() != interface->outputs.size()) return fail("this program cannot predict");
  // One yes-or-no output is the probability of the second of two classes.
  for (Field &field : interface->outputs) field.classes = std::max<int64_t>(2, field.classes);
  size_t inputs = function->inputs.size();
  const Port &first = function->inputs[0];
  Summary summary(*interface, data.preparation.schema);
  Batches batches(some_samples(dataset, kMostSamples), {.batch_size = batch_size});
  batches.start(0);
  int64_t samples = 0;
  for (;;) {
    auto batch = batches.next();
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) break;
    const auto &arguments = (*batch)->arguments;
    int64_t size = (*batch)->size;
    Results results(*function, size);
    auto done = program.call(*function, std::span(arguments.data(), inputs), results.pointers(), size);
    if (!done) return tl::unexpected(done.error());
    for (int64_t row = 0; row < size; ++row, ++samples) {
      for (size_t port = 0; port < interface->outputs.size(); ++port) {
        bool is_class = interface->outputs[port].is_class;
        int64_t count = results.elements(port) / size;
        Candidate candidate{
            samples, 0, {}, elements_of(arguments[inputs + port], is_class, is_class ? 1 : count, row), {}};
        for (int64_t i = 0; i < count; ++i) candidate.said.push_back(results.value(port, row * count + i));
        if (is_class && count == 1) candidate.said.insert(candidate.said.begin(), 1 - candidate.said[0]);
        if (port == 0) candidate.input = elements_of(arguments[0], first.dtype == "i32", first.elements, row);
        summary.add(port, std::move(candidate));
      }
    }
  }
  const auto &normalisations = data.preparation.normalisations;
  return Predictions{
      summary.members(normalisations.empty() ? Normalisation{} : normalisations[0], samples, dataset.size()),
      summary.answers(samples)};
}

}  // namespace netc::runtime
