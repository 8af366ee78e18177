#include "frontend/elaborate/steps.h"

#include <fmt/format.h>

#include <algorithm>

#include "frontend/elaborate/functions.h"

namespace netc::elaborate {
namespace {

bool lies_in(const std::string &weight, const std::string &step) { return weight.starts_with(step + "."); }

// "encoder.conv2d" of encoder.conv2d; empty for anything but names.
std::string dotted_name(const ast::Expr &expression) {
  if (const auto *name = std::get_if<ast::Name>(&expression.node)) return name->text;
  const auto *member = std::get_if<ast::Member>(&expression.node);
  std::string object = member ? dotted_name(*member->object) : "";
  return object.empty() ? "" : object + "." + member->name.text;
}

class Selector {
 public:
  Selector(Interpreter &in, const char *what) : in_(in), session_(in.session()), what_(what) {}

  void add(const ast::Expr &expression) {
    if (const auto *list = std::get_if<ast::List>(&expression.node)) {
      for (const auto &item : list->items) add(*item);
    } else if (const auto *choice = std::get_if<ast::If>(&expression.node)) {
      if (const ast::Expr *value = in_.chosen(*choice)) add(*value);
    } else if (const auto *pattern = std::get_if<ast::String>(&expression.node)) {
      add_pattern(pattern->value, expression.span);
    } else if (std::string name = dotted_name(expression); !name.empty()) {
      add_named(name, expression.span);
    } else {
      session_.reporter.error(expression.span, fmt::format("{} takes names of steps", what_))
          .help("[stem, conv2d_1, \"encoder.*\"]");
    }
  }

  Selection selection;

 private:
  bool is_networks(const WeightInfo &weight) const { return weight.role != Role::optimizer; }
  bool has_weights(const std::string &step) const {
    return std::any_of(session_.weights.begin(), session_.weights.end(),
                       [&](const WeightInfo &w) { return is_networks(w) && lies_in(w.name, step); });
  }

  // A name of the user's stands for the path of its step.
  void add_named(const std::string &name, Span span) {
    size_t dot = name.find('.');
    auto named = session_.named.find(name.substr(0, dot));
    std::string path = named == session_.named.end() ? name
                       : dot == std::string::npos    ? named->second.path
                                                     : named->second.path + name.substr(dot);
    const WeightInfo *weight = session_.find_weight(path);
    if (has_weights(path)) {
      selection.steps.insert(path);
    } else if (weight && is_networks(*weight)) {
      selection.weights.insert(path);
    } else if (named != session_.named.end() && dot == std::string::npos &&
               std::any_of(named->second.pipeline.begin(), named->second.pipeline.end(),
                           [&](const std::string &step) { return has_weights(step); })) {
      selection.steps.insert(named->second.pipeline.begin(), named->second.pipeline.end());
    } else {
      unknown(name, span);
    }
  }

  void add_pattern(const std::string &pattern, Span span) {
    size_t before = selection.steps.size() + selection.weights.size();
    for (const WeightInfo &weight : session_.weights) {
      if (!is_networks(weight)) continue;
      for (size_t dot = weight.name.find('.'); dot != std::string::npos; dot = weight.name.find('.', dot + 1))
        if (std::string step = weight.name.substr(0, dot); fits_pattern(pattern, step)) selection.steps.insert(step);
      if (fits_pattern(pattern, weight.name)) selection.weights.insert(weight.name);
    }
    if (before == selection.steps.size() + selection.weights.size())
      session_.reporter.error(span, fmt::format("no step and no weight fits \"{}\"", pattern))
          .help("netc --emit=elaborated lists them; * stands for any text: \"conv2d*\", \"encoder.*\", \"*.bias\"");
  }

  void unknown(const std::string &name, Span span) {
    std::vector<std::string> names;
    for (const auto &[known, step] : session_.named) names.push_back(known);
    for (const LayerInfo &layer : session_.layers) names.push_back(layer.name);
    for (const WeightInfo &weight : session_.weights) {
      if (!is_networks(weight)) continue;
      names.push_back(weight.name);
      names.push_back(weight.name.substr(0, weight.name.find('.')));
    }
    std::string near = nearest_name(name, names);
    Diagnostic &diagnostic = session_.reporter.error(span, "there is no step with weights named " + name);
    if (!near.empty()) diagnostic.help("did you mean " + near + "?");
  }

  Interpreter &in_;
  Session &session_;
  const char *what_;
};

}  // namespace

bool Selection::covers(const std::string &weight) const {
  return weights.count(weight) ||
         std::any_of(steps.begin(), steps.end(), [&](const std::string &step) { return lies_in(weight, step); });
}

bool fits_pattern(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, retry = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {  // the last * takes one character more
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Selection select_steps(Interpreter &in, const ast::Expr &expression, const char *what) {
  Selector selector(in, what);
  selector.add(expression);
  return std::move(selector.selection);
}

void freeze(Session &session, const ast::Section &train) {
  const ast::Entry *entry = find_entry(&train, "freeze");
  if (!entry) return;
  Interpreter in(session, nullptr);
  Selection chosen = select_steps(in, *entry->value, "freeze");
  session.frozen.insert(chosen.steps.begin(), chosen.steps.end());
  size_t frozen = 0, trained = 0;
  for (Weight &weight : session.module.weights) {
    if (!weight.trainable) continue;
    weight.trainable = !chosen.covers(weight.name);
    ++(weight.trainable ? trained : frozen);
  }
  if (frozen && !trained)
    session.reporter.error(entry->value->span, "every weight is frozen: nothing is left to train");
}

}  // namespace netc::elaborate
