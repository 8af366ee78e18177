#include "frontend/elaborate/spaces.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "frontend/elaborate/sections.h"

namespace netc::elaborate {
namespace {

using nlohmann::json;

// A value a param or a constant of a condition has, as the metadata writes it.
json plain_json(const Datum &datum) {
  if (const std::string *name = bare_name(datum)) return *name;
  return datum_json(datum);
}

class ConditionReader {
 public:
  ConditionReader(Interpreter &interpreter, const ParamInfo &param)
      : interpreter_(interpreter), session_(interpreter.session()), param_(param) {}

  // A truth: a comparison, truths joined, or a param that is true or false.
  json truth(const ast::Expr &expression) {
    if (const auto *binary = std::get_if<ast::BinaryOp>(&expression.node)) {
      if (binary->op == "and" || binary->op == "or") return join(binary->op, *binary->left, binary->right.get());
      if (is_comparison(binary->op)) return comparison(*binary, expression.span);
    }
    if (const auto *unary = std::get_if<ast::UnaryOp>(&expression.node); unary && unary->op == "not")
      return join("not", *unary->operand, nullptr);
    if (std::holds_alternative<ast::Name>(expression.node)) {
      const ParamInfo *param = find(expression);
      if (!param) return nullptr;
      if (!param->value.is<bool>() && !is_poison(param->value))
        return wrong(expression.span, fmt::format("{} is not true or false but {}", name_of(expression),
                                                  describe(param->value, nullptr)));
      return {{"param", name_of(expression)}};
    }
    return wrong(expression.span, "a condition of a param compares params with values");
  }

 private:
  static bool is_comparison(const std::string &op) {
    return op == "==" || op == "!=" || op == "<" || op == "<=" || op == ">" || op == ">=";
  }
  static const std::string &name_of(const ast::Expr &expression) { return std::get<ast::Name>(expression.node).text; }

  json join(const std::string &op, const ast::Expr &left, const ast::Expr *right) {
    json operands = json::array({truth(left)});
    if (right) operands.push_back(truth(*right));
    return {{"op", op}, {"operands", operands}};
  }

  bool means_something(const std::string &name) const {
    return is_word(name) || session_.blocks.count(name) != 0 || session_.library.find(name);
  }
  bool is_param(const ast::Expr &expression) const {
    const auto *name = std::get_if<ast::Name>(&expression.node);
    return name && (session_.params.count(name->text) != 0 || !means_something(name->text));
  }

  json comparison(const ast::BinaryOp &node, Span span) {
    bool left = is_param(*node.left), right = is_param(*node.right);
    if (!left && !right) return wrong(span, "a condition of a param compares params with values");
    const ast::Expr &of = left ? *node.left : *node.right, &with = left ? *node.right : *node.left;
    const ParamInfo *param = find(of);
    const ParamInfo *other = right && left ? find(with) : nullptr;
    if (!param || (right && left && !other)) return nullptr;
    Datum value = other ? other->value : interpreter_.evaluate(with);
    if (is_poison(value) || is_poison(param->value)) return nullptr;
    if (value.node.index() != param->value.node.index())
      return wrong(with.span, fmt::format("{} is {}, which {} never is", name_of(of), describe(param->value, nullptr),
                                          describe(value, nullptr)));
    bool ordered = node.op != "==" && node.op != "!=";
    if (ordered && !value.is<Number>())
      return wrong(span, fmt::format("{} is no number: it can be compared with == and != only", name_of(of)));
    if (!ordered && !other && !check_choice(*param, name_of(of), value, with.span)) return nullptr;
    auto leaf = [&](const ast::Expr &expression, bool is_name) -> json {
      return is_name ? json{{"param", name_of(expression)}} : plain_json(value);
    };
    return {{"op", node.op}, {"operands", {leaf(*node.left, left), leaf(*node.right, right)}}};
  }

  // The value that a param is compared with is one of its choices, else the condition is a slip.
  bool check_choice(const ParamInfo &param, const std::string &name, const Datum &value, Span span) {
    const ast::ExprPtr &space = param.declaration->space;
    const auto *set = space ? std::get_if<ast::Set>(&space->node) : nullptr;
    if (!set) return true;
    std::vector<std::string> names;
    for (const auto &item : set->items) {
      json choice = plain_json(interpreter_.evaluate(*item));
      if (choice == plain_json(value)) return true;
      names.push_back(choice.is_string() ? choice.get<std::string>() : choice.dump());
    }
    json given = plain_json(value);
    std::string word = given.is_string() ? given.get<std::string>() : given.dump();
    Diagnostic &diagnostic =
        session_.reporter.error(span, fmt::format("{} is never {}", name, describe(value, nullptr)));
    if (std::string help = suggestion(word, names); !help.empty()) diagnostic.help(help);
    return false;
  }

  // The param that is named; null after an error: unknown, or not declared before.
  const ParamInfo *find(const ast::Expr &expression) {
    const std::string &name = name_of(expression);
    auto it = session_.params.find(name);
    if (it != session_.params.end() && it->second.order < param_.order) return &it->second;
    if (it != session_.params.end()) {
      wrong(expression.span,
            it->second.order == param_.order ? "the condition of " + name + " asks for itself"
                                             : name + " is declared after the param that depends on it",
            "a condition asks for params declared before");
      return nullptr;
    }
    std::vector<std::string> names;
    for (const auto &[known, info] : session_.params)
      if (info.order < param_.order) names.push_back(known);
    wrong(expression.span, "there is no param " + name, suggestion(name, names));
    return nullptr;
  }

  json wrong(Span span, std::string message,
             const std::string &help = "param momentum = 0.9 in 0.5 .. 0.99 if rule == \"sgd\"") {
    Diagnostic &diagnostic = session_.reporter.error(span, std::move(message));
    if (!help.empty()) diagnostic.help(help);
    return nullptr;
  }

  Interpreter &interpreter_;
  Session &session_;
  const ParamInfo &param_;
};

}  // namespace

json param_condition(Interpreter &interpreter, const std::string &name, const ParamInfo &param) {
  const ast::ExprPtr &condition = param.declaration->condition;
  if (!condition) return nullptr;
  if (!param.declaration->space) {
    interpreter.session()
        .reporter.error(condition->span, fmt::format("{} has no space, so a search never varies it", name))
        .help(fmt::format("param {} = ... in 0.5 .. 0.99 if ...", name));
    return nullptr;
  }
  return ConditionReader(interpreter, param).truth(*condition);
}

json param_space(Interpreter &interpreter, const std::string &name, const ParamInfo &param) {
  const ast::ExprPtr &space = param.declaration->space;
  if (!space) return nullptr;
  const auto *value = param.value.as<Number>();
  Reporter &reporter = interpreter.session().reporter;
  auto outside = [&](const std::string &where) {
    reporter.warning(param.declaration->value->span, fmt::format("the value of {}, {}, lies outside of its space {}",
                                                                 name, describe(param.value, nullptr), where));
  };
  if (const auto *range = std::get_if<ast::Range>(&space->node)) {
    Datum low_datum = interpreter.evaluate(*range->low), high_datum = interpreter.evaluate(*range->high);
    auto low = interpreter.as_real(low_datum, range->low->span, "the low end");
    auto high = interpreter.as_real(high_datum, range->high->span, "the high end");
    if (!low || !high) return nullptr;
    if (*low > *high) {
      reporter.error(space->span, fmt::format("the range of {} is empty", name));
      return nullptr;
    }
    if (range->logarithmic && *low <= 0) {
      reporter.error(range->low->span, "a logarithmic range starts above 0");
      return nullptr;
    }
    bool integer = value && value->integer && low_datum.as<Number>()->integer && high_datum.as<Number>()->integer;
    if (integer && !range->inclusive) *high -= 1;
    if (!value)
      reporter.error(param.declaration->value->span, fmt::format("{} is no number, its space is a range", name));
    else if (value->value < *low || value->value > *high)
      outside(fmt::format("{} .. {}", *low, *high));
    return json{{"kind", "range"}, {"low", *low}, {"high", *high}, {"log", range->logarithmic}, {"integer", integer}};
  }
  if (const auto *set = std::get_if<ast::Set>(&space->node)) {
    json values = json::array();
    bool inside = false;
    for (const auto &item : set->items) {
      Datum datum = interpreter.evaluate(*item);
      if (const auto *number = datum.as<Number>()) {
        if (number->integer)
          values.push_back(static_cast<int64_t>(number->value));
        else
          values.push_back(number->value);
        inside |= value && value->value == number->value;
      } else if (const auto *flag = datum.as<bool>()) {
        values.push_back(*flag);
        inside |= param.value.is<bool>() && *param.value.as<bool>() == *flag;
      } else if (const auto *text = datum.as<Text>()) {
        values.push_back(text->value);
        inside |= param.value.is<Text>() && param.value.as<Text>()->value == text->value;
      } else if (const std::string *choice = bare_name(datum)) {
        values.push_back(*choice);
        const std::string *chosen = bare_name(param.value);
        inside |= chosen && *chosen == *choice;
      } else if (!is_poison(datum)) {
        reporter.error(item->span, fmt::format("a choice is a number, a text, a word or the name of a block, got {}",
                                               describe(datum, nullptr)));
      }
    }
    if (!inside && !is_poison(param.value)) outside(values.dump());
    return json{{"kind", "choice"}, {"values", values}};
  }
  reporter.error(space->span, "the space of a param is a range or a set")
      .help("in 0.1 .. 0.5, in log 1e-4 .. 1e-2, in {16, 32, 64}");
  return nullptr;
}

}  // namespace netc::elaborate
