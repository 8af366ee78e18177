#include "ir/verifier.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "fmt/format.h"
#include "ir/check.h"
#include "ir/window.h"

namespace netc {
namespace {

class FunctionVerifier {
 public:
  FunctionVerifier(const Module *module, const Function &function, std::string where,
                   std::vector<std::string> &problems)
      : module_(module),
        function_(function),
        where_(std::move(where)),
        problems_(problems),
        defined_(function.values.size(), false) {}

  void run() {
    for (ValueId argument : function_.arguments) define(argument, "an argument");
    for (const Op &op : function_.ops) check_op(op);
    for (ValueId result : function_.results)
      if (result >= defined_.size() || !defined_[result]) problem("a result is not defined");
    if (!function_.result_names.empty() && function_.result_names.size() != function_.results.size())
      problem("the results and their names differ in number");
    check_names();
  }

 private:
  void problem(std::string_view text) { problems_.push_back(fmt::format("{}: {}", where_, text)); }
  void problem(const Op &op, std::string_view text) {
    std::string value = op.results.empty() || op.results[0] >= function_.values.size()
                            ? ""
                            : fmt::format("%{} = ", function_.value(op.results[0]).name);
    problem(fmt::format("{}{}: {}", value, op.def ? op.def->name : "?", text));
  }

  void define(ValueId id, std::string_view what) {
    if (id >= defined_.size()) return problem(fmt::format("{} has no value", what));
    if (defined_[id]) problem(fmt::format("%{} is defined twice", function_.value(id).name));
    defined_[id] = true;
  }

  void check_names() {
    std::unordered_set<std::string_view> seen;
    for (const Value &value : function_.values)
      if (value.name.empty() || !seen.insert(value.name).second)
        problem(fmt::format("the name \"{}\" is not unique", value.name));
  }

  void check_op(const Op &op) {
    if (!op.def) return problem("an op without a definition");
    bool operands_good = true;
    std::vector<Type> types;
    for (ValueId operand : op.operands) {
      if (operand >= defined_.size() || !defined_[operand]) {
        operands_good = false;
        problem(op, "an operand is used before it is defined");
      } else {
        types.push_back(function_.type(operand));
      }
    }
    for (ValueId result : op.results) define(result, "a result");
    Attributes attributes = op.attributes;
    if (auto good = complete_attributes(*op.def, attributes); !good) return problem(op, good.error().message);
    if (attributes.size() != op.attributes.size()) return problem(op, "attributes are missing");
    if (operands_good) check_types(op, types);
    check_weight(op);
    if (op.body) check_body(op);
  }

  void check_types(const Op &op, const std::vector<Type> &operands) {
    auto inferred = infer_types(*op.def, operands, op.attributes, module_, op.body.get());
    if (!inferred) return problem(op, inferred.error().message);
    if (inferred->size() != op.results.size())
      return problem(op, fmt::format("has {} results, should have {}", op.results.size(), inferred->size()));
    for (size_t i = 0; i < op.results.size(); ++i) {
      if (op.results[i] >= function_.values.size()) continue;
      const Type &declared = function_.type(op.results[i]);
      if (declared != (*inferred)[i])
        problem(op, fmt::format("is {}, should be {}", to_string(declared), to_string((*inferred)[i])));
    }
  }

  void check_weight(const Op &op) {
    bool read = op.def->name == "read", write = op.def->name == "write";
    if (!read && !write) return;
    const auto &name = op.get<std::string>("weight");
    if (written_.count(name)) problem(op, fmt::format("the weight {} was written before", name));
    if (write) written_.insert(name);
  }

  void check_body(const Op &op) {
    if (op.def->name != "fused") return problem(op, "only a fused op has a body");
    size_t before = problems_.size();
    FunctionVerifier(nullptr, *op.body, where_ + ", body", problems_).run();
    if (problems_.size() != before) return;  // the checks below take ops to be well formed
    const auto &kind = op.get<std::string>("kind");
    size_t contractions = 0;
    const Op *first_reduction = nullptr;
    std::set<ValueId> reduced;
    for (const Op &inner : op.body->ops) {
      for (ValueId operand : inner.operands)
        if (reduced.count(operand)) problem(op, "a reduction is not at the end of the body");
      if (is_inline_constant(inner) || inner.def->op_class == OpClass::elementwise) continue;
      if (inner.def->op_class == OpClass::contraction && kind == "contraction") {
        ++contractions;
        for (ValueId operand : inner.operands)
          if (!is_argument(*op.body, operand)) problem(op, "the contraction of the body reads more than arguments");
      } else if (inner.def->window != nullptr && kind != "contraction") {
        check_window(op, inner);
      } else if (inner.def->op_class == OpClass::reduction && kind != "map") {
        check_same_reduction(op, first_reduction, inner);
        reduced.insert(inner.results.begin(), inner.results.end());
      } else {
        problem(op, fmt::format("{} may not stand in a body of kind {}", inner.def->name, kind));
      }
    }
    if (kind == "contraction" && contractions != 1)
      problem(op, fmt::format("the body has {} contractions", contractions));
    if (kind == "reduce" && reduced.empty()) problem(op, "the body has no reduction");
  }

  // A body with pooling goes from window to window. Each value belongs to the places of the image or to the window.
  void check_window(const Op &op, const Op &pooling) {
    const Function &body = *op.body;
    std::optional<Window> window = find_window(pooling, body);
    if (!window || window != find_window(body)) return problem(op, "the windows of the body differ or do not tile");
    auto fits = [](const Shape &shape, const Shape &whole) {
      Result<Shape> both = broadcast(shape, whole);
      return both && *both == whole;
    };
    for (const Op &inner : body.ops) {
      if (inner.def->op_class == OpClass::reduction) {
        const auto &axes = inner.get<std::vector<int64_t>>("axes");
        bool whole = std::ranges::count(axes, 1) > 0 && std::ranges::count(axes, 2) > 0;
        if (body.type(inner.operands[0]).shape != window->image || !whole)
          problem(op, "a reduction of a body with pooling leaves an axis of the windows");
      } else if (inner.def->op_class == OpClass::elementwise) {
        const Shape &shape = body.type(inner.results[0]).shape;
        if (!fits(shape, window->image) && !fits(shape, window->pooled))
          problem(op, "an elementwise op of a body with pooling is neither of the image nor of the windows");
        if (inner.def->pull != nullptr) problem(op, "an op of a body with pooling asks for its index");
      }
    }
  }

  static bool is_inline_constant(const Op &op) {
    return op.def->name == "constant" && op.get<std::vector<double>>("values").size() == 1;
  }
  static bool is_argument(const Function &body, ValueId id) {
    for (ValueId argument : body.arguments)
      if (argument == id) return true;
    return false;
  }

  void check_same_reduction(const Op &op, const Op *&first, const Op &inner) {
    if (!first) {
      first = &inner;
      return;
    }
    const Function &body = *op.body;
    bool same = inner.operands.size() == 1 && first->operands.size() == 1 &&
                body.type(inner.operands[0]).shape == body.type(first->operands[0]).shape &&
                inner.get<std::vector<int64_t>>("axes") == first->get<std::vector<int64_t>>("axes");
    if (!same) problem(op, "the reductions of the body differ in shape or axes");
  }

  const Module *module_;
  const Function &function_;
  std::string where_;
  std::vector<std::string> &problems_;
  std::vector<bool> defined_;
  std::set<std::string> written_;
};

}  // namespace

std::vector<std::string> verify(const Module &module) {
  std::vector<std::string> problems;
  std::set<std::string_view> names;
  for (const Weight &weight : module.weights) {
    if (!names.insert(weight.name).second) problems.push_back(fmt::format("two weights are named {}", weight.name));
    for (Dim dim : weight.type.shape)
      if (dim.batch) problems.push_back(fmt::format("the weight {} depends on the batch", weight.name));
  }
  names.clear();
  for (const Function &function : module.functions) {
    if (!names.insert(function.name).second)
      problems.push_back(fmt::format("two functions are named {}", function.name));
    FunctionVerifier(&module, function, "@" + function.name, problems).run();
  }
  return problems;
}

}  // namespace netc
