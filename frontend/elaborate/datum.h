// The values of the `.net` language while it is elaborated: what a name may be bound to and an expression may give.
//
// Everything but a tensor is known when compiling. A number that depends on a `param` remembers how (`symbol`): used
// where a number must be known it fixes the param, used as a tensor it becomes ops on the runtime value of the param.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "frontend/ast.h"
#include "ir/graph.h"

namespace netc::elaborate {

struct Datum;
struct Builtin;

struct Poison {};  // an error was reported already: whatever is made of it is silent
struct None {};
struct Symbol;

struct Number {
  double value = 0;
  bool integer = false;
  std::string unit;  // "", "epochs", "steps", "s", "min", "h", "deg", "MB", "GB"; per cent are divided by 100
  std::shared_ptr<const Symbol> symbol;  // null: a plain constant
};
// How a number depends on params: a param, or an elementwise op on numbers.
struct Symbol {
  std::string param;  // the name of the param, or
  std::string op;     // the name of an op in the catalogue, on
  std::vector<Number> operands;
};

struct Text {
  std::string value;
};
struct Word {  // a bare name out of an enumeration: same, valid, rows
  std::string text;
};
struct BatchSize {  // the first entry of the shape of a tensor: known when the program runs
  int64_t factor = 1;
};
using Items = std::shared_ptr<const std::vector<Datum>>;

// The steps a tensor came through, newest first: the chain of shapes in an error message.
struct Step {
  std::string name;
  Type type;
  mutable std::shared_ptr<const Step> previous;
  // A loop makes long chains: they are taken apart one by one, since recursion would need a stack as long.
  ~Step() {
    while (previous && previous.use_count() == 1) previous = std::exchange(previous->previous, nullptr);
  }
};
struct TensorValue {
  ValueId id = 0;
  std::shared_ptr<const Step> step;
};

// A block, op or builtin as a value, with the arguments given so far: l2(1e-4), adam(learning_rate = 0.01), relu.
struct BoundArgument;
struct Callable {
  std::string name;
  const ast::BlockDecl *block = nullptr;  // exactly one of the three is set
  const OpDef *op = nullptr;
  const Builtin *builtin = nullptr;
  bool library = false;                  // the block is of the standard library
  std::vector<BoundArgument> arguments;  // positional ones follow the block's data operands
  Span span;                             // where it was written
  std::string step;  // bound to a name in a body: the path of the one step that all its calls are; else empty
};
using CallablePtr = std::shared_ptr<const Callable>;

struct Datum {
  std::variant<Poison, None, Number, bool, Text, Word, BatchSize, Items, TensorValue, CallablePtr> node;

  Datum() : node(Poison{}) {}
  template <typename T>
  requires(!std::is_same_v<std::decay_t<T>, Datum>) Datum(T value) : node(std::move(value)) {}

  template <typename T>
  const T *as() const {
    return std::get_if<T>(&node);
  }
  template <typename T>
  bool is() const {
    return std::holds_alternative<T>(node);
  }
};

struct BoundArgument {
  std::string name;  // empty: positional
  Datum value;
  Span span;
};

inline Datum make_number(double value, bool integer) { return Number{value, integer, {}, nullptr}; }
inline Datum make_integer(int64_t value) { return make_number(static_cast<double>(value), true); }
inline Datum make_list(std::vector<Datum> items) {
  return Items(std::make_shared<const std::vector<Datum>>(std::move(items)));
}

// What a bare name stands for: the text of a word (same, valid), the name of a block without arguments (relu, adam);
// null for all else.
const std::string *bare_name(const Datum &datum);
// True for a poison and for a list holding one.
bool is_poison(const Datum &datum);
// The shortest text that reads back to the same number: "32", "0.001".
std::string number_text(double value);
// A type as users write it, without the batch: "f32[28, 28, 1]".
std::string type_text(const Type &type);
// "image f32[28, 28, 1] -> conv_bn f32[28, 28, 32] -> ... -> max_pool2d f32[7, 7, 64]"; empty when there is no chain.
std::string chain_text(const Step *step);
// "f32[7, 7, 64]", "3", "the block dense", "[1, 2]": for messages. `function` gives the types of tensors; it may be
// null.
std::string describe(const Datum &datum, const Function *function);

}  // namespace netc::elaborate
