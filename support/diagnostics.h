// What netc tells a user about their file: errors and warnings with a place, notes and help.
//
// Phases report into a Diagnostics and go on, so that all errors of a file come out in one go. The message style is in
// docs/diagnostics.md: lower case, no full stop, the user's own words, what was expected and what was found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/source.h"

namespace netc {

enum class Severity { error, warning };

struct Note {
  Span span;  // may be unknown: then the note is a plain line
  std::string message;
};

struct Diagnostic {
  Severity severity = Severity::error;
  Span span;
  std::string message;
  std::vector<Note> notes;
  std::vector<std::string> helps;

  Diagnostic &note(std::string text) { return note(Span{}, std::move(text)); }
  Diagnostic &note(Span at, std::string text) {
    notes.push_back({at, std::move(text)});
    return *this;
  }
  Diagnostic &help(std::string text) {
    helps.push_back(std::move(text));
    return *this;
  }
};

class Diagnostics {
 public:
  // The reference stays valid until the next report.
  Diagnostic &error(Span span, std::string message) { return add(Severity::error, span, std::move(message)); }
  Diagnostic &warning(Span span, std::string message) { return add(Severity::warning, span, std::move(message)); }
  bool has_errors() const { return errors_ > 0; }
  size_t error_count() const { return errors_; }
  const std::vector<Diagnostic> &all() const { return list_; }

 private:
  Diagnostic &add(Severity severity, Span span, std::string message);
  std::vector<Diagnostic> list_;
  size_t errors_ = 0;
};

// The text a person reads: `file:line:column: error: message`, the line with a caret, notes, help; sorted by place, a
// message at the same place once. `colour` writes terminal colours.
std::string render_text(const Diagnostics &diagnostics, const SourceMap &sources, bool colour);
// One JSON object a line, for editors:
// {"file","line","column","end_line","end_column","severity","message","notes","help"}.
std::string render_json(const Diagnostics &diagnostics, const SourceMap &sources);

// The candidate nearest to `word` by edit distance, or "" when none is near enough to be worth suggesting.
std::string nearest_name(std::string_view word, const std::vector<std::string> &candidates);
// The help for a word that is none of `candidates`: the nearest of them, or all when they are few, or "".
std::string suggestion(std::string_view word, const std::vector<std::string> &candidates);

}  // namespace netc
