#include <algorithm>
#include <cmath>

#include "runtime/cli/text.h"
#include "runtime/survey/survey.h"
#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

std::string samples_of(int64_t count) { return count_text(count) + (count == 1 ? " sample" : " samples"); }

std::string names_of(const std::vector<std::string> &names) {
  constexpr size_t kMost = 8;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) text += (i ? ", " : "") + names[i];
  return names.size() > kMost ? text + format(" and %zu more", names.size() - kMost) : text;
}

class Adviser {
 public:
  Adviser(const json &survey, const json &section) : survey_(survey), section_(section) {}

  json run() {
    splits();
    classes();
    features();
    copies();
    if (list_.empty()) say("good", "nothing", "Nothing about this data stands out.");
    return std::move(list_);
  }

 private:
  void say(const char *level, const char *kind, const std::string &text, const std::string &line = "") {
    list_.push_back({{"level", level}, {"kind", kind}, {"text", text}, {"line", line}});
  }

  bool has(const char *part) const {
    return std::any_of(survey_["parts"].begin(), survey_["parts"].end(),
                       [&](const json &one) { return one["name"] == part; });
  }

  void splits() {
    bool sorts = survey_.contains("classes");
    if (!has("validation"))
      say("warning", "no validation set",
          "Without a validation set nothing tells when training goes too far, and the test set is the only judge of "
          "every "
          "choice.",
          sorts ? "validation = split(10%, stratified = true)" : "validation = split(10%)");
    if (!has("test"))
      say("note", "no test set", "There is nothing to measure the final network with that no choice depended on.",
          "test = split(10%)");
  }

  void classes() {
    if (!survey_.contains("classes")) return;
    const json &names = survey_["classes"];
    const json &train = survey_["parts"][0]["classes"];
    int64_t most = 0, least = INT64_MAX;
    std::vector<std::string> none, few;
    for (size_t i = 0; i < train.size(); ++i) {
      auto count = train[i].get<int64_t>();
      if (count == 0) {
        none.push_back(names[i]);
        continue;
      }
      most = std::max(most, count);
      least = std::min(least, count);
      if (count < 20) few.push_back(names[i]);
    }
    if (!none.empty())
      say("problem", "classes without samples", "The training data has no sample of " + names_of(none) + ".");
    if (!few.empty())
      say("warning", "few samples",
          "Fewer than 20 training samples of " + names_of(few) + ": what the network knows of them is luck.");
    if (most > 3 * least)
      say("warning", "imbalance",
          format("The largest class has %.1f times the samples of the smallest one; the network may do well by "
                 "ignoring the "
                 "small ones. Watch the recall of each class, not the accuracy alone.",
                 static_cast<double>(most) / static_cast<double>(least)),
          section_.value("class_weight", json()).is_null() ? "class_weight = balanced" : "");
    for (size_t p = 1; p < survey_["parts"].size(); ++p) {
      const json &part = survey_["parts"][p];
      std::vector<std::string> missing, shifted;
      double total = part["samples"].get<double>(), all = survey_["parts"][0]["samples"].get<double>();
      for (size_t i = 0; i < train.size(); ++i) {
        double here = part["classes"][i].get<double>(), expected = train[i].get<double>() / all;
        if (here == 0 && expected > 0) missing.push_back(names[i]);
        // Four standard deviations of a random draw.
        if (std::fabs(here - expected * total) > 4 * std::sqrt(total * expected * (1 - expected)) + 1)
          shifted.push_back(names[i]);
      }
      std::string name = part["name"];
      if (!missing.empty())
        say("warning", "classes missing", "The " + name + " set has no sample of " + names_of(missing) + ".",
            name_of(section_.value(name, json())) == "split" ? name + " = split(10%, stratified = true)" : "");
      else if (!shifted.empty())
        say("warning", "another mix",
            "The " + name + " set has another share of " + names_of(shifted) +
                " than the training data, by more than chance: was it taken from elsewhere?");
    }
  }

  void features() {
    std::vector<std::string> constant, missing, outliers;
    double least = INFINITY, most = 0;
    for (const json &feature : survey_["features"]) {
      std::string name = feature["name"];
      if (feature["constant"] == true) constant.push_back(name);
      if (feature["missing"].get<double>() > 0) missing.push_back(name);
      if (feature["outliers"].get<double>() > 0) outliers.push_back(name);
      if (double deviation = feature.value("deviation", 0.0); deviation > 0) {
        least = std::min(least, deviation);
        most = std::max(most, deviation);
      }
    }
    if (!constant.empty())
      say("warning", "constant features",
          "The same value in every sample: " + names_of(constant) + ". They tell nothing.",
          constant.size() <= 8 ? "drop = [" + names_of(constant) + "]" : "");
    if (!missing.empty()) say("note", "missing values", "Values are missing in " + names_of(missing) + ".");
    if (!outliers.empty())
      say("note", "outliers",
          "Values farther than five standard deviations from the mean in " + names_of(outliers) +
              ": errors, or a long tail that a logarithm would shorten.");
    if (section_.value("normalize", json()).is_null() && section_.value("rescale", json()).is_null() &&
        (most > 10 || most > 20 * least))
      say("warning", "not normalised",
          most > 20 * least
              ? format("The features vary by very different amounts, from %s to %s; the large ones will "
                       "drown the small ones.",
                       short_number(least).c_str(), short_number(most).c_str())
              : "The values are large; networks learn best from numbers around 0 with a deviation near 1.",
          "normalize = standardize");
  }

  void copies() {
    const json &found = survey_["copies"];
    for (const json &between : found["between"]) {
      std::string first = between["parts"][0], second = between["parts"][1];
      if (auto count = between["samples"].get<int64_t>(); count > 0)
        say("problem", "leak",
            samples_of(count) + " of the " + second + " set " + (count == 1 ? "is" : "are") + " in the " + first +
                " set, too: what is measured there is memory, not skill.");
      if (auto count = between["near"].get<int64_t>(); count > 0)
        say("warning", "near duplicates",
            samples_of(count) + " of the " + second + " set " + (count == 1 ? "looks" : "look") +
                " almost like one of the " + first + " set.");
      if (auto count = between["groups"].get<int64_t>(); count > 0)
        say("problem", "leak by group",
            format("%lld group%s have samples in the %s set and in the %s set.", static_cast<long long>(count),
                   count == 1 ? "" : "s", first.c_str(), second.c_str()));
    }
    if (auto count = found["within"]["train"].get<int64_t>(); count > 0)
      say("note", "duplicates",
          samples_of(count) + " of the training set " + (count == 1 ? "is" : "are") +
              " there more than once; a random split spreads them over the parts.");
    if (auto count = found.value("conflicts", int64_t{0}); count > 0)
      say("warning", "contradictions",
          samples_of(count) + " of the training set " + (count == 1 ? "is" : "are") +
              " there with another target as well: no network can learn both.");
  }

  const json &survey_, &section_;
  json list_ = json::array();
};

}  // namespace

json advice_on(const json &survey, const json &section) { return Adviser(survey, section).run(); }

}  // namespace netc::runtime
