#include "frontend/elaborate/declarations.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace netc::elaborate {
namespace {

using Files = std::vector<std::unique_ptr<ast::File>>;

// The value of `-D name=text`.
Datum parse_define(const std::string &text) {
  if (text == "true" || text == "false") return text == "true";
  double value = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure == std::errc() && end == text.data() + text.size() && std::isfinite(value))
    return make_number(value, text.find_first_of(".eE") == std::string::npos);
  return Text{text};
}

bool is_block(const std::string &name, const Session &session) {
  return session.blocks.count(name) != 0 || !session.library.home(name).empty();
}

// `-D name=text` gives a value of another kind than the param has.
void report_define(const std::string &text, const ast::ParamDecl &declaration, const Datum &value, Session &session) {
  Diagnostic &diagnostic = session.reporter.error(
      declaration.name.span,
      fmt::format("-D {}={}: the param is {}", declaration.name.text, text, describe(value, nullptr)));
  if (!value.is<CallablePtr>()) return;
  if (std::string near = nearest_name(text, session.library.names()); !near.empty())
    diagnostic.help("did you mean " + near + "?");
}

void declare_param(const ast::ParamDecl &declaration, const FrontendOptions &options, Session &session) {
  const std::string &name = declaration.name.text;
  if (auto it = session.params.find(name); it != session.params.end()) {
    session.reporter.error(declaration.name.span, "the param " + name + " is declared twice")
        .note(it->second.declaration->name.span, "first declared here");
    return;
  }
  Interpreter interpreter(session, nullptr);
  ParamInfo info{&declaration, interpreter.evaluate(*declaration.value), false, false, session.params.size()};
  if (auto define = options.defines.find(name); define != options.defines.end()) {
    Datum value = parse_define(define->second);
    const auto *text = value.as<Text>();
    if (text && info.value.is<Word>()) value = Word{text->value};
    if (text && info.value.is<CallablePtr>() && is_block(text->value, session))
      value = interpreter.name_value(text->value, declaration.name.span);
    if (value.node.index() != info.value.node.index() && !is_poison(info.value))
      report_define(define->second, declaration, info.value, session);
    else
      info.value = value;
  }
  if (const auto *number = info.value.as<Number>()) {
    interpreter.force(*number);
    info.value =
        Number{number->value, number->integer, number->unit, std::make_shared<const Symbol>(Symbol{name, "", {}})};
  } else if (!info.value.is<bool>() && !info.value.is<Text>() && !bare_name(info.value) && !is_poison(info.value)) {
    session.reporter.error(declaration.value->span,
                           fmt::format("a param is a number, a text, true or false, or the name of a block, got {}",
                                       describe(info.value, nullptr)));
  } else {
    info.fixed = true;
  }
  session.params[name] = std::move(info);
}

void declare_block(const ast::BlockDecl &block, Session &session) {
  const std::string &name = block.name.text;
  if (auto [it, fresh] = session.blocks.try_emplace(name, &block); !fresh)
    session.reporter.error(block.name.span, "the block " + name + " is declared twice")
        .note(it->second->name.span, "first declared here");
  else if (!session.library.home(name).empty())
    session.reporter.warning(block.name.span, "the block " + name + " shadows that of the standard library");
}

// defaults { conv2d(padding = same) }
void declare_defaults(const ast::Section &section, Session &session) {
  Interpreter interpreter(session, nullptr);
  for (const ast::Entry &entry : section.entries) {
    const auto *call = std::get_if<ast::Call>(&entry.value->node);
    const auto *name = call ? std::get_if<ast::Name>(&call->callee->node) : nullptr;
    if (!name || entry.key) {
      session.reporter.error(entry.span, "an entry of defaults is a call with named arguments")
          .help("conv2d(padding = same)");
      continue;
    }
    auto user = session.blocks.find(name->text);
    const ast::BlockDecl *block = user != session.blocks.end() ? user->second : session.library.find(name->text);
    if (!block) {
      std::string near = nearest_name(name->text, session.library.names());
      Diagnostic &diagnostic = session.reporter.error(call->callee->span, "unknown block " + name->text);
      if (!near.empty()) diagnostic.help("did you mean " + near + "?");
      continue;
    }
    std::vector<std::string> names;
    for (const auto &parameter : block->parameters) names.push_back(parameter.name.text);
    for (const ast::Argument &argument : call->arguments) {
      std::string key = argument.name ? argument.name->text : "";
      if (std::find(names.begin(), names.end(), key) == names.end()) {
        Diagnostic &diagnostic = session.reporter.error(
            argument.value->span, key.empty() ? "defaults are given by name" : name->text + " has no argument " + key);
        if (std::string near = nearest_name(key, names); !near.empty()) diagnostic.help("did you mean " + near + "?");
        continue;
      }
      session.defaults[name->text].push_back({key, interpreter.evaluate(*argument.value), argument.value->span});
    }
  }
}

template <typename Node, typename Visit>
void each(const Files &files, Visit visit) {
  for (const auto &file : files)
    for (const ast::Item &item : file->items)
      if (const auto *node = std::get_if<Node>(&item.node)) visit(*node, item, *file);
}

Span end_of(const Files &files) {
  return files.back()->items.empty() ? Span{files.back()->id, 0, 0} : files.back()->items.back().span;
}

}  // namespace

Declarations declare(const Files &files, const FrontendOptions &options, Session &session) {
  Declarations result;
  FileId main = files.back()->id;
  each<ast::BlockDecl>(files, [&](const auto &block, const auto &, const auto &) { declare_block(block, session); });
  each<ast::ParamDecl>(files,
                       [&](const auto &param, const auto &, const auto &) { declare_param(param, options, session); });
  std::vector<std::string> param_names;
  for (const auto &[name, info] : session.params) param_names.push_back(name);
  for (const auto &[name, value] : options.defines)
    if (!session.params.count(name)) {
      Diagnostic &diagnostic = session.reporter.error({}, fmt::format("-D {}: the file has no param {}", name, name));
      if (std::string near = nearest_name(name, param_names); !near.empty())
        diagnostic.help("did you mean " + near + "?");
    }

  std::map<std::string, std::pair<const ast::NetworkDecl *, Span>> networks;
  each<ast::NetworkDecl>(files, [&](const auto &network, const auto &item, const auto &) {
    auto [known, fresh] = networks.try_emplace(network.name.text, &network, item.span);
    if (!fresh)
      session.reporter.error(network.name.span, "the network " + network.name.text + " is declared twice")
          .note(known->second.first->name.span, "first declared here");
  });
  std::map<std::string, const ast::Section *> data;
  each<ast::Section>(files, [&](const ast::Section &section, const auto &, const ast::File &file) {
    const std::string &kind = section.kind.text;
    // The file given to netc may replace the sections of the files it imports.
    auto take = [&](const ast::Section *&place) {
      if (place && place->kind.span.file == file.id)
        session.reporter.error(section.kind.span, fmt::format("there is a {} section already", kind))
            .note(place->kind.span, "the other one is here");
      if (!place || file.id == main || place->kind.span.file != main) place = &section;
    };
    if (kind == "defaults")
      declare_defaults(section, session);
    else if (kind == "train")
      take(result.train);
    else if (kind == "tune")
      take(result.tune);
    else if (kind == "check")
      take(result.check);
    else if (kind == "data" && section.name) {
      auto [known, fresh] = data.try_emplace(section.name->text, &section);
      if (!fresh)
        session.reporter.error(section.name->span, "the data " + section.name->text + " is declared twice")
            .note(known->second->name->span, "first declared here");
    }
  });

  auto names = [](const auto &table) {
    std::vector<std::string> list;
    for (const auto &[name, entry] : table) list.push_back(name);
    return list;
  };
  auto look_up = [&](auto &table, const ast::Identifier &name, const char *what) {
    auto it = table.find(name.text);
    if (it == table.end()) {
      Diagnostic &diagnostic = session.reporter.error(name.span, fmt::format("there is no {} {}", what, name.text));
      if (std::string near = nearest_name(name.text, names(table)); !near.empty())
        diagnostic.help("did you mean " + near + "?");
    }
    return it;
  };
  auto chosen = networks.end();
  if (result.train && result.train->network) {
    chosen = look_up(networks, *result.train->network, "network");
    if (result.train->data)
      if (auto it = look_up(data, *result.train->data, "data"); it != data.end()) result.data = it->second;
  } else if (networks.size() == 1) {
    chosen = networks.begin();
  } else {
    session.reporter.error(end_of(files), networks.empty() ? "the file has no network" : "which network is meant?")
        .help(networks.empty() ? "network classifier(x: f32[4]) -> class[3] { x -> dense(3) }"
                               : "a train section says so: train NAME on DATA { }");
  }
  if (chosen != networks.end()) std::tie(result.network, result.network_span) = chosen->second;
  return result;
}

}  // namespace netc::elaborate
