// Values computed by hand, or from a closed form: what the properties of op_properties_test.cpp cannot see, because
// there evaluation is the measure.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ir/emit.h"
#include "ir/gradients.h"
#include "ir/ops/erf_inv.h"
#include "test/unit/ir/op_cases.h"

namespace netc::test {
namespace {

using Integers = std::vector<int64_t>;
using Numbers = std::vector<double>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The first result of an op; types by text, numbers in row-major order.
Numbers value_of(const std::string &op, const std::vector<std::pair<std::string, Numbers>> &operands,
                 const Attributes &attributes = {}, int64_t batch = 1, Mode mode = Mode::training) {
  OpCase c{op, {}, attributes, batch};
  std::vector<Tensor> inputs;
  for (const auto &[text, numbers] : operands) {
    c.operands.push_back({type(text)});
    inputs.push_back({c.operands.back().type.dtype, sizes_at(c.operands.back().type.shape, batch), numbers});
  }
  std::vector<Tensor> results = run(function_of(c, mode), inputs, environment_of(c));
  return results.empty() ? Numbers{} : results[0].data;
}

TEST(Evaluate, Elementwise) {
  EXPECT_EQ(value_of("relu", {{"f32[4]", {-1, 0, 2, kInfinity}}}), (Numbers{0, 0, 2, kInfinity}));
  EXPECT_TRUE(std::isnan(value_of("relu", {{"f32[]", {NAN}}})[0]));
  EXPECT_TRUE(std::isnan(value_of("maximum", {{"f32[]", {NAN}}, {"f32[]", {1}}})[0]));
  EXPECT_TRUE(std::isnan(value_of("minimum", {{"f32[]", {1}}, {"f32[]", {NAN}}})[0]));
  EXPECT_EQ(value_of("round", {{"f32[4]", {0.5, 1.5, -2.5, 2.4}}}), (Numbers{0, 2, -2, 2}));
  EXPECT_EQ(value_of("remainder", {{"f32[4]", {7, -7, 7, -7}}, {"f32[4]", {3, 3, -3, -3}}}), (Numbers{1, 2, -2, -1}));
  EXPECT_EQ(value_of("divide", {{"i32[2]", {7, -7}}, {"i32[]", {2}}}), (Numbers{3, -3}));
  EXPECT_EQ(value_of("cast", {{"f32[3]", {-1.7, 1.7, 0}}}, {{"dtype", std::string("i32")}}), (Numbers{-1, 1, 0}));
  EXPECT_EQ(value_of("select", {{"boolean[2]", {1, 0}}, {"f32[]", {NAN}}, {"f32[]", {3}}})[1], 3);
  EXPECT_EQ(value_of("sign", {{"f32[3]", {-4, 0, 9}}}), (Numbers{-1, 0, 1}));
  EXPECT_NEAR(value_of("erf", {{"f32[]", {1}}})[0], 0.842700792949715, 1e-15);
  EXPECT_EQ(value_of("subtract", {{"f32[2, 1]", {10, 20}}, {"f32[3]", {1, 2, 3}}}), (Numbers{9, 8, 7, 19, 18, 17}));
}

TEST(Evaluate, InverseErrorFunctionUndoesIt) {
  for (double x : {-0.999999999, -0.7, -1e-9, 0.0, 1e-300, 0.1, 0.5, 0.99, 1 - 1e-12})
    EXPECT_NEAR(std::erf(ops::erf_inv(x)), x, 2e-15 * std::abs(x));
  EXPECT_EQ(ops::erf_inv(1), kInfinity);
  EXPECT_TRUE(std::isnan(ops::erf_inv(1.5)));
}

TEST(Evaluate, Contractions) {
  EXPECT_EQ(value_of("matmul", {{"f32[2, 2]", {1, 2, 3, 4}}, {"f32[2, 2]", {5, 6, 7, 8}}}), (Numbers{19, 22, 43, 50}));
  EXPECT_EQ(value_of("matmul", {{"f32[2, 2]", {1, 2, 3, 4}}, {"f32[2, 2]", {5, 6, 7, 8}}}, {{"transpose_b", true}}),
            (Numbers{17, 23, 39, 53}));
  EXPECT_EQ(value_of("matmul", {{"f32[2, 2]", {1, 2, 3, 4}}, {"f32[2, 2]", {5, 6, 7, 8}}}, {{"transpose_a", true}}),
            (Numbers{26, 30, 38, 44}));
  const std::pair<std::string, Numbers> image = {"f32[B, 3, 3, 1]", {1, 2, 3, 4, 5, 6, 7, 8, 9}},
                                        kernel = {"f32[2, 2, 1, 1]", {1, 10, 100, 1000}};
  EXPECT_EQ(value_of("conv2d", {image, kernel}), (Numbers{5421, 6532, 8754, 9865}));
  EXPECT_EQ(value_of("conv2d", {image, kernel}, {{"strides", Integers{2, 2}}, {"padding", Integers{1, 0, 1, 0}}}),
            (Numbers{1000, 3200, 7040, 9865}));
  EXPECT_EQ(value_of("conv2d", {image, kernel}, {{"dilation", Integers{2, 2}}}), (Numbers{9731}));
  EXPECT_EQ(value_of("conv2d", {{"f32[B, 1, 2, 1]", {1, 2}}, {"f32[1, 2, 1, 1]", {1, 10}}},
                     {{"input_dilation", Integers{1, 2}}, {"padding", Integers{0, 0, 1, 1}}}),
            (Numbers{10, 1, 20, 2}));
  EXPECT_EQ(
      value_of("conv2d", {{"f32[B, 1, 1, 2]", {3, 5}}, {"f32[1, 1, 1, 4]", {1, 2, 3, 4}}}, {{"groups", int64_t{2}}}),
      (Numbers{3, 6, 15, 20}));
  EXPECT_EQ(value_of("conv2d_backward_weights", {{"f32[B, 1, 3, 1]", {1, 2, 3}}, {"f32[B, 1, 2, 1]", {10, 100}}},
                     {{"kernel_size", Integers{1, 2}}}),
            (Numbers{210, 320}));
}

TEST(Evaluate, Pools) {
  const std::pair<std::string, Numbers> image = {"f32[B, 3, 3, 1]", {5, 2, 3, 4, 5, 6, 9, 8, 9}};
  const Attributes attributes = {
      {"pool_size", Integers{2, 2}}, {"strides", Integers{2, 2}}, {"padding", Integers{0, 1, 0, 1}}};
  EXPECT_EQ(value_of("max_pool2d", {image}, attributes), (Numbers{5, 6, 9, 9}));
  EXPECT_EQ(value_of("average_pool2d", {image}, attributes), (Numbers{4, 4.5, 8.5, 9}));
  // The first of the two fives gets all of it.
  EXPECT_EQ(value_of("max_pool2d_backward", {{"f32[B, 2, 2, 1]", {1, 2, 3, 4}}, image}, attributes),
            (Numbers{1, 0, 0, 0, 0, 2, 3, 0, 4}));
}

TEST(Evaluate, ShapesAndIndices) {
  EXPECT_EQ(value_of("argmax", {{"f32[5]", {1, 7, 3, 7, 7}}}, {{"axis", int64_t{0}}}), (Numbers{1}));
  EXPECT_EQ(value_of("transpose", {{"f32[2, 3]", {1, 2, 3, 4, 5, 6}}}, {{"permutation", Integers{1, 0}}}),
            (Numbers{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(value_of("pad", {{"f32[2]", {1, 2}}}, {{"low", Integers{1}}, {"high", Integers{2}}, {"value", 9.0}}),
            (Numbers{9, 1, 2, 9, 9}));
  EXPECT_EQ(value_of("slice", {{"f32[6]", {0, 1, 2, 3, 4, 5}}},
                     {{"begin", Integers{1}}, {"end", Integers{6}}, {"strides", Integers{2}}}),
            (Numbers{1, 3, 5}));
  EXPECT_EQ(value_of("concatenate", {{"f32[2, 1]", {1, 2}}, {"f32[2, 2]", {3, 4, 5, 6}}}, {{"axis", int64_t{1}}}),
            (Numbers{1, 3, 4, 2, 5, 6}));
  EXPECT_EQ(value_of("reverse", {{"f32[2, 2]", {1, 2, 3, 4}}}, {{"axes", Integers{1}}}), (Numbers{2, 1, 4, 3}));
  Numbers rows = value_of("gather", {{"f32[2, 2]", {1, 2, 3, 4}}, {"i32[2]", {1, 2}}});
  EXPECT_EQ(rows[1], 4);
  EXPECT_TRUE(std::isnan(rows[2]));
  EXPECT_EQ(value_of("scatter_add", {{"f32[3, 1]", {1, 2, 4}}, {"i32[3]", {1, 1, 7}}}, {{"size", int64_t{2}}}),
            (Numbers{0, 3}));
  EXPECT_EQ(value_of("one_hot", {{"i32[2]", {1, 5}}}, {{"depth", int64_t{2}}}), (Numbers{0, 1, 0, 0}));
  EXPECT_EQ(value_of("up_sampling2d", {{"f32[B, 1, 2, 1]", {1, 2}}}, {{"size", Integers{2, 2}}}),
            (Numbers{1, 1, 2, 2, 1, 1, 2, 2}));
  EXPECT_EQ(value_of("axis_size", {{"f32[B, 3]", Numbers(12)}}, {{"axes", Integers{0, 1}}}, 4), (Numbers{12}));
  EXPECT_EQ(value_of("reduce_mean", {{"f32[B, 2]", {1, 2, 3, 6}}}, {{"axes", Integers{0}}}, 2), (Numbers{2, 4}));
}

TEST(Evaluate, SoftmaxOfLargeScores) {
  Numbers y = value_of("softmax", {{"f32[2]", {1000, 1000 + std::log(3.0)}}}, {{"axis", int64_t{0}}});
  EXPECT_NEAR(y[0], 0.25, 1e-12);
  Numbers z = value_of("log_softmax", {{"f32[2]", {0, 2000}}}, {{"axis", int64_t{0}}});
  EXPECT_EQ(z, (Numbers{-2000, 0}));
}

TEST(Evaluate, RandomNumbersHaveTheirDistribution) {
  const Attributes attributes = {{"shape", type("f32[40000]").shape}, {"stream", int64_t{1}}};
  auto moments = [&](const std::string &op) {
    double sum = 0, squares = 0, largest = 0;
    Numbers x = value_of(op, {}, attributes);
    for (double v : x) sum += v, squares += v * v, largest = std::max(largest, std::abs(v));
    auto n = static_cast<double>(x.size());
    return std::array<double, 3>{sum / n, squares / n - sum / n * sum / n, largest};
  };
  auto uniform = moments("random_uniform"), normal = moments("random_normal"), truncated = moments("truncated_normal");
  EXPECT_NEAR(uniform[0], 0.5, 0.005);
  EXPECT_NEAR(uniform[1], 1.0 / 12, 0.002);
  EXPECT_NEAR(normal[0], 0, 0.02);
  EXPECT_NEAR(normal[1], 1, 0.03);
  EXPECT_GT(normal[2], 3.5);
  EXPECT_NEAR(truncated[1], 0.774, 0.02);  // 1 - 4 phi(2) / erf(sqrt(2))
  EXPECT_LE(truncated[2], 2);
}

TEST(Evaluate, Dropout) {
  const std::pair<std::string, Numbers> x = {"f32[10000]", Numbers(10000, 3)}, rate = {"f32[]", {0.25}};
  Numbers y = value_of("dropout", {x, rate}, {{"stream", int64_t{5}}});
  EXPECT_NEAR(static_cast<double>(std::count(y.begin(), y.end(), 0.0)), 2500, 200);
  EXPECT_EQ(*std::max_element(y.begin(), y.end()), 4);
  EXPECT_EQ(value_of("dropout", {x, rate}, {{"stream", int64_t{5}}}, 1, Mode::inference), x.second);
}

TEST(Evaluate, OrthogonalMatrices) {
  for (auto [rows, columns] : {std::pair<int64_t, int64_t>{6, 4}, {4, 6}, {5, 5}}) {
    Numbers q = value_of("orthogonal", {}, {{"shape", Shape{Dim{rows}, Dim{columns}}}, {"stream", int64_t{2}}});
    bool tall = rows >= columns;
    int64_t count = std::min(rows, columns), length = std::max(rows, columns);
    auto at = [&](int64_t vector, int64_t i) { return tall ? q[i * columns + vector] : q[vector * columns + i]; };
    for (int64_t a = 0; a < count; ++a)
      for (int64_t b = 0; b < count; ++b) {
        double dot = 0;
        for (int64_t i = 0; i < length; ++i) dot += at(a, i) * at(b, i);
        EXPECT_NEAR(dot, a == b ? 1 : 0, 1e-12);
      }
  }
}

// State: reads see the old value, writes take effect at the end.
TEST(Evaluate, WritesTakeEffectAtTheEnd) {
  Module module;
  module.weights.push_back({"w", type("f32[2]"), true, 0, {}});
  Builder b(&module, "step", Mode::training);
  ValueId w = b.emit("read", {}, {{"weight", std::string("w")}});
  ValueId rate = b.emit("runtime_value", {}, {{"name", std::string("param.lr")}});
  ValueId next = emit::add(b, w, rate);
  b.emit("write", {next}, {{"weight", std::string("w")}});
  Function function = b.finish({w}, {"before"});
  Environment environment;
  EXPECT_EQ(evaluate(module, function, {}, environment).error().message, "the weight w has no value");
  environment.weights["w"] = {DType::f32, {2}, {1, 2}};
  EXPECT_EQ(evaluate(module, function, {}, environment).error().message, "the runtime value param.lr is not given");
  environment.runtime_values["param.lr"] = 0.5;
  EXPECT_EQ(evaluate(module, function, {}, environment)->at(0).data, (Numbers{1, 2}));
  EXPECT_EQ(environment.weights["w"].data, (Numbers{1.5, 2.5}));
  EXPECT_EQ(evaluate(module, function, {{}}, environment).error().message, "step takes 0 inputs, got 1");
}

TEST(Gradients, SumOverSeveralUsesAndStopWhereToldTo) {
  Builder b(nullptr, "f", Mode::training);
  ValueId x = b.argument("x", type("f64[]")), unused = b.argument("unused", type("f64[B, 2]"));
  // x * x + 3 x + 5 stop(x): slope 2x + 3
  ValueId loss = emit::add(b, emit::add(b, emit::multiply(b, x, x), emit::scale(b, x, 3)),
                           emit::scale(b, emit::stop_gradient(b, x), 5));
  Function function = b.finish(build_gradients(b, loss, {x, unused, loss, x}), {});
  Environment environment;
  auto results = evaluate(Module{}, function, {{DType::f64, {}, {4}}, Tensor::zeros(DType::f64, {1, 2})}, environment);
  ASSERT_TRUE(results) << results.error().message;
  EXPECT_EQ(results->at(0).data, Numbers{11});
  EXPECT_EQ(results->at(1).data, (Numbers{0, 0}));
  EXPECT_EQ(results->at(2).data, Numbers{1});
  EXPECT_EQ(results->at(3).data, Numbers{11});
}

// Through two layers, a nonlinearity and batch statistics: the chain rule across ops.
TEST(Gradients, OfASmallNetworkAgreeWithFiniteDifferences) {
  auto build = [](Builder &b) {
    ValueId x = b.argument("x", type("f64[B, 4, 4, 2]")), kernel = b.argument("kernel", type("f64[3, 3, 2, 3]"));
    ValueId gamma = b.argument("gamma", type("f64[3]")), dense = b.argument("dense", type("f64[12, 5]"));
    ValueId y = b.emit("conv2d", {x, kernel}, {{"padding", Integers{1, 1, 1, 1}}});
    auto mean_of = [&](ValueId v) { return b.emit("reduce_mean", {v}, {{"axes", Integers{0, 1, 2}}}); };
    ValueId mean = mean_of(y), variance = mean_of(emit::square(b, emit::subtract(b, y, mean)));
    y = emit::tanh(b, b.emit("batch_norm", {y, gamma, gamma, mean, variance}));
    y = b.emit("max_pool2d", {y}, {{"pool_size", Integers{2, 2}}, {"strides", Integers{2, 2}}});
    y = emit::matmul(b, emit::reshape(b, y, type("f64[B, 12]").shape), dense);
    y = b.emit("log_softmax", {y}, {{"axis", int64_t{1}}});
    ValueId loss = emit::negative(b, b.emit("reduce_mean", {emit::square(b, y)}, {{"axes", Integers{0, 1}}}));
    return std::pair(loss, std::vector<ValueId>{x, kernel, gamma, dense});
  };
  Builder b(nullptr, "f", Mode::training);
  auto [loss, wrt] = build(b);
  std::vector<ValueId> results = build_gradients(b, loss, wrt);
  results.push_back(loss);
  Function function = b.finish(results, {});
  OpCase inputs_like{"network", {}, {}, 3};
  for (ValueId argument : function.arguments) inputs_like.operands.push_back({function.type(argument), -1, 1});
  std::vector<Tensor> inputs = inputs_of(inputs_like);
  Environment environment = environment_of(inputs_like);
  std::vector<Tensor> gradients = run(function, inputs, environment);
  ASSERT_EQ(gradients.size(), 5u);
  constexpr double step = 1e-5;
  for (size_t k = 0; k < inputs.size(); ++k)
    for (size_t i = 0; i < inputs[k].data.size(); i += 5) {
      double kept = inputs[k].data[i];
      inputs[k].data[i] = kept + step;
      double above = run(function, inputs, environment)[4].data[0];
      inputs[k].data[i] = kept - step;
      double below = run(function, inputs, environment)[4].data[0];
      inputs[k].data[i] = kept;
      EXPECT_NEAR(gradients[k].data[i], (above - below) / (2 * step), 1e-7) << k << ", " << i;
    }
}

}  // namespace
}  // namespace netc::test
