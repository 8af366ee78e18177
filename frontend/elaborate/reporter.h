// Reports into Diagnostics, each message at a place once: a body is elaborated for several functions and block
// instances.
#pragma once

#include <set>
#include <string>
#include <tuple>

#include "support/diagnostics.h"

namespace netc::elaborate {

class Reporter {
 public:
  explicit Reporter(Diagnostics &diagnostics) : diagnostics_(diagnostics) {}

  // The reference stays valid until the next report; what is added to a repeated report is dropped.
  Diagnostic &error(Span span, std::string message) {
    if (!first(span, message)) return dropped_ = {};
    return diagnostics_.error(span, std::move(message));
  }
  Diagnostic &warning(Span span, std::string message) {
    if (!first(span, message)) return dropped_ = {};
    return diagnostics_.warning(span, std::move(message));
  }
  bool has_errors() const { return diagnostics_.has_errors(); }
  size_t error_count() const { return diagnostics_.error_count(); }

 private:
  bool first(Span span, const std::string &message) {
    return seen_.insert({span.file, span.begin, span.end, message}).second;
  }
  Diagnostics &diagnostics_;
  std::set<std::tuple<FileId, uint32_t, uint32_t, std::string>> seen_;
  Diagnostic dropped_;
};

}  // namespace netc::elaborate
