// Kernels over bf16 against the reference evaluator: contractions of awkward shapes on every target that runs here,
// those of matrix units among them, and what rounds, moves and adds up bf16.
#include <gtest/gtest.h>

#include <cmath>

#include "ir/emit.h"
#include "test/unit/codegen/harness.h"

namespace netc::test {
namespace {

constexpr Dim B{1, true};
using Integers = std::vector<int64_t>;

std::vector<TargetOptions> all_targets() {
  std::vector<TargetOptions> targets = runnable_targets();
  for (const TargetOptions &target : bf16_targets()) targets.push_back(target);
  return targets;
}

// Kernels of matrix units and of pairs have edges of their own; elsewhere it is those for f32, which
// contraction_test.cpp knows.
std::vector<TargetOptions> sharp_targets() {
  std::vector<TargetOptions> targets = bf16_targets();
  return targets.empty() ? std::vector<TargetOptions>{best_target()} : targets;
}

// A contraction of two inputs, cast before; `epilogue`: a bias and a second result in bf16.
struct Contraction {
  Type a, b;
  std::string op;
  Attributes attributes;
  Halo halo = {};  // of the first operand
  bool epilogue = false;
};

ValueId emit_contraction(Builder &builder, const Contraction &c, ValueId a, ValueId b) {
  return builder.emit(c.op, {a, b}, c.attributes);
}

// In bf16 the evaluator rounds where the kernel does, and sums in f64: what is left is the rounding of sums.
void check(const Contraction &contraction, Integers batches = {1, 3},
           const std::vector<TargetOptions> &targets = all_targets()) {
  Case test;
  test.inputs = {contraction.a, contraction.b};
  test.build = [&](Builder &builder, const std::vector<ValueId> &x) -> std::vector<ValueId> {
    ValueId a = emit::cast(builder, x[0], DType::bf16), b = emit::cast(builder, x[1], DType::bf16);
    if (!contraction.epilogue) return {emit_contraction(builder, contraction, a, b)};
    Builder body(nullptr, "", Mode::training);
    ValueId inner_a = body.argument("a", builder.type(a)), inner_b = body.argument("b", builder.type(b));
    ValueId sum = emit_contraction(body, contraction, inner_a, inner_b);
    ValueId shifted = emit::relu(body, emit::offset(body, sum, 0.5));
    ValueId narrow = emit::cast(body, shifted, DType::bf16);
    std::vector<ValueId> results = builder.fused("contraction", {a, b}, body.finish({sum, narrow}, {}));
    return {results[0], emit::cast(builder, results[1], DType::f32)};
  };
  test.adjust = [&](Function &function) { function.values[function.ops[0].results[0]].halo = contraction.halo; };
  test.batches = std::move(batches);
  test.tolerance = contraction.epilogue ? 1e-2 : 1e-3;  // a sum may fall on the other side of a rounding
  test.targets = targets;
  expect_same_as_evaluator(test);
}

Contraction matmul(Dim rows, Dim steps, Dim columns, bool transpose_a, bool transpose_b) {
  Shape a{rows, steps}, b{steps, columns};
  if (transpose_a) std::swap(a[0], a[1]);
  if (transpose_b) std::swap(b[0], b[1]);
  return {{DType::f32, a}, {DType::f32, b}, "matmul", {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}}};
}

struct Window {
  int64_t kernel = 3, stride = 1, padding = 1, dilation = 1, input_dilation = 1, groups = 1;
};
Attributes attributes_of(const Window &w) {
  return {{"strides", Integers{w.stride, w.stride}},
          {"padding", Integers{w.padding, w.padding, w.padding, w.padding}},
          {"dilation", Integers{w.dilation, w.dilation}},
          {"groups", w.groups}};
}
Contraction conv2d(int64_t height, int64_t width, int64_t channels, int64_t filters, const Window &w) {
  Contraction result{{DType::f32, {B, {height}, {width}, {channels}}},
                     {DType::f32, {{w.kernel}, {w.kernel}, {channels / w.groups}, {filters}}},
                     "conv2d",
                     attributes_of(w),
                     {w.padding, w.padding, w.padding, w.padding}};
  result.attributes["input_dilation"] = Integers{w.input_dilation, w.input_dilation};
  return result;
}
Contraction backward_weights(int64_t height, int64_t width, int64_t channels, int64_t filters, const Window &w) {
  auto size = [&](int64_t input) { return (input + 2 * w.padding - ((w.kernel - 1) * w.dilation + 1)) / w.stride + 1; };
  Contraction result{{DType::f32, {B, {height}, {width}, {channels}}},
                     {DType::f32, {B, {size(height)}, {size(width)}, {filters}}},
                     "conv2d_backward_weights",
                     attributes_of(w),
                     {w.padding, w.padding, w.padding, w.padding}};
  result.attributes["kernel_size"] = Integers{w.kernel, w.kernel};
  return result;
}

TEST(Bf16, MatrixProducts) {
  for (int64_t steps : {1, 3, 15, 16, 17, 31, 32, 33, 64})
    for (int64_t columns : {1, 16, 17, 33}) {
      check(matmul(B, {steps}, {columns}, false, false), {1, 3, 17, 34}, sharp_targets());
      check(matmul(B, {steps}, {columns}, false, true), {1, 3, 17}, sharp_targets());
      check(matmul({steps}, B, {columns}, true, false), {1, 3, 33}, sharp_targets());
    }
  Contraction fused = matmul(B, {96}, {48}, false, false);
  fused.epilogue = true;
  check(fused, {1, 15, 16, 32, 47, 64});
}

TEST(Bf16, MatrixProductsOfOtherShapes) {
  check(matmul({35}, {20}, {18}, false, false));
  check(matmul({35}, {20}, {18}, true, true));
  check(matmul({16}, {64}, B, false, false), {1, 5, 32});
  check(matmul({3}, {8}, B, true, true), {1, 5});
  check(matmul({32, true}, {32}, {64}, false, false));
  check(matmul(B, {32}, {64}, true, false), {1, 7});
}

TEST(Bf16, MatrixProductsOfPixels) {
  for (int64_t pixels : {16, 25}) {
    check(matmul({pixels, true}, {31}, {40}, false, false), {1, 3, 33}, sharp_targets());
    check(matmul({33}, {pixels, true}, {40}, true, false), {1, 3, 33}, sharp_targets());
    check(matmul({5}, {pixels, true}, {3}, true, false), {1, 3}, sharp_targets());
  }
  check(matmul({7, true}, {200}, {40}, false, true), {1, 5}, sharp_targets());
  check(matmul(B, {201}, {40}, false, true), {1, 35}, sharp_targets());
  check(matmul({40}, {3, true}, {64}, true, false), {1, 2, 3}, sharp_targets());
}

TEST(Bf16, Convolutions) {
  for (int64_t channels : {1, 3, 15, 16, 17, 31, 32, 33, 64})
    for (int64_t filters : {1, 16, 33}) check(conv2d(5, 7, channels, filters, {}), {1, 3}, sharp_targets());
  for (int64_t width : {2, 15, 16, 17, 31, 32, 33, 35}) check(conv2d(3, width, 32, 32, {}), {2}, sharp_targets());
  Contraction fused = conv2d(6, 20, 64, 48, {});
  fused.epilogue = true;
  check(fused);
}

TEST(Bf16, ConvolutionsWithOtherWindows) {
  check(conv2d(9, 9, 32, 16, {.kernel = 1, .padding = 0}));
  check(conv2d(9, 11, 32, 16, {.kernel = 3, .stride = 2}));
  check(conv2d(12, 12, 16, 32, {.kernel = 4, .stride = 3, .padding = 0}));
  check(conv2d(9, 9, 16, 16, {.kernel = 3, .padding = 2, .dilation = 2}));
  check(conv2d(5, 6, 32, 32, {.kernel = 3, .padding = 1, .input_dilation = 2}));
  check(conv2d(2, 2, 32, 16, {.kernel = 5, .padding = 2}));
  check(conv2d(6, 6, 32, 32, {.groups = 2}));
  check(conv2d(6, 6, 32, 32, {.groups = 32}));
  check(conv2d(6, 6, 32, 16, {.groups = 16}));
  check(conv2d(6, 6, 15, 10, {.groups = 5}));
  check(conv2d(4, 4, 308, 308, {.groups = 77}));
  check(conv2d(3, 3, 256, 264, {}), {1, 17}, sharp_targets());
  check(conv2d(4, 4, 511, 128, {.stride = 2}), {1, 9}, sharp_targets());
  Contraction without_halo = conv2d(6, 6, 32, 32, {});
  without_halo.halo = {};
  check(without_halo);
}

TEST(Bf16, GradientsOfKernels) {
  for (int64_t channels : {1, 3, 15, 16, 17, 31, 32, 33, 64})
    for (int64_t filters : {1, 16, 33}) check(backward_weights(5, 7, channels, filters, {}), {1, 3}, sharp_targets());
  for (int64_t width : {2, 15, 16, 17, 31, 32, 33}) check(backward_weights(3, width, 32, 32, {}), {2}, sharp_targets());
}

TEST(Bf16, GradientsOfKernelsWithOtherWindows) {
  check(backward_weights(9, 9, 32, 16, {.kernel = 1, .padding = 0}));
  check(backward_weights(9, 11, 32, 16, {.kernel = 3, .stride = 2}));
  check(backward_weights(12, 12, 16, 32, {.kernel = 4, .stride = 3, .padding = 0}));
  check(backward_weights(9, 9, 16, 16, {.kernel = 3, .padding = 2, .dilation = 2}));
  check(backward_weights(2, 2, 32, 16, {.kernel = 5, .padding = 2}));
  check(backward_weights(6, 6, 32, 32, {.groups = 2}));
  check(backward_weights(6, 6, 32, 32, {.groups = 32}));
  check(backward_weights(14, 14, 40, 34, {}), {5, 40}, sharp_targets());
  Contraction without_halo = backward_weights(6, 6, 32, 32, {});
  without_halo.halo = {};
  check(without_halo);
}

// A bf16 has 8 digits: neighbours of what was expected are allowed.
void check_ops(const std::vector<Type> &inputs, const Build &build) {
  Case test;
  test.inputs = inputs;
  test.build = build;
  test.tolerance = 1e-2;
  test.targets = all_targets();
  expect_same_as_evaluator(test);
}

TEST(Bf16, CastsRoundToNearest) {
  Case test;
  test.inputs = {{DType::f32, {B, {37}}}};
  test.build = [](Builder &b, const std::vector<ValueId> &x) -> std::vector<ValueId> {
    return {emit::cast(b, emit::cast(b, x[0], DType::bf16), DType::f32)};
  };
  test.prepare = [](std::vector<Tensor> &inputs) {
    std::vector<double> &x = inputs[0].data;
    x[0] = 1 + 1.0 / 256;  // halfway: down to even
    x[1] = 1 + 3.0 / 256;  // halfway: up to even
    x[2] = 3.4e38;         // beyond the largest: infinity
    x[3] = -INFINITY;
    x[4] = NAN;
    x[5] = -0.0;
  };
  test.tolerance = 0;
  test.targets = all_targets();
  expect_same_as_evaluator(test);
}

TEST(Bf16, ElementwiseOpsRound) {
  Type type{DType::f32, {B, {19}}};
  check_ops({type, type}, [](Builder &b, const std::vector<ValueId> &x) -> std::vector<ValueId> {
    ValueId p = emit::cast(b, x[0], DType::bf16), q = emit::cast(b, x[1], DType::bf16);
    ValueId mixed = emit::select(b, emit::less(b, p, q), emit::tanh(b, p), emit::multiply(b, p, q));
    return {emit::cast(b, emit::add(b, mixed, emit::scale(b, q, 0.5)), DType::f32)};
  });
}

TEST(Bf16, Pooling) {
  Type image{DType::f32, {B, {6}, {6}, {20}}}, pooled{DType::f32, {B, {3}, {3}, {20}}};
  Attributes window{{"pool_size", Integers{2, 2}}, {"strides", Integers{2, 2}}};
  check_ops({image, pooled}, [&](Builder &b, const std::vector<ValueId> &x) -> std::vector<ValueId> {
    ValueId narrow = emit::cast(b, x[0], DType::bf16), dy = emit::cast(b, x[1], DType::bf16);
    return {emit::cast(b, b.emit("max_pool2d", {narrow}, window), DType::f32),
            emit::cast(b, b.emit("average_pool2d", {narrow}, window), DType::f32),
            emit::cast(b, b.emit("max_pool2d_backward", {dy, narrow}, window), DType::f32)};
  });
}

// Whether the code runs is told by the tests above, on processors that have a matrix unit.
TEST(Bf16, TheMatrixUnitIsUsedWhereTheCpuHasOne) {
  Module module;
  Builder builder(&module, "f", Mode::training);
  ValueId x = builder.argument("x", {DType::bf16, {B, {64}}}), w = builder.argument("w", {DType::bf16, {{64}, {32}}});
  ValueId y = builder.emit("matmul", {x, w}, {{"transpose_a", false}, {"transpose_b", false}});
  module.functions.push_back(builder.finish({y}, {"y"}));
  place_everything(module);
  Metadata metadata;
  metadata.json = "{}";
  auto uses_it = [&](const std::string &cpu) {
    auto ir = generate(module, metadata, {.triple = "x86_64-linux-gnu", .cpu = cpu}, Emit::llvm_ir);
    EXPECT_TRUE(ir) << cpu;
    return ir && ir->find("llvm.x86.tdpbf16ps") != std::string::npos;
  };
  EXPECT_TRUE(uses_it("sapphirerapids"));
  EXPECT_FALSE(uses_it("znver4"));  // bf16_pairs_test.cpp
  EXPECT_FALSE(uses_it("x86-64-v4"));
}

}  // namespace
}  // namespace netc::test
