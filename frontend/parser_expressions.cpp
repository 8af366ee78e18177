// Expressions: the flat lists of the grammar get precedence here, with an explicit stack instead of recursion.
#include <fmt/format.h>

#include <charconv>

#include "frontend/parser_builder.h"

namespace netc::syntax {
namespace {

using antlr4::tree::ParseTree;
using Parser = NetParser;

// Binding strength, weakest first. `^` is right-associative and binds tighter than a minus before it: -2 ^ 2 is -4.
enum Strength { weakest, disjunction, conjunction, negation, comparison, sum, product, sign, power };

Strength strength(size_t type) {
  switch (type) {
    case Parser::OR:
      return disjunction;
    case Parser::AND:
      return conjunction;
    case Parser::PLUS:
    case Parser::MINUS:
      return sum;
    case Parser::TIMES:
    case Parser::DIVIDE:
    case Parser::FLOOR_DIVIDE:
    case Parser::MODULO:
      return product;
    case Parser::POWER:
      return power;
    case Parser::NOT:
      return negation;
    case Parser::NEGATE:
      return sign;
    default:
      return comparison;
  }
}

bool is_terminal(ParseTree *tree, size_t type) {
  auto *terminal = dynamic_cast<antlr4::tree::TerminalNode *>(tree);
  return terminal && terminal->getSymbol()->getType() == type;
}

void append_utf8(std::string &out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

}  // namespace

Built Builder::too_high(Span span) {
  if (!too_high_reported_)
    diagnostics_
        .error(span, fmt::format("this expression is a chain of more than {} operators or steps", kMaxTreeHeight))
        .help("give a part of it a name, or use `repeat`");
  too_high_reported_ = true;
  auto expr = std::make_unique<ast::Expr>();
  expr->node = ast::Name{"_"};
  expr->span = span;
  return {std::move(expr), 1};
}

void Builder::check_commas(const std::vector<ParseTree *> &children, std::string_view what) {
  for (size_t i = 1; i < children.size(); ++i)
    if (is_terminal(children[i], Parser::COMMA) && is_terminal(children[i - 1], Parser::COMMA))
      diagnostics_.error(span_of(token_of(children[i])), fmt::format("{} is missing between these commas", what));
}

std::vector<ast::ExprPtr> Builder::values(const std::vector<ParseTree *> &children, uint32_t &height) {
  check_commas(children, "a value");
  std::vector<ast::ExprPtr> items;
  for (ParseTree *child : children) {
    auto *context = dynamic_cast<Parser::ValueContext *>(child);
    if (!context) continue;
    Built built = value(context);
    height = std::max(height, built.height);
    items.push_back(std::move(built.expr));
  }
  return items;
}

Built Builder::value(Parser::ValueContext *context) {
  Span span = span_of(context);
  uint32_t height = 0;
  if (context->LBRACE()) {
    ast::Set set{values(context->children, height)};
    return make(span, std::move(set), height);
  }
  auto expressions = context->expression();
  Built low = expression(expressions[0]);
  if (expressions.size() == 1) {
    if (context->LOG())
      diagnostics_.error(span, "`log` before a value needs a range")
          .help("write log 1e-4 .. 1e-2, or log(x) for the logarithm");
    return low;
  }
  Built high = expression(expressions[1]);
  height = std::max(low.height, high.height);
  return make(
      span,
      ast::Range{std::move(low.expr), std::move(high.expr), context->RANGE() != nullptr, context->LOG() != nullptr},
      height);
}

Built Builder::expression(Parser::ExpressionContext *context) {
  auto &children = context->children;
  Built result = arithmetic(static_cast<Parser::ArithmeticContext *>(children[0]));
  for (size_t i = 1; i + 1 < children.size(); i += 2) {
    Span span = span_of(context);
    if (is_terminal(children[i], Parser::AS)) {
      const Token &name = token_of(children[i + 1]);
      span.end = name.end;
      result = make(span, ast::As{std::move(result.expr), identifier(&name)}, result.height);
    } else {
      Built next = step(static_cast<Parser::StepContext *>(children[i + 1]));
      span.end = next.expr->span.end;
      uint32_t height = std::max(result.height, next.height);
      result = make(span, ast::Pipeline{std::move(result.expr), std::move(next.expr)}, height);
    }
  }
  return result;
}

Built Builder::arithmetic(Parser::ArithmeticContext *context) {
  struct Operator {
    const Token *token;
    bool unary;
  };
  std::vector<Built> operands;
  std::vector<Operator> operators;
  auto reduce = [&] {
    Operator top = operators.back();
    operators.pop_back();
    Built right = std::move(operands.back());
    operands.pop_back();
    std::string text = text_of(*top.token);
    if (top.unary) {
      Span span{file_, top.token->begin, right.expr->span.end};
      operands.push_back(make(span, ast::UnaryOp{text, std::move(right.expr)}, right.height));
      return;
    }
    Built left = std::move(operands.back());
    operands.pop_back();
    Span span{file_, left.expr->span.begin, right.expr->span.end};
    uint32_t height = std::max(left.height, right.height);
    operands.push_back(make(span, ast::BinaryOp{text, std::move(left.expr), std::move(right.expr)}, height));
  };
  for (ParseTree *child : context->children) {
    if (auto *sign = dynamic_cast<Parser::BinaryOperatorContext *>(child)) {
      const Token &token = static_cast<const Token &>(*sign->start);
      Strength present = strength(token.getType());
      while (!operators.empty()) {
        Strength top = strength(operators.back().token->getType());
        if (top < present || (top == present && present == power)) break;
        if (top == comparison && present == comparison)
          diagnostics_.error(span_of(token), "comparisons do not chain").help("write a < b and b < c");
        reduce();
      }
      operators.push_back({&token, false});
      continue;
    }
    auto &parts = child->children;
    for (size_t i = 0; i + 1 < parts.size(); ++i) operators.push_back({&token_of(parts[i]), true});
    operands.push_back(step(static_cast<Parser::StepContext *>(parts.back())));
  }
  while (!operators.empty()) reduce();
  return std::move(operands.back());
}

Built Builder::step(Parser::StepContext *context) {
  Built result = primary(static_cast<Parser::PrimaryContext *>(context->children[0]));
  for (size_t i = 1; i < context->children.size(); ++i)
    result = suffix(std::move(result), static_cast<Parser::SuffixContext *>(context->children[i]));
  return result;
}

Built Builder::suffix(Built object, Parser::SuffixContext *context) {
  Span span = span_of(context);
  span.begin = object.expr->span.begin;
  uint32_t height = object.height;
  if (context->DOT())
    return make(span, ast::Member{std::move(object.expr), identifier(&token_of(context->children[1]))}, height);
  if (Parser::ValueContext *index = context->value()) {
    Built built = value(index);
    height = std::max(height, built.height);
    return make(span, ast::Subscript{std::move(object.expr), std::move(built.expr)}, height);
  }
  check_commas(context->children, "an argument");
  ast::Call call{std::move(object.expr), {}};
  for (ParseTree *child : context->children) {
    auto *argument = dynamic_cast<Parser::ArgumentContext *>(child);
    if (!argument || argument->exception) continue;
    auto parts = argument->value();
    Built first = value(parts[0]);
    height = std::max(height, first.height);
    if (parts.size() == 1) {
      call.arguments.push_back({std::nullopt, std::move(first.expr)});
      continue;
    }
    std::optional<ast::Identifier> name = as_name(first.expr, "an argument");
    Built second = value(parts[1]);
    height = std::max(height, second.height);
    if (name) call.arguments.push_back({std::move(name), std::move(second.expr)});
  }
  return make(span, std::move(call), height);
}

Built Builder::primary(Parser::PrimaryContext *context) {
  const auto &first = static_cast<const Token &>(*context->start);
  Span span = span_of(context);
  uint32_t height = 0;
  switch (first.getType()) {
    case Parser::NUMBER:
      return number(first, context->UNIT() ? &token_of(context->UNIT()) : nullptr);
    case Parser::STRING:
      return make(span, ast::String{string_value(first)}, 0);
    case Parser::TRUE:
      return make(span, ast::Boolean{true}, 0);
    case Parser::FALSE:
      return make(span, ast::Boolean{false}, 0);
    case Parser::NAME:
      return make(span, ast::Name{text_of(first)}, 0);
    case Parser::GROUP: {
      Built inner = expression(context->expression());
      inner.expr->span = span;
      return inner;
    }
    case Parser::LIST: {
      ast::List list{values(context->children, height)};
      return make(span, std::move(list), height);
    }
    default:
      return conditional(context->conditional());
  }
}

// `else if` becomes a body that holds one conditional, built from the last to the first.
Built Builder::conditional(Parser::ConditionalContext *context) {
  auto conditions = context->expression();
  auto bodies = context->body();
  uint32_t height = 0;
  std::unique_ptr<ast::Body> rest;
  if (bodies.size() > conditions.size()) rest = std::make_unique<ast::Body>(body(bodies.back(), height));
  for (size_t i = conditions.size(); i-- > 0;) {
    Built condition = expression(conditions[i]);
    uint32_t yes_height = 0;
    ast::Body yes = body(bodies[i], yes_height);
    height = std::max({height, condition.height, yes_height});
    Span span{file_, condition.expr->span.begin, context->stop ? span_of(context).end : condition.expr->span.end};
    if (i == 0) span = span_of(context);
    Built built = make(
        span, ast::If{std::move(condition.expr), std::make_unique<ast::Body>(std::move(yes)), std::move(rest)}, height);
    if (i == 0) return built;
    height = built.height;
    rest = std::make_unique<ast::Body>();
    rest->span = span;
    ast::Statement only;
    only.span = span;
    only.node = ast::Evaluate{std::move(built.expr)};
    rest->statements.push_back(std::move(only));
  }
  return too_high(span_of(context));  // not reached: there is at least one condition
}

Built Builder::number(const Token &digits, const Token *unit) {
  ast::Number number;
  std::string text = text_of(digits);
  number.is_integer = text.find_first_of(".eE") == std::string::npos;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number.value);
  bool lost = number.is_integer && number.value > 9007199254740992.0;
  if (problem != std::errc{} || lost)
    diagnostics_
        .error(span_of(digits), lost ? "this whole number is too large to be exact" : "this number is out of range")
        .help(lost ? "the largest is 2^53; write it with an exponent if it may be rounded"
                   : "numbers go from 1e-308 to 1e308");
  Span span = span_of(digits);
  if (unit) {
    number.unit = canonical_unit(text_of(*unit));
    span.end = unit->end;
  }
  return make(span, std::move(number), 0);
}

std::string Builder::string_value(const Token &token) {
  std::string raw = text_of(token);
  std::string value;
  for (size_t i = 1; i + 1 < raw.size(); ++i) {
    if (raw[i] != '\\') {
      value += raw[i];
      continue;
    }
    char kind = raw[++i];
    auto place = token.begin + static_cast<uint32_t>(i);
    switch (kind) {
      case 'n':
        value += '\n';
        break;
      case 't':
        value += '\t';
        break;
      case 'r':
        value += '\r';
        break;
      case '"':
      case '\\':
        value += kind;
        break;
      case 'u': {
        size_t close = raw.find('}', i);
        uint32_t code = 0;
        bool good = raw[i + 1] == '{' && close != std::string::npos;
        if (good) {
          auto [end, problem] = std::from_chars(raw.data() + i + 2, raw.data() + close, code, 16);
          good = problem == std::errc{} && end == raw.data() + close && code <= 0x10FFFF &&
                 (code < 0xD800 || code > 0xDFFF);
        }
        if (!good) {
          diagnostics_.error({file_, place - 1, place + 1}, "`\\u` needs the number of a character")
              .help("as in \"\\u{00e9}\"");
          break;
        }
        append_utf8(value, code);
        i = close;
        break;
      }
      default:
        diagnostics_
            .error({file_, place - 1, place + (static_cast<unsigned char>(kind) < 0x80)},
                   "this `\\` means nothing in a string")
            .help("a backslash is written \\\\, folders are parted by /; there are also \\n \\t \\r \\\" and \\u{...}");
    }
  }
  return value;
}

}  // namespace netc::syntax
