// Which pooling becomes part of its neighbours' kernels.
#include <gtest/gtest.h>

#include <algorithm>

#include "ir/builder.h"
#include "ir/emit.h"
#include "ir/op.h"
#include "passes/passes.h"
#include "test/unit/passes/network.h"
#include "test/unit/passes/same_meaning.h"

namespace netc {
namespace {

using Integers = std::vector<int64_t>;

size_t count_ops(const Function &function, std::string_view part) {
  return static_cast<size_t>(std::ranges::count_if(
      function.ops, [&](const Op &op) { return op.def->name.find(part) != std::string_view::npos; }));
}

Attributes window(int64_t size, int64_t stride) {
  return {{"pool_size", Integers{size, size}}, {"strides", Integers{stride, stride}}};
}

// x -> negative -> pooling, and the gradient with a mask, as a sum and as an image.
Module pooled_activation(Shape image, const Attributes &attributes) {
  Module module;
  module.name = "pooling";
  Builder b(&module, "f", Mode::training);
  ValueId x = b.argument("x", {DType::f32, std::move(image)});
  ValueId y = b.emit("relu", {b.emit("negative", {x})});
  ValueId pooled = b.emit("max_pool2d", {y}, attributes);
  ValueId dy = b.emit("max_pool2d_backward", {b.emit("tanh", {pooled}), y}, attributes), zero = b.constant(0);
  ValueId dx = emit::select(b, emit::greater(b, y, zero), dy, zero);
  ValueId sum = b.emit("reduce_sum", {dx}, {{"axes", Integers{0, 1, 2}}, {"keep_dims", false}});
  ValueId rest = emit::subtract(b, dx, sum);
  module.functions.push_back(b.finish({pooled, sum, rest}, {"pooled", "sum", "rest"}));
  return module;
}

Module fused(const Module &module) {
  Module result = module;
  auto done = run_pipeline(result, {.verify_each = true});
  EXPECT_TRUE(done) << done.error().message;
  expect_same_meaning(module, result, {.tolerance = 1e-5});
  return result;
}

TEST(Pooling, IsPartOfItsNeighbours) {
  Module module = fused(pooled_activation({kBatch, {6}, {4}, {16}}, window(2, 2)));
  const Function &f = module.functions.front();
  EXPECT_EQ(count_ops(f, "pool2d"), 0u);
  // Nothing of the size of the image is stored but the result.
  for (const Value &value : f.values) {
    bool image = value.type.shape == Shape{kBatch, {6}, {4}, {16}};
    EXPECT_FALSE(image && value.placement.space == Space::batch) << value.name;
  }
}

TEST(Pooling, ThatOverlapsOrLeavesOutStaysAlone) {
  Module overlapping = fused(pooled_activation({kBatch, {7}, {7}, {16}}, window(3, 2)));
  EXPECT_EQ(count_ops(overlapping.functions.front(), "pool2d"), 2u);
  Module leaves_out = fused(pooled_activation({kBatch, {7}, {6}, {16}}, window(2, 2)));
  EXPECT_EQ(count_ops(leaves_out.functions.front(), "pool2d"), 2u);
}

TEST(Pooling, OfFewChannelsStaysAlone) {
  Module module = fused(pooled_activation({kBatch, {6}, {6}, {3}}, window(2, 2)));
  EXPECT_EQ(count_ops(module.functions.front(), "pool2d"), 2u);
}

TEST(Pooling, OfOneImageInTwoWaysStaysAlone) {
  Module module;
  Builder b(&module, "f", Mode::training);
  ValueId x = b.argument("x", {DType::f32, {kBatch, {4}, {4}, {8}}});
  ValueId y = b.emit("relu", {x});
  std::vector<ValueId> gradients;
  for (int64_t rows : {2, 4}) {
    Attributes windows{{"pool_size", Integers{rows, 2}}, {"strides", Integers{rows, 2}}};
    gradients.push_back(b.emit("max_pool2d_backward", {b.emit("max_pool2d", {y}, windows), y}, windows));
  }
  module.functions.push_back(b.finish({emit::add(b, gradients[0], gradients[1])}, {"dx"}));
  EXPECT_EQ(count_ops(fused(module).functions.front(), "pool2d"), 4u);
}

TEST(Pooling, OfANetworkKeepsNoActivationAndNoGradient) {
  Module module = convolutional_network();
  ASSERT_TRUE(run_pipeline(module, {}));
  EXPECT_EQ(count_ops(*module.find_function("train_step"), "pool2d"), 0u);
  EXPECT_EQ(count_ops(*module.find_function("predict"), "pool2d"), 2u);  // behind an epilogue there is nothing to gain
}

}  // namespace
}  // namespace netc
