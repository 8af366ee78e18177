#include "runtime/report/facts.h"

#include <cctype>

#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

// The first parameter that the text of the optimizer names as its learning rate: lr of
// "adam(learning_rate = cosine(lr, warmup = 500 steps))".
std::string rate_parameter(const std::string &optimizer, const std::vector<Parameter> &parameters) {
  size_t at = optimizer.find("learning_rate");
  if (at == std::string::npos) at = optimizer.find('(');
  while (at < optimizer.size()) {
    while (at < optimizer.size() && !std::isalpha(static_cast<unsigned char>(optimizer[at]))) ++at;
    size_t begin = at;
    while (at < optimizer.size() && (std::isalnum(static_cast<unsigned char>(optimizer[at])) || optimizer[at] == '_'))
      ++at;
    std::string word = optimizer.substr(begin, at - begin);
    for (const Parameter &parameter : parameters) {
      if (parameter.name == word && parameter.runtime) return word;
    }
  }
  return "";
}

const json kNothing;

// A member of an object; null when it has none, or is none.
const json &member(const json &object, const char *key) {
  auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

std::string text_of(const json &value) { return value.is_string() ? value.get<std::string>() : ""; }

bool is_given(const json &value) { return !value.is_null() && !value.empty() && name_of(value) != "none"; }

}  // namespace

Facts facts_of(const Settings &settings, const DataSets &data) {
  const json &metadata = settings.metadata, &train = member(metadata, "train"), &source = member(metadata, "data");
  Facts facts;
  facts.optimizer = text_of(member(train, "optimizer"));
  facts.rate_parameter = rate_parameter(facts.optimizer, settings.parameters);
  facts.clips = facts.optimizer.find("clip") != std::string::npos;
  const json &network = member(metadata, "network");
  for (const json &output : member(network, "outputs")) {
    if (facts.classes == 0 && output["kind"] == "class") facts.classes = std::max<int64_t>(2, output["classes"]);
  }
  for (const json &input : member(network, "inputs")) facts.pictures |= input["shape"].size() == 3;
  facts.guess_is_known =
      facts.classes > 0 && text_of(member(member(metadata, "loss"), "name")).find("crossentropy") != std::string::npos;
  facts.batch_size = settings.batch_size.value;
  facts.steps_per_epoch = (data.train.size() + facts.batch_size - 1) / facts.batch_size;
  facts.augments = is_given(member(source, "augment"));
  facts.normalises = is_given(member(source, "normalize")) || is_given(member(source, "rescale"));
  for (const json &layer : member(metadata, "layers")) {
    std::string kind = layer["kind"];
    facts.batch_norm |= kind == "batch_norm";
    facts.dropout |= kind.ends_with("dropout");
  }
  for (const json &callback : member(train, "callbacks")) {
    std::string name = name_of(callback);
    facts.early_stopping |= name == "early_stopping";
    facts.reduces_rate |= name.starts_with("reduce_");
  }
  for (const json &metric : member(metadata, "metrics")) {
    if (metric["higher_is_better"] == true) facts.higher_is_better.push_back(metric["name"]);
  }
  return facts;
}

}  // namespace netc::runtime
