#include "frontend/elaborate/sections.h"

#include <fmt/format.h>

#include <algorithm>

namespace netc::elaborate {

using nlohmann::json;

std::string source_text(const SourceMap &sources, Span span) {
  return span.known() ? sources.file(span.file).text().substr(span.begin, span.end - span.begin) : "";
}

json datum_json(const Datum &datum) {
  if (const auto *number = datum.as<Number>()) {
    json value = number->integer ? json(static_cast<int64_t>(number->value)) : json(number->value);
    return number->unit.empty() ? value : json{{"value", value}, {"unit", number->unit}};
  }
  if (const bool *flag = datum.as<bool>()) return *flag;
  if (const auto *text = datum.as<Text>()) return text->value;
  if (const auto *word = datum.as<Word>()) return json{{"name", word->text}};
  if (const auto *callable = datum.as<CallablePtr>()) return json{{"name", (*callable)->name}};
  if (const auto *items = datum.as<Items>()) {
    json list = json::array();
    for (const Datum &item : **items) list.push_back(datum_json(item));
    return list;
  }
  return nullptr;
}

namespace {

class SectionReader {
 public:
  SectionReader(Session &session, const ast::Section &section, const Figures &figures)
      : session_(session), kind_(section.kind.text), figures_(figures), interpreter_(session, nullptr) {}

  // `free`: a bare name may be anything (the argument of a call); else it must be declared for the section.
  json value(const ast::Expr &expression, bool free) {
    if (const auto *name = std::get_if<ast::Name>(&expression.node))
      return name_value(name->text, expression.span, free);
    if (const auto *list = std::get_if<ast::List>(&expression.node)) {
      json items = json::array();
      for (const auto &item : list->items) items.push_back(value(*item, free));
      return items;
    }
    if (const auto *set = std::get_if<ast::Set>(&expression.node)) {
      json items = json::array();
      for (const auto &item : set->items) items.push_back(value(*item, free));
      return items;
    }
    if (const auto *range = std::get_if<ast::Range>(&expression.node))
      return json{{"low", value(*range->low, free)}, {"high", value(*range->high, free)}, {"log", range->logarithmic}};
    if (const auto *call = std::get_if<ast::Call>(&expression.node)) return call_value(*call, expression);
    if (const auto *choice = std::get_if<ast::If>(&expression.node)) {
      const ast::Expr *chosen = interpreter_.chosen(*choice);
      return chosen ? value(*chosen, free) : nullptr;
    }
    return datum_json(interpreter_.evaluate(expression));
  }

  // Whether the section may hold `key`; an unknown one was reported, its value is not looked at.
  bool knows(const std::string &key) const { return unknown_.count(key) == 0; }

  void check_keys(const ast::Section &section) {
    const ast::BlockDecl *signature = session_.library.find_call(kind_, kind_);
    if (!signature) return;
    std::map<std::string, Span> seen;
    std::set<std::string> meant;  // by keys that are spelt wrongly: not missing
    std::vector<std::string> names;
    for (const ast::Parameter &parameter : signature->parameters) names.push_back(parameter.name.text);
    for (const ast::Entry &entry : section.entries) {
      if (!entry.key) continue;
      const std::string &key = entry.key->text;
      if (std::find(names.begin(), names.end(), key) == names.end()) {
        unknown_.insert(key);
        Diagnostic &diagnostic = session_.reporter.error(entry.key->span, fmt::format("{} has no key {}", kind_, key));
        if (std::string help = suggestion(key, names); !help.empty()) diagnostic.help(help);
        meant.insert(nearest_name(key, names));
      } else if (auto [it, fresh] = seen.try_emplace(key, entry.key->span); !fresh) {
        session_.reporter.error(entry.key->span, key + " is given twice").note(it->second, "first given here");
      }
    }
    for (const ast::Parameter &parameter : signature->parameters)
      if (!parameter.fallback && !seen.count(parameter.name.text) && !meant.count(parameter.name.text))
        session_.reporter.error(section.kind.span, fmt::format("{} needs the key {}", kind_, parameter.name.text));
  }

 private:
  json name_value(const std::string &name, Span span, bool free) {
    if (name == "none") return nullptr;
    if (auto it = session_.params.find(name); it != session_.params.end()) {
      it->second.used = true;
      return json{{"param", name}};
    }
    if (free || session_.library.find_call(kind_, name)) return json{{"name", name}};
    Diagnostic &diagnostic = session_.reporter.error(span, fmt::format("unknown name {} in {}", name, kind_));
    if (std::string near = nearest_name(name, session_.library.call_names(kind_)); !near.empty())
      diagnostic.help("did you mean " + near + "?");
    return nullptr;
  }

  json call_value(const ast::Call &call, const ast::Expr &expression) {
    const auto *name = std::get_if<ast::Name>(&call.callee->node);
    const ast::BlockDecl *block = name ? session_.library.find_call(kind_, name->text) : nullptr;
    if (!block && name && (find_builtin(name->text) || is_callable_op(op_alias(name->text))))
      return datum_json(interpreter_.evaluate(expression));
    if (!block) {
      Diagnostic &diagnostic = session_.reporter.error(
          call.callee->span, fmt::format("{} cannot be called in {}", name ? name->text : "this", kind_));
      std::string near = name ? nearest_name(name->text, session_.library.call_names(kind_)) : "";
      if (!near.empty()) diagnostic.help("did you mean " + near + "?");
      return nullptr;
    }
    json positional = json::array(), named = json::object();
    check_arguments(call, *block, expression.span);
    for (const ast::Argument &argument : call.arguments) {
      json given = value(*argument.value, true);
      if (argument.name)
        named[argument.name->text] = std::move(given);
      else
        positional.push_back(std::move(given));
    }
    return json{{"call", name->text}, {"args", positional}, {"named", named}};
  }

  // A parameter declared `list` takes all positional arguments from its place on.
  void check_arguments(const ast::Call &call, const ast::BlockDecl &block, Span span) {
    std::vector<std::string> names;
    std::set<std::string> given;
    bool variadic = false;
    for (const ast::Parameter &parameter : block.parameters) {
      names.push_back(parameter.name.text);
      variadic |= parameter.type && parameter.type->name.text == "list";
    }
    size_t positional = 0;
    for (const ast::Argument &argument : call.arguments) {
      std::string key;
      if (!argument.name) {
        if (positional >= names.size() && !variadic) {
          session_.reporter.error(argument.value->span,
                                  fmt::format("{} takes at most {} arguments", block.name.text, names.size()));
          return;
        }
        key = names.empty() ? "" : names[std::min(positional, names.size() - 1)];
        if (positional++ > 0 && variadic) continue;
      } else {
        key = argument.name->text;
        if (std::find(names.begin(), names.end(), key) == names.end()) {
          Diagnostic &diagnostic =
              session_.reporter.error(argument.name->span, fmt::format("{} has no argument {}", block.name.text, key));
          if (std::string help = suggestion(key, names); !help.empty()) diagnostic.help(help);
          continue;
        }
      }
      if (key == "monitor") check_figure(*argument.value);
      if (!given.insert(key).second)
        session_.reporter.error(argument.name ? argument.name->span : argument.value->span,
                                fmt::format("{}: {} is given twice", block.name.text, key));
    }
    for (const ast::Parameter &parameter : block.parameters)
      if (!parameter.fallback && !given.count(parameter.name.text))
        session_.reporter.error(span, fmt::format("{} needs {}", block.name.text, parameter.name.text));
  }

  // A bare name that is neither a param nor a figure of the history is a slip.
  void check_figure(const ast::Expr &expression) {
    const auto *name = std::get_if<ast::Name>(&expression.node);
    if (!name || name->text == "none" || session_.params.count(name->text) || figures_.names.empty()) return;
    bool of_validation = name->text.starts_with("val_");
    if (of_validation && !figures_.validation) {
      session_.reporter.error(expression.span, fmt::format("there is no {} without validation data", name->text))
          .help("validation = split(10%) in the data section");
      return;
    }
    std::vector<std::string> known = figures_.names;
    if (figures_.validation)
      for (const std::string &figure : figures_.names) known.push_back("val_" + figure);
    if (std::find(known.begin(), known.end(), name->text) != known.end()) return;
    session_.reporter.error(expression.span, fmt::format("{} is not measured", name->text))
        .help(suggestion(name->text, known));
  }

  Session &session_;
  std::string kind_;
  const Figures &figures_;
  std::set<std::string> unknown_;
  Interpreter interpreter_;
};

}  // namespace

json section_json(Session &session, const ast::Section &section, const std::vector<std::string> &compiled,
                  const Figures &figures) {
  SectionReader reader(session, section, figures);
  reader.check_keys(section);
  json result = json::object();
  json calls = json::array();
  for (const ast::Entry &entry : section.entries) {
    std::string key = entry.key ? entry.key->text : "";
    if (!entry.key)
      calls.push_back(reader.value(*entry.value, false));
    else if (!reader.knows(key))
      continue;
    else if (std::find(compiled.begin(), compiled.end(), key) != compiled.end())
      result[key] = source_text(session.sources, entry.value->span);
    else
      result[key] = reader.value(*entry.value, false);
  }
  const std::string &kind = section.kind.text;
  if (kind == "check" || kind == "tune")
    result["calls"] = std::move(calls);
  else
    for (size_t i = 0; i < section.entries.size(); ++i)
      if (!section.entries[i].key)
        session.reporter.error(section.entries[i].span, fmt::format("an entry of {} is key = value", kind));
  if (section.name) result["name"] = section.name->text;
  return result;
}

}  // namespace netc::elaborate
