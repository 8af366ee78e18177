#include <cstdarg>
#include <cstdio>

#include "runtime/cli/text.h"
#include "runtime/train/reading.h"

namespace netc::runtime {

const char *level_name(Level level) {
  static const char *const kNames[] = {"good", "note", "warning", "problem"};
  return kNames[static_cast<size_t>(level)];
}

void Finding::advise(const char *what, const char *line) { advice.push_back({what, line}); }

Finding &Findings::add(const char *kind, Level level, int64_t epoch, const char *pattern, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  auto place = list_.begin();
  while (place != list_.end() && place->level >= level) ++place;
  return *list_.insert(place, {kind, level, epoch, text, {}});
}

void advise_rate(const Evidence &evidence, double factor, Finding &finding) {
  const char *text = factor < 1 ? "lower the learning rate" : "raise the learning rate";
  double rate = 0;
  if (int column = evidence.history.column("learning_rate"); column >= 0) {
    for (const auto &epoch : evidence.history.epochs)
      rate = std::max(rate, factor * epoch[static_cast<size_t>(column)]);
  }
  if (evidence.suggested_rate > 0) {
    rate = evidence.suggested_rate;
    text = "take the learning rate that find-lr suggests";
  }
  const Facts &facts = evidence.facts;
  std::string line;
  if (rate > 0 && !facts.rate_parameter.empty()) {
    line = format("--set %s=%.2g", facts.rate_parameter.c_str(), rate);
  } else if (rate > 0) {
    auto name = static_cast<int>(std::min(facts.optimizer.find('('), facts.optimizer.size()));
    line = format("optimizer = %.*s(learning_rate = %.2g)", name, facts.optimizer.c_str(), rate);
  }
  finding.advise(text, line.c_str());
}

}  // namespace netc::runtime
