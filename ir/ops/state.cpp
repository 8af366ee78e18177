// What a function takes from outside and leaves behind: weights, runtime values, constants.
#include "ir/evaluator.h"
#include "ir/ops/elementwise_helpers.h"
#include "ir/ops/registry.h"

namespace netc::ops {
namespace {

Result<const Weight *> find_weight(const InferContext &c) {
  const auto &name = c.get<std::string>("weight");
  if (!c.module) return fail(fmt::format("{} cannot stand inside a fused op", c.op));
  const Weight *weight = c.module->find_weight(name);
  if (!weight) return fail(fmt::format("{}: there is no weight \"{}\"", c.op, name));
  return weight;
}

Types infer_read(const InferContext &c) {
  auto weight = find_weight(c);
  if (!weight) return tl::unexpected(weight.error());
  return one((*weight)->type);
}
Types infer_write(const InferContext &c) {
  auto weight = find_weight(c);
  if (!weight) return tl::unexpected(weight.error());
  if ((*weight)->type != c.operands[0])
    return fail(fmt::format("write: the weight \"{}\" is {}, got {}", (*weight)->name, to_string((*weight)->type),
                            to_string(c.operands[0])));
  return std::vector<Type>{};
}
void evaluate_read(EvaluateContext &c) {
  c.results[0] = c.environment->weights.find(c.get<std::string>("weight"))->second;
}

Types infer_runtime_value(const InferContext &) { return one(DType::f32, {}); }
void evaluate_runtime_value(EvaluateContext &c) {
  c.results[0].data[0] = c.environment->runtime_values.find(c.get<std::string>("name"))->second;
}

Types infer_constant(const InferContext &c) {
  auto dtype = dtype_from_name(c.get<std::string>("dtype"));
  if (!dtype) return tl::unexpected(dtype.error());
  const Shape &shape = c.get<Shape>("shape");
  auto count = element_count(shape);
  if (!count) return tl::unexpected(count.error());
  if (count->batch) return fail(fmt::format("constant: the shape {} depends on the batch", to_string(shape)));
  size_t given = c.get<std::vector<double>>("values").size();
  if (given != 1 && given != static_cast<size_t>(count->size))
    return fail(fmt::format("constant: {} needs one value or {}, got {}", to_string(shape), count->size, given));
  return one(*dtype, shape);
}
void evaluate_constant(EvaluateContext &c) {
  const auto &values = c.get<std::vector<double>>("values");
  if (values.size() == c.results[0].data.size())
    c.results[0].data = values;
  else
    c.results[0].data.assign(c.results[0].data.size(), values[0]);
}
// Only where all elements have one value; a longer list lives in memory.
Scalar element_constant(KernelBuilder &k, const Op &op, std::span<const Scalar>) {
  return k.constant(*dtype_from_name(op.get<std::string>("dtype")), op.get<std::vector<double>>("values")[0]);
}

}  // namespace

std::vector<OpDef> state_ops() {
  return {
      {.name = "read",
       .op_class = OpClass::state,
       .doc = "The value a weight had when the function was called.",
       .attributes = {{"weight", AttributeKind::string, "the name of the weight"}},
       .infer = infer_read,
       .evaluate = evaluate_read},
      {.name = "write",
       .op_class = OpClass::state,
       .doc = "Gives a weight its new value at the end of the function.",
       .operands = {{"value", "of the type of the weight"}},
       .attributes = {{"weight", AttributeKind::string, "the name of the weight"}},
       .infer = infer_write,
       .evaluate = [](EvaluateContext &) {}},  // the evaluator itself keeps the value until the end
      {.name = "runtime_value",
       .op_class = OpClass::state,
       .doc = "A number the runtime provides at each call: `step`, `steps_per_epoch`, `epochs`, `total_steps`, "
              "`learning_rate_scale`, `param.NAME`.",
       .attributes = {{"name", AttributeKind::string, "which number"}},
       .infer = infer_runtime_value,
       .evaluate = evaluate_runtime_value},
      {.name = "constant",
       .op_class = OpClass::state,
       .doc = "Numbers known at compile time. The lowering `element` serves constants of one value; others are data.",
       .attributes = {{"dtype", AttributeKind::string, "the element type", Attribute{std::string("f32")}},
                      {"shape", AttributeKind::shape, "without the batch", Attribute{Shape{}}},
                      {"values", AttributeKind::reals, "one value for all elements, or each in row-major order"}},
       .infer = infer_constant,
       .evaluate = evaluate_constant,
       .element = element_constant},
  };
}

}  // namespace netc::ops
