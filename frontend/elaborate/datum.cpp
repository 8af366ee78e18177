#include "frontend/elaborate/datum.h"

#include <fmt/format.h>

#include <algorithm>

namespace netc::elaborate {

bool is_poison(const Datum &datum) {
  if (const auto *items = datum.as<Items>()) return std::any_of((*items)->begin(), (*items)->end(), is_poison);
  return datum.is<Poison>();
}

std::string number_text(double value) { return fmt::format("{}", value); }

std::string type_text(const Type &type) {
  Type sample = type;
  if (!sample.shape.empty() && sample.shape.front() == kBatch) sample.shape.erase(sample.shape.begin());
  return sample.shape.empty() ? std::string(name(type.dtype)) : to_string(sample);
}

std::string chain_text(const Step *step) {
  std::vector<std::string> parts;
  for (; step; step = step->previous.get()) parts.push_back(step->name + " " + type_text(step->type));
  if (parts.size() < 2) return "";
  std::string text = parts.back();
  for (size_t i = parts.size() - 1; i-- > 0;) {
    if (parts.size() > 6 && i >= 2 && i < parts.size() - 3) {
      if (i == 2) text += " -> ...";
      continue;
    }
    text += " -> " + parts[i];
  }
  return text;
}

namespace {

struct Describer {
  const Function *function;

  std::string operator()(const Poison &) const { return "an error"; }
  std::string operator()(const None &) const { return "none"; }
  std::string operator()(const Number &number) const {
    std::string text = number_text(number.value);
    return number.unit.empty() ? text : text + " " + number.unit;
  }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(const Text &text) const { return '"' + text.value + '"'; }
  std::string operator()(const Word &word) const { return word.text; }
  std::string operator()(const BatchSize &size) const {
    return size.factor == 1 ? "batch" : fmt::format("{} * batch", size.factor);
  }
  std::string operator()(const Items &items) const {
    std::string text = "[";
    for (size_t i = 0; i < items->size(); ++i) {
      if (i == 8) return text + ", ...]";
      text += (i ? ", " : "") + describe((*items)[i], function);
    }
    return text + "]";
  }
  std::string operator()(const TensorValue &tensor) const {
    return function ? type_text(function->type(tensor.id)) : "a tensor";
  }
  std::string operator()(const CallablePtr &callable) const { return "the block " + callable->name; }
};

}  // namespace

const std::string *bare_name(const Datum &datum) {
  if (const auto *word = datum.as<Word>()) return &word->text;
  const auto *callable = datum.as<CallablePtr>();
  return callable && (*callable)->block && (*callable)->arguments.empty() ? &(*callable)->name : nullptr;
}

std::string describe(const Datum &datum, const Function *function) {
  return std::visit(Describer{function}, datum.node);
}

}  // namespace netc::elaborate
