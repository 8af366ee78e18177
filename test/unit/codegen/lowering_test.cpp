// Every kind of kernel against the reference evaluator: odd channels, batches of one, tails, halos, broadcasts.
#include <gtest/gtest.h>

#include <cmath>

#include "ir/emit.h"
#include "test/unit/codegen/harness.h"

namespace netc::test {
namespace {

using Values = std::vector<ValueId>;
using Integers = std::vector<int64_t>;

Type f32(Shape shape) { return {DType::f32, std::move(shape)}; }
Dim d(int64_t size) { return {size, false}; }
const Dim B = kBatch;

Build op(std::string name, Attributes attributes = {}) {
  return [=](Builder &b, const Values &x) { return Values{b.emit(name, x, attributes)}; };
}

TEST(Map, Broadcasts) {
  for (int64_t channels : {1, 3, 8, 10, 33})
    expect_same_as_evaluator({{f32({B, d(5), d(channels)}), f32({d(channels)}), f32({}), f32({d(5), d(1)})},
                              fused("map",
                                    [](Builder &b, const Values &x) {
                                      ValueId sum = emit::add(b, x[0], x[1]);
                                      ValueId scaled = emit::multiply(b, sum, emit::exp(b, x[2]));
                                      return Values{emit::relu(b, scaled), emit::multiply(b, scaled, x[3])};
                                    }),
                              {1, 2, 7}});
}
TEST(Map, Scalars) {
  expect_same_as_evaluator({{f32({}), f32({})}, op("add")});
  expect_same_as_evaluator({{{DType::f64, {B, d(3)}}, {DType::f64, {}}}, op("multiply"), {1, 5}, 1e-14});
}
TEST(Map, UnaryFunctions) {
  for (const char *name :
       {"negative", "abs",     "sign", "exp", "expm1", "sqrt", "rsqrt", "reciprocal", "square", "sin",     "cos",
        "tanh",     "sigmoid", "relu", "erf", "floor", "ceil", "round", "log",        "log1p",  "erf_inv", "is_nan"})
    for (DType dtype : {DType::f32, DType::f64}) {
      SCOPED_TRACE(name);
      expect_same_as_evaluator({{{dtype, {B, d(37)}}}, op(name), {2}, 2e-6, nullptr, [&](std::vector<Tensor> &x) {
                                  std::vector<double> special = {0.0, INFINITY, -INFINITY, NAN, 1.0,  -1.0,
                                                                 0.5, -0.5,     1.5,       2.5, 88.0, -88.0};
                                  std::copy(special.begin(), special.end(), x[0].data.begin());
                                }});
    }
}
TEST(Map, IntegersAndBooleans) {
  Type i32{DType::i32, {B, d(19)}}, boolean{DType::boolean, {B, d(19)}};
  for (const char *name : {"add", "subtract", "multiply", "maximum", "minimum", "equal", "less", "greater_equal"})
    expect_same_as_evaluator({{i32, i32}, op(name), {1, 3}, 0});
  for (const char *name : {"logical_and", "logical_or"})
    expect_same_as_evaluator({{boolean, boolean}, op(name), {1, 3}, 0});
  expect_same_as_evaluator({{boolean, i32, i32}, op("select"), {1, 3}, 0});
  for (const char *to : {"f32", "i64", "boolean", "f64"})
    expect_same_as_evaluator({{i32}, op("cast", {{"dtype", std::string(to)}}), {3}, 0});
  expect_same_as_evaluator({{f32({B, d(9)})}, op("cast", {{"dtype", std::string("i32")}}), {3}, 0});
}
TEST(Map, Binary) {
  for (const char *name : {"add", "subtract", "multiply", "divide", "maximum", "minimum", "remainder", "power"})
    expect_same_as_evaluator(
        {{f32({B, d(21)}), f32({B, d(21)})}, op(name), {1, 3}, 1e-5, nullptr, [](std::vector<Tensor> &x) {
           x[0].data[0] = NAN;
           x[1].data[1] = NAN;
           x[1].data[2] = 2;
           x[1].data[3] = 0;
         }});
}
TEST(Map, RandomNumbersAreTheReferenceBits) {
  for (const Shape &shape : {Shape{B, d(1)}, Shape{B, d(5)}, Shape{B, d(64)}, Shape{B, d(100)}, Shape{B, d(192)},
                             Shape{B, d(3), d(2), d(64)}, Shape{B, d(2), d(32)}})
    expect_same_as_evaluator(
        {{f32(shape)},
         fused("map",
               [&](Builder &b, const Values &x) {
                 ValueId u = b.emit("random_uniform", {}, {{"shape", shape}, {"stream", int64_t{3}}});
                 ValueId v = b.emit("random_uniform", {}, {{"shape", shape}, {"stream", int64_t{4}}});
                 return Values{emit::add(b, emit::subtract(b, u, v), emit::multiply(b, x[0], b.constant(0)))};
               }),
         {1, 9},
         0});
}
TEST(Map, Halo) {
  expect_same_as_evaluator(
      {{f32({B, d(4), d(5), d(3)})},
       [](Builder &b, const Values &x) {
         ValueId y = b.emit("negative", {x[0]});
         return Values{
             b.emit("max_pool2d", {y},
                    {{"pool_size", Integers{3, 3}}, {"strides", Integers{1, 1}}, {"padding", Integers{1, 1, 1, 1}}})};
       },
       {1, 3},
       0,
       [](Function &f) {
         f.values[f.ops[0].results[0]].halo = {1, 2, 1, 3};
       }});
}

TEST(Reduce, LastAxis) {
  for (const char *name : {"reduce_sum", "reduce_max", "reduce_min"})
    for (int64_t width : {1, 3, 10, 16, 100, 3000})
      for (bool keep : {false, true})
        expect_same_as_evaluator(
            {{f32({B, d(width)})}, op(name, {{"axes", Integers{1}}, {"keep_dims", keep}}), {1, 5}, 1e-5});
}
TEST(Reduce, FirstAxesKeepChannels) {
  for (int64_t channels : {1, 2, 3, 8, 16, 17, 70, 300})
    expect_same_as_evaluator(
        {{f32({B, d(9), d(7), d(channels)})},
         fused("reduce",
               [](Builder &b, const Values &x) {
                 Attributes axes = {{"axes", Integers{0, 1, 2}}, {"keep_dims", false}};
                 return Values{b.emit("reduce_sum", {x[0]}, axes), b.emit("reduce_sum", {emit::square(b, x[0])}, axes)};
               }),
         {1, 4, 65},
         1e-4});
}
TEST(Reduce, PartialResultsAreAddedUpInChunks) {
  // Many partial results of many channels: the stage that adds them up is cut, evenly and not.
  for (int64_t channels : {96, 200, 515})
    expect_same_as_evaluator(
        {{f32({B, d(30), d(10), d(channels)})},
         fused("reduce",
               [](Builder &b, const Values &x) {
                 Attributes axes = {{"axes", Integers{0, 1, 2}}, {"keep_dims", false}};
                 return Values{b.emit("reduce_sum", {x[0]}, axes), b.emit("reduce_max", {x[0]}, axes)};
               }),
         {3, 40},
         1e-4});
}
TEST(Reduce, MiddleAxes) {
  for (int64_t channels : {1, 5, 32})
    expect_same_as_evaluator({{f32({B, d(6), d(7), d(channels)})},
                              op("reduce_sum", {{"axes", Integers{1, 2}}, {"keep_dims", true}}),
                              {1, 3}});
  expect_same_as_evaluator({{f32({d(4), B, d(6)})}, op("reduce_max", {{"axes", Integers{0, 2}}}), {1, 3}});
}
TEST(Reduce, Everything) {
  for (int64_t width : {1, 7, 50000})
    expect_same_as_evaluator({{f32({B, d(width)})}, op("reduce_sum", {{"axes", Integers{0, 1}}}), {1, 3}, 1e-5});
  expect_same_as_evaluator({{f32({B})}, op("reduce_sum", {{"axes", Integers{0}}}), {1, 100, 1000}});
  expect_same_as_evaluator({{{DType::f64, {B, d(9)}}}, op("reduce_sum", {{"axes", Integers{0, 1}}}), {1, 3}, 1e-14});
}
TEST(Reduce, ElementwiseValuesAreStoredToo) {
  expect_same_as_evaluator(
      {{f32({B, d(11)}), f32({B, d(1)})},
       fused("reduce",
             [](Builder &b, const Values &x) {
               ValueId e = emit::exp(b, emit::subtract(b, x[0], x[1]));
               return Values{e, b.emit("reduce_sum", {e}, {{"axes", Integers{1}}, {"keep_dims", true}})};
             }),
       {1, 6}});
}
TEST(Reduce, HaloAndNan) {
  expect_same_as_evaluator({{f32({B, d(4), d(5), d(3)})},
                            [](Builder &b, const Values &x) {
                              ValueId y = b.emit("negative", {x[0]});
                              return Values{b.emit("reduce_max", {y}, {{"axes", Integers{0, 1, 2}}})};
                            },
                            {1, 3},
                            0,
                            [](Function &f) {
                              f.values[f.ops[0].results[0]].halo = {1, 2, 1, 3};
                            },
                            [](std::vector<Tensor> &x) { x[0].data[7] = NAN; }});
}

TEST(Kernels, Pooling) {
  for (int64_t channels : {1, 3, 16, 20})
    for (Integers padding : {Integers{0, 0, 0, 0}, Integers{1, 0, 1, 1}}) {
      Attributes window = {{"pool_size", Integers{2, 3}}, {"strides", Integers{2, 2}}, {"padding", padding}};
      Attributes input_window = window;
      input_window["input_size"] = Integers{7, 9};
      Type image = f32({B, d(7), d(9), d(channels)});
      for (const char *name : {"max_pool2d", "average_pool2d"})
        expect_same_as_evaluator({{image}, op(name, window), {1, 3}});
      expect_same_as_evaluator({{image},
                                [&](Builder &b, const Values &x) {
                                  ValueId dy = b.emit("negative", {b.emit("max_pool2d", {x[0]}, window)});
                                  return Values{b.emit("max_pool2d_backward", {dy, x[0]}, window),
                                                b.emit("average_pool2d_backward", {dy}, input_window)};
                                },
                                {1, 3}});
    }
}
TEST(Kernels, WindowsThatTileTheImage) {
  Attributes window = {{"pool_size", Integers{2, 3}}, {"strides", Integers{2, 3}}, {"padding", Integers{0, 0, 0, 0}}};
  for (int64_t height : {6, 7}) {  // of seven rows the last one is in no window
    Attributes input_window = window;
    input_window["input_size"] = Integers{height, 9};
    expect_same_as_evaluator({{f32({B, d(height), d(9), d(20)})},
                              [&](Builder &b, const Values &x) {
                                ValueId dy = b.emit("negative", {b.emit("max_pool2d", {x[0]}, window)});
                                return Values{b.emit("max_pool2d_backward", {dy, x[0]}, window),
                                              b.emit("average_pool2d_backward", {dy}, input_window)};
                              },
                              {1, 3}});
  }
}
TEST(Kernels, MovingDataAround) {
  Type x = f32({B, d(3), d(4), d(5)});
  expect_same_as_evaluator({{x}, op("transpose", {{"permutation", Integers{0, 3, 1, 2}}}), {1, 3}, 0});
  expect_same_as_evaluator({{x}, op("transpose", {{"permutation", Integers{1, 0, 3, 2}}}), {1, 3}, 0});
  expect_same_as_evaluator(
      {{x}, op("pad", {{"low", Integers{0, 1, 0, 2}}, {"high", Integers{0, 0, 3, 1}}, {"value", 7.0}}), {1, 3}, 0});
  expect_same_as_evaluator({{x}, op("reverse", {{"axes", Integers{1, 3}}}), {1, 3}, 0});
  expect_same_as_evaluator({{x, x, f32({B, d(3), d(2), d(5)})}, op("concatenate", {{"axis", int64_t{2}}}), {1, 3}, 0});
  expect_same_as_evaluator({{x, f32({B, d(3), d(4), d(20)})}, op("concatenate", {{"axis", int64_t{3}}}), {1, 3}, 0});
  expect_same_as_evaluator(
      {{f32({d(4), d(5)})}, op("broadcast_to", {{"shape", Shape{B, d(3), d(4), d(5)}}}), {1, 3}, 0});
  expect_same_as_evaluator(
      {{f32({d(7), d(9)})},
       op("slice", {{"begin", Integers{1, 2}}, {"end", Integers{6, 9}}, {"strides", Integers{2, 3}}}),
       {1},
       0});
}
TEST(Kernels, FlippedKernels) {
  for (int64_t inputs : {1, 5, 16, 48})
    for (int64_t outputs : {1, 7, 16, 32, 160})
      expect_same_as_evaluator({{f32({d(3), d(2), d(inputs), d(outputs)})}, op("flip_kernel"), {1}, 0});
}
TEST(Kernels, Indices) {
  Type indices{DType::i32, {B, d(3)}};
  for (int64_t width : {1, 6, 20}) {
    expect_same_as_evaluator({{f32({d(7), d(width)}), indices}, op("gather"), {1, 5}, 0});
    expect_same_as_evaluator({{f32({B, d(3), d(width)}), indices}, op("scatter_add", {{"size", int64_t{7}}}), {1, 5}});
  }
  expect_same_as_evaluator({{indices}, op("one_hot", {{"depth", int64_t{5}}}), {1, 5}, 0});
  for (int64_t axis : {1, 2})
    expect_same_as_evaluator({{f32({B, d(10), d(17)})}, op("argmax", {{"axis", axis}}), {1, 5}, 0});
  expect_same_as_evaluator({{f32({B, d(10)})}, op("axis_size", {{"axes", Integers{0, 1}}}), {1, 5}, 0});
  expect_same_as_evaluator(
      {{},
       op("iota", {{"shape", Shape{B, d(4), d(5)}}, {"axis", int64_t{1}}, {"dtype", std::string("f32")}}),
       {1, 5},
       0});
}

TEST(State, WeightsConstantsAndRuntimeValues) {
  Module module;
  module.name = "state";
  module.weights = {{"w", f32({d(5)})}, {"v", f32({d(5)})}};
  Builder b(&module, "f", Mode::training);
  ValueId w = b.emit("read", {}, {{"weight", std::string("w")}});
  ValueId rate = b.emit("runtime_value", {}, {{"name", std::string("learning_rate_scale")}});
  ValueId table = b.emit("constant", {}, {{"shape", Shape{d(5)}}, {"values", std::vector<double>{1, 2, 3, 4, 5}}});
  ValueId sum = emit::add(b, emit::multiply(b, w, rate), table);
  ValueId shaped = b.emit("reshape", {sum}, {{"shape", Shape{d(5), d(1)}}});
  b.emit("write", {sum}, {{"weight", std::string("v")}});
  module.functions.push_back(b.finish({emit::negative(b, shaped)}, {"y"}));
  place_everything(module);
  for (const TargetOptions &target : runnable_targets()) {
    CompiledModule compiled(module, target);
    Environment environment;
    environment.weights["w"] = random_tensor(module.weights[0].type, 1, 1);
    environment.weights["v"] = random_tensor(module.weights[1].type, 1, 2);
    environment.runtime_values["learning_rate_scale"] = 0.5;
    Environment reference = environment;
    auto expected = evaluate(module, module.functions[0], {}, reference);
    ASSERT_TRUE(expected);
    std::vector<Tensor> actual = compiled.run("f", {}, environment);
    for (size_t i = 0; i < 5; ++i) {
      EXPECT_NEAR(actual[0].data[i], (*expected)[0].data[i], 1e-6);
      EXPECT_NEAR(environment.weights["v"].data[i], reference.weights["v"].data[i], 1e-6);
    }
  }
}

}  // namespace
}  // namespace netc::test
