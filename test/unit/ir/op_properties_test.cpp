// What must hold of every op, checked on the cases of op_cases.h without knowing any op.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "ir/emit.h"
#include "ir/gradients.h"
#include "ir/op.h"
#include "ir/rewrite.h"
#include "test/unit/ir/kernel_interpreter.h"
#include "test/unit/ir/op_cases.h"

namespace netc::test {
namespace {

void expect_near(const Tensor &got, const Tensor &wanted, double tolerance, const std::string &what) {
  ASSERT_EQ(got.sizes, wanted.sizes) << what;
  for (size_t i = 0; i < wanted.data.size(); ++i) {
    if (std::isnan(wanted.data[i]) && std::isnan(got.data[i])) continue;
    ASSERT_NEAR(got.data[i], wanted.data[i], tolerance * (1 + std::abs(wanted.data[i]))) << what << ", element " << i;
  }
}

std::string text_of(const OpCase &c) { return testing::PrintToString(c); }

// loss = sum(y * weights), and its gradient with respect to every differentiable operand.
Function loss_and_gradients(const OpCase &c) {
  Function forward = function_of(c);
  Builder b(nullptr, "gradients", Mode::training);
  std::vector<ValueId> operands, wrt;
  for (const CaseOperand &operand : c.operands) {
    operands.push_back(b.argument("x", operand.type));
    if (operand.differentiable) wrt.push_back(operands.back());
  }
  Type result = forward.type(forward.results[0]);
  ValueId weights = b.argument("weights", {DType::f64, result.shape});
  ValueId y = emit::cast(b, b.emit(c.op, operands, c.attributes), DType::f64);
  std::vector<int64_t> axes;
  for (size_t i = 0; i < result.rank(); ++i) axes.push_back(static_cast<int64_t>(i));
  ValueId loss = emit::reduce_sum(b, emit::multiply(b, y, weights), axes);
  std::vector<ValueId> results = build_gradients(b, loss, wrt);
  results.insert(results.begin(), loss);
  return b.finish(results, {});
}

void check_gradient(const OpCase &c) {
  Function function = loss_and_gradients(c);
  std::vector<Tensor> inputs = inputs_of(c);
  Type weights_type = function.type(function.arguments.back());
  Tensor weights = Tensor::zeros(DType::f64, sizes_at(weights_type.shape, c.batch));
  for (size_t i = 0; i < weights.data.size(); ++i) weights.data[i] = std::sin(1.0 + 1.7 * static_cast<double>(i));
  inputs.push_back(weights);
  Environment environment = environment_of(c);
  std::vector<Tensor> results = run(function, inputs, environment);
  ASSERT_FALSE(results.empty());

  Function loss_alone = function;  // without the ops that come after the loss
  loss_alone.results.resize(1);
  loss_alone.ops.resize(defining_ops(function)[function.results[0]] + 1);
  constexpr double step = 1e-5;
  size_t next = 1;
  for (size_t k = 0; k < c.operands.size(); ++k) {
    if (!c.operands[k].differentiable) continue;
    const Tensor &gradient = results[next++];
    ASSERT_EQ(gradient.sizes, inputs[k].sizes) << text_of(c);
    for (size_t i = 0; i < inputs[k].data.size(); ++i) {
      double kept = inputs[k].data[i];
      inputs[k].data[i] = kept + step;
      double above = run(loss_alone, inputs, environment)[0].data[0];
      inputs[k].data[i] = kept - step;
      double below = run(loss_alone, inputs, environment)[0].data[0];
      inputs[k].data[i] = kept;
      double slope = (above - below) / (2 * step);
      ASSERT_NEAR(gradient.data[i], slope, 1e-7 * (1 + std::abs(slope)))
          << text_of(c) << ", operand " << k << ", element " << i;
    }
  }
}

TEST(EveryOp, GradientsAgreeWithFiniteDifferences) {
  for (const OpCase &c : op_cases())
    if (find_op(c.op)->gradient) check_gradient(c);
}

TEST(EveryOp, NoGradientFlowsThroughOpsWithoutARule) {
  for (const OpCase &c : op_cases()) {
    if (find_op(c.op)->gradient || c.operands.empty() || !is_float(c.operands[0].type.dtype)) continue;
    OpCase all = c;
    for (CaseOperand &operand : all.operands) operand.differentiable = is_float(operand.type.dtype);
    Function function = loss_and_gradients(all);
    std::vector<Tensor> inputs = inputs_of(c);
    inputs.push_back(Tensor::zeros(DType::f64, sizes_at(function.type(function.arguments.back()).shape, c.batch)));
    std::fill(inputs.back().data.begin(), inputs.back().data.end(), 1.0);
    std::vector<Tensor> results = run(function, inputs, environment_of(c));
    for (size_t i = 1; i < results.size(); ++i)
      for (double gradient : results[i].data) ASSERT_EQ(gradient, 0) << text_of(c);
  }
}

TEST(EveryOp, LoweringsAgreeWithTheEvaluation) {
  for (const OpCase &c : op_cases()) {
    const OpDef *def = find_op(c.op);
    if (!def->element && !def->pull && !def->push) continue;
    Function function = function_of(c);
    std::vector<Tensor> inputs = inputs_of(c);
    std::vector<Type> types;
    for (const CaseOperand &operand : c.operands) types.push_back(operand.type);
    Environment environment = environment_of(c);
    Tensor wanted = run(function, inputs, environment).at(0);
    Interpretation got = interpret(function.ops[0], types, inputs, function.type(function.results[0]), c.batch,
                                   environment.seed, environment.step);
    EXPECT_EQ(got.violations, std::vector<std::string>{}) << text_of(c);
    expect_near(got.result, wanted, 1e-13, text_of(c));
  }
}

TEST(EveryOp, DecompositionsAgreeWithTheEvaluation) {
  for (const OpCase &c : op_cases())
    for (Mode mode : {Mode::training, Mode::inference}) {
      const OpDef *def = find_op(c.op);
      if (!def->decompose) continue;
      Function whole = function_of(c, mode);
      Function parts = rewrite(Module{}, whole, [&](Rewriter &r, const Op &op) {
        r.replace(op.results[0], op.def->decompose(r.builder(), r.mapped(op), mode).at(0));
        return true;
      });
      std::vector<Tensor> inputs = inputs_of(c);
      for (const Op &op : parts.ops) EXPECT_NE(op.def, def) << text_of(c);
      EXPECT_EQ(parts.type(parts.results[0]), whole.type(whole.results[0])) << text_of(c);
      expect_near(run(parts, inputs, environment_of(c))[0], run(whole, inputs, environment_of(c))[0], 1e-12,
                  text_of(c));
    }
}

TEST(EveryOp, HasACaseADocAndALowering) {
  std::set<std::string_view> tested;
  for (const OpCase &c : op_cases()) tested.insert(find_op(c.op)->name);
  const std::set<std::string_view> elsewhere = {"read",     "write", "runtime_value", "constant",
                                                "gradient", "fused", "orthogonal"};
  for (const OpDef *def : all_ops()) {
    EXPECT_TRUE(tested.count(def->name) || elsewhere.count(def->name)) << def->name << " has no case";
    EXPECT_FALSE(def->doc.empty()) << def->name;
    EXPECT_EQ(find_op(def->name), def);
    int lowerings = (def->element != nullptr) + (def->pull != nullptr) + (def->push != nullptr);
    bool needs_one = def->op_class == OpClass::elementwise || def->op_class == OpClass::reduction ||
                     def->op_class == OpClass::kernel;
    EXPECT_TRUE(lowerings == 1 || !needs_one || elsewhere.count(def->name)) << def->name;
    EXPECT_TRUE(def->decompose || def->op_class != OpClass::composite || def->name == "gradient") << def->name;
    EXPECT_TRUE(def->evaluate || def->name == "gradient" || def->name == "fused") << def->name;
  }
}

}  // namespace
}  // namespace netc::test
