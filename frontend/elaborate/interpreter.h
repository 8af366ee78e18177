// Evaluates expressions and bodies of the language. Numbers, lists and blocks are values known when compiling; what
// involves a tensor appends ops to the function being built.
//
// An error is reported once, at the innermost place in the user's own files (never inside the standard library), and
// gives a Poison, which silently poisons what is made of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/elaborate/scope.h"
#include "frontend/elaborate/session.h"

namespace netc::elaborate {

// One call of a block.
struct Frame {
  Frame *caller = nullptr;
  std::string name;    // of the block: "conv2d"
  std::string path;    // of this instance: "conv_bn_1.conv2d"; empty in the network itself
  std::string suffix;  // after the name of a weight: the state of an optimizer is "adam.m" + ".dense.kernel"
  Role role = Role::weight;
  bool user_code = false;  // the body is in the user's files
  bool trainable = true;
  bool shared = false;  // inside a step that may be called again: its weights are known then
  Span call;            // where the block was called
  int depth = 0;
  int draws = 0;                               // random ops so far
  bool failed = false;                         // an error was reported in library code: the rest of the body is not run
  std::map<std::string, int> instances;        // block name -> instances so far
  std::set<std::string> taken;                 // instance names in use
  std::map<std::string, std::string> weights;  // local name -> full name
  std::vector<std::string> pipeline;           // paths of the steps of the pipeline being evaluated
};

struct Operand {  // an evaluated argument of a call
  std::string name;
  Datum value;
  Span span;
};

class Interpreter {
 public:
  // `function` is null where there is nothing to append ops to: params, data sections.
  Interpreter(Session &session, FunctionBuild *function);

  Datum evaluate(const ast::Expr &expression);
  // Runs `body` in the current scope; its value is that of the last statement, None when that is no expression.
  Datum run(const ast::Body &body);

  // Calls a block, op or builtin. `instance` names the step where the user did (`as`).
  Datum call(const Callable &callee, std::vector<Operand> operands, Span span,
             const ast::Identifier *instance = nullptr);
  // Calls the block `name` of the standard library with named and positional operands, as the compiler's own code does.
  Datum call_library(const std::string &name, std::vector<Operand> operands, Span span);

  // An argument of a call; schedules are looked up first in `learning_rate`.
  Operand evaluate_argument(const ast::Argument &argument);

  // Conversions report what is wrong and return nothing then; `what` names the thing: "filters", "the axis".
  std::optional<double> as_real(const Datum &datum, Span span, const std::string &what);
  std::optional<int64_t> as_integer(const Datum &datum, Span span, const std::string &what);
  std::optional<bool> as_boolean(const Datum &datum, Span span, const std::string &what);
  std::optional<Shape> as_shape(const Datum &datum, Span span, const std::string &what);
  // A tensor, or a number as a constant of `dtype`.
  std::optional<ValueId> as_tensor(const Datum &datum, Span span, const std::string &what, DType dtype = DType::f32);
  std::optional<Type> type_of(const ast::TypeExpr &type);
  // Number as known when compiling: fixes the params it depends on.
  double force(const Number &number);

  // Appends an op with one result; reports what the op says is wrong.
  Datum emit(std::string_view op, std::vector<ValueId> operands, Attributes attributes, Span span,
             const Step *origin = nullptr);
  Datum emit_callable(const OpDef &op, std::vector<Operand> operands, Span span);
  Datum unary(const std::string &op, const Datum &x, Span span);
  Datum binary(const std::string &op, const Datum &a, const Datum &b, Span span);
  std::optional<ValueId> materialise(const Number &number, DType dtype, Span span);
  Datum runtime_value(const std::string &name, Span span);
  Datum read_weight(const std::string &name, Span span);

  Datum error(Span span, std::string message, std::string help = {});
  Diagnostic &report(Span span, std::string message);
  // An error about the arguments of the block being run, named after the block the user called; `step` gives the chain
  // of shapes that led to the argument.
  Datum fail_block(Span span, const std::string &message, const std::string &help, const Step *step);
  // The innermost place in the user's files that `span` came from.
  Span user_span(Span span) const;
  std::string describe(const Datum &datum) const;

  Session &session() { return session_; }
  FunctionBuild *function() { return function_; }
  Frame &frame() { return *frame_; }
  Scope &scope() { return *scope_; }
  // The one value of the branch that is taken; null when there is none, or after an error.
  const ast::Expr *chosen(const ast::If &node);
  // What a name means here; reports unknown ones.
  Datum name_value(const std::string &name, Span span);
  // Marks the binding of a name in user code as read.
  void define(const ast::Identifier &name, Datum value, const char *what);

  // Runs `work` in a frame of its own.
  template <typename Work>
  auto with_frame(Frame frame, Work work) {
    Frame *old_frame = frame_;
    Scope *old_scope = scope_;
    frame.caller = old_frame;
    frame.depth = old_frame ? old_frame->depth + 1 : 0;
    Scope scope(nullptr);
    frame_ = &frame;
    scope_ = &scope;
    auto result = work();
    frame_ = old_frame;
    scope_ = old_scope;
    return result;
  }

 private:
  friend struct ExpressionVisitor;
  friend struct StatementVisitor;
  bool spend();  // false once the file has used up its evaluations
  Datum unknown_name(const std::string &name, Span span);
  Datum pipeline(const ast::Expr &input, const ast::Expr &step, Span span, const ast::Identifier *instance);
  Datum step(const ast::Expr &step, Datum input, Span input_span, Span span, const ast::Identifier *instance);
  Datum evaluate_named(const ast::Expr &expression, const ast::Identifier &name);
  Datum call_value(const Datum &callee, std::vector<Operand> operands, Span span, bool piped,
                   const ast::Identifier *instance);
  std::optional<std::vector<Operand>> evaluate_arguments(const std::vector<ast::Argument> &arguments);
  Datum call_block(const Callable &callee, std::vector<Operand> operands, Span span, const ast::Identifier *instance);
  bool bind(const Callable &callee, const ast::BlockDecl &block, std::vector<Operand> &operands, Span span,
            std::vector<std::optional<Operand>> &bound);
  bool check_parameter(const ast::Parameter &parameter, const Operand &operand, const std::string &block);
  void record_layer(LayerInfo layer, bool shared);
  void name_output(const std::string &path, ValueId output);
  std::string instance_name(const std::string &block, const ast::Identifier *instance);
  Datum member(const Datum &object, const ast::Identifier &name, Span span);
  Datum subscript(const Datum &object, const Datum &index, Span span);
  Datum branch(const ast::If &node, Span span);
  Datum run_inner(const ast::Body &body);
  void assign(const ast::Identifier &name, Datum value);
  Datum as_one_step(Datum value, const ast::Expr &expression, const ast::Identifier &name);
  void repeat(const ast::Repeat &node);
  void declare_weight(const ast::WeightDecl &node, Span span);
  void update(const ast::Update &node, Span span);
  std::optional<Attribute> as_attribute(const AttributeDef &definition, const Datum &value, Span span);
  uint32_t next_stream();
  void set_location(Span span);
  std::string step_path() const;

  Session &session_;
  FunctionBuild *function_;
  Frame *frame_ = nullptr;
  Scope *scope_ = nullptr;
  int schedules_ = 0;  // inside the argument `learning_rate`: schedules are looked up first
  Frame base_frame_;
  Scope base_scope_{nullptr};
};

// Helpers a `.net` file may call that are no ops: length, require, same_padding, ...
struct Builtin {
  std::string_view name;
  size_t minimum, maximum;  // positional operands
  Datum (*run)(Interpreter &, const std::vector<Operand> &, Span);
};
const Builtin *find_builtin(std::string_view name);
std::vector<std::string> builtin_names();

// Arithmetic on numbers known when compiling; `symbolic` results stay so. Empty op: the result is undefined (0 / 0).
std::optional<double> fold(const std::string &op, const std::vector<double> &operands);
// True for ops `fold` knows.
bool folds(std::string_view op);
// True for words that may stand for themselves: same, valid, rows.
bool is_word(std::string_view name);
std::vector<std::string> words();
// The name of a catalogue op that `.net` code may call under this name: ln -> log, max -> maximum.
std::string op_alias(const std::string &name);
bool is_callable_op(std::string_view name);
// Names of runtime values: step, epochs, ...
bool is_runtime_value(std::string_view name);

}  // namespace netc::elaborate
