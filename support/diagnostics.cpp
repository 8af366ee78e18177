#include "support/diagnostics.h"

namespace netc {

Diagnostic &Diagnostics::add(Severity severity, Span span, std::string message) {
  if (severity == Severity::error) ++errors_;
  list_.push_back({severity, span, std::move(message), {}, {}});
  return list_.back();
}

}  // namespace netc
