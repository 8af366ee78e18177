#include "support/diagnostics.h"

#include <algorithm>

namespace netc {

Diagnostic &Diagnostics::add(Severity severity, Span span, std::string message) {
  if (severity == Severity::error) ++errors_;
  list_.push_back({severity, span, std::move(message), {}, {}});
  return list_.back();
}

namespace {

// Insertions, deletions, replacements and exchanges of neighbours that make one word the other, whatever the case of
// the letters (optimal string alignment; Damerau 1964).
size_t edit_distance(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  std::vector<size_t> before, row(b.size() + 1), next(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t change = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + change});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before = row;
    std::swap(row, next);
  }
  return row.back();
}

}  // namespace

std::string nearest_name(std::string_view word, const std::vector<std::string> &candidates) {
  constexpr size_t kLongest = 64;  // longer words are no misspelt names, and would cost time
  if (word.empty() || word.size() > kLongest) return {};
  // A third of the word may differ; of a word of one or two letters only the case.
  size_t best = word.size() < 3 ? 1 : std::max<size_t>(1, (word.size() + 1) / 3) + 1;
  std::string found;
  for (const std::string &candidate : candidates) {
    if (candidate.size() > kLongest) continue;
    size_t distance = edit_distance(word, candidate);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string suggestion(std::string_view word, const std::vector<std::string> &candidates) {
  constexpr size_t kFew = 16;
  if (std::string near = nearest_name(word, candidates); !near.empty()) return "did you mean " + near + "?";
  if (candidates.empty() || candidates.size() > kFew) return {};
  std::string list;
  for (const std::string &candidate : candidates) list += (list.empty() ? "there are " : ", ") + candidate;
  return candidates.size() == 1 ? "there is only " + candidates[0] : list;
}

}  // namespace netc
