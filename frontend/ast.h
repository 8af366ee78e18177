// The syntax tree of a `.net` file: what was written, nothing looked up, nothing evaluated.
//
// Nodes are owned by their parents through std::unique_ptr; every node has the span of its whole text. The parser
// bounds the nesting (kMaxNesting), so walking the tree recursively is safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "support/source.h"

namespace netc::ast {

struct Expr;
struct Statement;
using ExprPtr = std::unique_ptr<Expr>;

struct Identifier {
  std::string text;
  Span span;
};

// { statements }: its value is that of the last statement when that is an expression.
struct Body {
  std::vector<Statement> statements;
  Span span;
};

struct Number {
  double value = 0;
  bool is_integer = false;  // written without point and exponent
  std::string
      unit;  // "", "%", "epochs", "steps", "s", "min", "h", "deg", "MB", "GB"; singular forms are mapped to the plural
};
struct String {
  std::string value;
};
struct Boolean {
  bool value = false;
};
struct Name {
  std::string text;
};
struct List {
  std::vector<ExprPtr> items;
};
struct Argument {
  std::optional<Identifier> name;
  ExprPtr value;
};
struct Call {
  ExprPtr callee;
  std::vector<Argument> arguments;
};
struct Member {  // x.channels, stem.kernel
  ExprPtr object;
  Identifier name;
};
struct Subscript {  // x.shape[-1]
  ExprPtr object;
  ExprPtr index;
};
struct UnaryOp {
  std::string op;  // "-", "not"
  ExprPtr operand;
};
struct BinaryOp {
  std::string op;  // + - * / // % ^ == != < <= > >= and or   (^ is power, right-associative, binds tightest)
  ExprPtr left, right;
};
struct Pipeline {  // input -> step: `f(b)` and `f` become f(input, b) and f(input)
  ExprPtr input;
  ExprPtr step;
};
struct As {  // value as name
  ExprPtr value;
  Identifier name;
};
struct If {  // an expression and a statement; without else it is a statement
  ExprPtr condition;
  std::unique_ptr<Body> yes;
  std::unique_ptr<Body> no;  // null: absent; `else if` is a body holding one If
};
struct Range {  // a .. b (both ends), a ..< b (without the end), log a .. b
  ExprPtr low, high;
  bool inclusive = true;
  bool logarithmic = false;
};
struct Set {
  std::vector<ExprPtr> items;
};  // {16, 32, 64}

struct Expr {
  std::variant<Number, String, Boolean, Name, List, Call, Member, Subscript, UnaryOp, BinaryOp, Pipeline, As, If, Range,
               Set>
      node;
  Span span;
};

// f32[28, 28, 1], class[10], f32[x.shape[-1], units], int
struct TypeExpr {
  Identifier name;
  bool has_shape = false;
  std::vector<ExprPtr> shape;
  Span span;
};

// key = value, or a call standing alone: gradients(tolerance = 1e-5)
struct Entry {
  std::optional<Identifier> key;
  ExprPtr value;
  Span span;
};

struct Assign {  // y = ..., and mean, variance = ...; a name seen before in the enclosing body is bound anew
  std::vector<Identifier> names;
  ExprPtr value;
};
struct Repeat {  // repeat i in 0 ..< n { }
  Identifier variable;
  ExprPtr range;
  Body body;
};
struct WeightDecl {  // weight kernel: f32[n, units] = glorot_uniform { regularizer = l2(1e-4) }
  Identifier name;
  TypeExpr type;
  ExprPtr initializer;
  std::vector<Entry> settings;
};
struct Update {  // update moving_mean = ...: the new value of an untrainable weight, in training only
  Identifier name;
  ExprPtr value;
};
struct Evaluate {
  ExprPtr value;
};

struct Statement {
  std::variant<Assign, Repeat, WeightDecl, Update, Evaluate> node;
  Span span;
};

struct Parameter {  // of a block or a network: x, units: int, padding = same
  Identifier name;
  std::optional<TypeExpr> type;
  ExprPtr fallback;  // null: must be given
};

struct ParamDecl {  // param lr = 1e-3 in log 1e-4 .. 1e-2 if depth > 1
  Identifier name;
  ExprPtr value;
  ExprPtr space;      // null: not tuned; a Range, a Set or a call
  ExprPtr condition;  // null: always tuned
};
struct Import {
  std::string path;
};
struct BlockDecl {
  Identifier name;
  std::string doc;  // the `##` lines at the start of the body, or right above
  std::vector<Parameter> parameters;
  Body body;
};
struct NetworkOutput {  // class[10], or name: f32[3]
  std::optional<Identifier> name;
  TypeExpr type;
};
struct NetworkDecl {
  Identifier name;
  std::string doc;
  std::vector<Parameter> inputs;
  std::vector<NetworkOutput> outputs;
  Body body;
};
// data NAME { }, train [NAME :] NETWORK on DATA { }, tune { }, check { }, defaults { }
struct Section {
  Identifier kind;
  std::optional<Identifier> name;
  std::optional<Identifier> network;
  std::optional<Identifier> data;
  std::vector<Entry> entries;
};

struct Item {
  std::variant<ParamDecl, Import, BlockDecl, NetworkDecl, Section> node;
  Span span;
};

struct File {
  FileId id = kNoFile;
  std::vector<Item> items;
};

}  // namespace netc::ast
