// Names and what they are bound to, in one body and the bodies around it (up to the block they are in).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "frontend/elaborate/datum.h"

namespace netc::elaborate {

struct Binding {
  Datum value;
  Span span;  // where it was bound
};

class Scope {
 public:
  explicit Scope(Scope *outer) : outer_(outer) {}

  // The innermost binding of `name`, or null.
  Binding *find(const std::string &name) {
    for (Scope *scope = this; scope; scope = scope->outer_)
      if (auto it = scope->names_.find(name); it != scope->names_.end()) return &it->second;
    return nullptr;
  }
  void define(const std::string &name, Datum value, Span span) { names_[name] = {std::move(value), span}; }
  Scope *outer() const { return outer_; }
  void names(std::vector<std::string> &out) const {
    for (const auto &[name, binding] : names_) out.push_back(name);
    if (outer_) outer_->names(out);
  }

 private:
  std::map<std::string, Binding> names_;
  Scope *outer_;
};

}  // namespace netc::elaborate
