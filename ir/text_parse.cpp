// The reading half of the text form: modules, functions, ops.
#include <unordered_map>

#include "fmt/format.h"
#include "ir/check.h"
#include "ir/text.h"
#include "ir/text_reader.h"

namespace netc {
namespace {

using Names = std::unordered_map<std::string, ValueId>;

class Parser {
 public:
  explicit Parser(std::string_view text) : in_(text) {}
  TextReader &reader() { return in_; }

  bool module(Module &out) {
    if (!in_.expect_word("module") || !in_.string(out.name)) return false;
    if (in_.accept_word("bf16")) out.precision = Precision::bf16;
    if (in_.accept_word("bytes") && !integers({&out.weight_bytes})) return false;
    if (!in_.expect("{")) return false;
    while (!in_.accept("}")) {
      if (in_.accept_word("weight")) {
        if (!weight(out.weights.emplace_back())) return false;
      } else if (in_.accept_word("func")) {
        if (!function(out.functions.emplace_back())) return false;
      } else {
        return in_.fail("expected 'weight', 'func' or '}'");
      }
    }
    return in_.at_end() || in_.fail("expected nothing after the module");
  }

 private:
  // "(1, 2, 3)"
  bool integers(std::initializer_list<int64_t *> out) {
    bool first = true;
    for (int64_t *number : out) {
      if (!in_.expect(first ? "(" : ",") || !in_.integer(*number)) return false;
      first = false;
    }
    return in_.expect(")");
  }

  bool location(Location &out) {
    if (!in_.accept_word("loc")) return !in_.failed();
    std::string file;
    int64_t line = 0, column = 0;
    if (!in_.expect("(") || !in_.string(file) || !in_.expect(":") || !in_.integer(line) || !in_.expect(":") ||
        !in_.integer(column))
      return false;
    if (in_.accept_word("of")) {
      std::string step;
      if (!in_.string(step)) return false;
      out.step = intern(step);
    }
    out.backward = in_.accept_word("backward");
    if (!in_.expect(")")) return false;
    if (line < 0 || line > UINT32_MAX || column < 0 || column > UINT32_MAX) return in_.fail("no such place");
    out.file = intern(file);
    out.line = static_cast<uint32_t>(line);
    out.column = static_cast<uint32_t>(column);
    return true;
  }

  std::shared_ptr<const std::string> intern(const std::string &text) {
    auto &interned = texts_[text];
    if (!interned) interned = std::make_shared<const std::string>(text);
    return interned;
  }

  bool weight(Weight &out) {
    if (!in_.expect("@") || !in_.symbol(out.name, "the name of a weight") || !in_.expect(":") || !in_.type(out.type))
      return false;
    out.trainable = in_.accept_word("trainable");
    if (!out.trainable && !in_.expect_word("fixed")) return false;
    if (in_.accept_word("at") && !integers({&out.offset})) return false;
    return location(out.location);
  }

  bool placement(Placement &out) {
    static constexpr std::pair<std::string_view, Space> spaces[] = {{"fixed", Space::fixed},
                                                                    {"batch", Space::batch},
                                                                    {"weights", Space::weights},
                                                                    {"input", Space::input},
                                                                    {"output", Space::output}};
    for (auto [name, space] : spaces)
      if (in_.accept_word(name)) {
        out.space = space;
        return integers({&out.offset});
      }
    return in_.fail("expected fixed, batch, weights, input or output");
  }

  // "%name: type halo(...) at space(...)"
  bool definition(Function &function, Names &names, ValueId &id) {
    Value value;
    if (!in_.expect("%") || !in_.name(value.name, "the name of a value")) return false;
    id = static_cast<ValueId>(function.values.size());
    if (!names.emplace(value.name, id).second) return in_.fail(fmt::format("%{} is defined twice", value.name));
    if (!in_.expect(":") || !in_.type(value.type)) return false;
    Halo &halo = value.halo;
    if (in_.accept_word("halo") && !integers({&halo.top, &halo.bottom, &halo.left, &halo.right})) return false;
    if (in_.accept_word("at") && !placement(value.placement)) return false;
    function.values.push_back(std::move(value));
    return true;
  }

  bool use(const Names &names, ValueId &id) {
    std::string name;
    if (!in_.expect("%") || !in_.name(name, "the name of a value")) return false;
    auto found = names.find(name);
    if (found == names.end()) return in_.fail(fmt::format("%{} is not defined here", name));
    id = found->second;
    return true;
  }

  // The results are named before the ops that make them: kept as text until then.
  struct ResultText {
    std::vector<std::string> values;
    std::vector<std::string> names;
  };
  bool result_list(ResultText &out) {
    bool good = in_.list("(", ")", [&] {
      if (!in_.expect("%") || !in_.name(out.values.emplace_back(), "the name of a value")) return false;
      return !in_.accept_word("as") || in_.string(out.names.emplace_back());
    });
    if (good && !out.names.empty() && out.names.size() != out.values.size())
      return in_.fail("either all results have names or none");
    return good;
  }

  bool signature(Function &function, Names &names, ResultText &results) {
    auto argument = [&] { return definition(function, names, function.arguments.emplace_back()); };
    return in_.list("(", ")", argument) && in_.expect("->") && result_list(results);
  }

  bool ops(Function &function, Names &names, ResultText results, bool inside_body) {
    if (!in_.expect("{")) return false;
    while (!in_.accept("}"))
      if (in_.failed() || !op(function, names, inside_body)) return false;
    for (const std::string &name : results.values) {
      auto found = names.find(name);
      if (found == names.end()) return in_.fail(fmt::format("the result %{} is not defined", name));
      function.results.push_back(found->second);
    }
    function.result_names = std::move(results.names);
    return true;
  }

  bool function(Function &out) {
    Names names;
    ResultText results;
    if (!in_.expect("@") || !in_.symbol(out.name, "the name of a function") || !signature(out, names, results) ||
        !in_.expect_word("mode"))
      return false;
    bool training = in_.accept_word("training");
    if (!training && !in_.expect_word("inference")) return false;
    out.mode = training ? Mode::training : Mode::inference;
    if (in_.accept_word("workspace") && !integers({&out.fixed_bytes, &out.batch_bytes})) return false;
    return ops(out, names, std::move(results), false);
  }

  bool attribute_value(AttributeKind kind, Attribute &out) {
    switch (kind) {
      case AttributeKind::boolean: {
        bool yes = in_.accept_word("true");
        out = yes;
        return yes || in_.expect_word("false");
      }
      case AttributeKind::integer:
        return in_.integer(out.emplace<int64_t>());
      case AttributeKind::real:
        return in_.real(out.emplace<double>());
      case AttributeKind::string:
        return in_.string(out.emplace<std::string>());
      case AttributeKind::shape:
        return in_.shape(out.emplace<Shape>());
      case AttributeKind::integers: {
        auto &list = out.emplace<std::vector<int64_t>>();
        return in_.list("[", "]", [&] { return in_.integer(list.emplace_back()); });
      }
      case AttributeKind::reals: {
        auto &list = out.emplace<std::vector<double>>();
        return in_.list("[", "]", [&] { return in_.real(list.emplace_back()); });
      }
    }
    return in_.fail("expected a value");
  }

  bool attribute(Op &op) {
    std::string name;
    if (!in_.name(name, "the name of an attribute")) return false;
    for (const AttributeDef &def : op.def->attributes) {
      if (def.name != name) continue;
      auto [entry, added] = op.attributes.emplace(name, Attribute{});
      if (!added) return in_.fail(fmt::format("the attribute \"{}\" is given twice", name));
      return in_.expect("=") && attribute_value(def.kind, entry->second);
    }
    return in_.fail(fmt::format("{} has no attribute \"{}\"", op.def->name, name));
  }

  bool body(Function &outer, Op &op) {
    auto function = std::make_shared<Function>();
    function->mode = outer.mode;
    Names names;
    ResultText results;
    if (!signature(*function, names, results) || !ops(*function, names, std::move(results), true)) return false;
    op.body = std::move(function);
    return true;
  }

  bool op(Function &function, Names &names, bool inside_body) {
    Op op;
    std::string name;
    Names own;
    if (in_.peek("%")) {
      do {
        // Results become visible to later ops only: their names go in at the end.
        if (!definition(function, own, op.results.emplace_back())) return false;
        if (names.count(function.values.back().name))
          return in_.fail(fmt::format("%{} is defined twice", function.values.back().name));
      } while (in_.accept(","));
      if (!in_.expect("=")) return false;
    }
    if (!in_.name(name, "the name of an op")) return false;
    op.def = find_op(name);
    if (!op.def) return unknown_op(name);
    if (!in_.list("(", ")", [&] { return use(names, op.operands.emplace_back()); })) return false;
    if (in_.peek("{") && !in_.list("{", "}", [&] { return attribute(op); })) return false;
    if (auto good = complete_attributes(*op.def, op.attributes); !good)
      return in_.fail(good.error().message, good.error().help);
    if (in_.accept_word("body")) {
      if (inside_body) return in_.fail("a body inside a body");
      if (!body(function, op)) return false;
    }
    if (!location(op.location)) return false;
    names.merge(own);
    function.ops.push_back(std::move(op));
    return true;
  }

  bool unknown_op(const std::string &name) {
    std::vector<std::string> known;
    for (const OpDef *def : all_ops()) known.emplace_back(def->name);
    std::string near = nearest_name(name, known);
    return in_.fail(fmt::format("there is no op \"{}\"", name),
                    near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
  }

  TextReader in_;
  std::unordered_map<std::string, std::shared_ptr<const std::string>> texts_;
};

}  // namespace

std::optional<Module> parse_module(const SourceMap &sources, FileId file, Diagnostics &diagnostics) {
  Parser parser(sources.file(file).text());
  Module module;
  if (parser.module(module)) return module;
  const auto &failure = parser.reader().failure();
  auto offset = [](size_t at) { return static_cast<uint32_t>(std::min<size_t>(at, UINT32_MAX)); };
  Diagnostic &diagnostic = diagnostics.error(
      Span{file, offset(failure->begin), offset(std::max(failure->end, failure->begin + 1))}, failure->message);
  if (!failure->help.empty()) diagnostic.help(failure->help);
  return std::nullopt;
}

}  // namespace netc
