// Contractions with what a fused op does besides: epilogues, sums over their results, halos. The contractions alone,
// shape by shape, are in contraction_test.cpp and its neighbours.
#include <gtest/gtest.h>

#include "ir/emit.h"
#include "test/unit/codegen/harness.h"

namespace netc::test {
namespace {

using Values = std::vector<ValueId>;
using Integers = std::vector<int64_t>;

Type f32(Shape shape) { return {DType::f32, std::move(shape)}; }
Dim d(int64_t size) { return {size, false}; }
const Dim B = kBatch;

TEST(FusedContractions, Epilogues) {
  for (int64_t width : {1, 10, 40})
    expect_same_as_evaluator(
        {{f32({B, d(13)}), f32({d(13), d(width)}), f32({d(width)})},
         fused("contraction",
               [](Builder &b, const Values &x) {
                 ValueId y = b.emit("matmul", {x[0], x[1]}, {{"transpose_a", false}, {"transpose_b", false}});
                 return Values{emit::relu(b, emit::add(b, y, x[2])), y};
               }),
         {1, 5, 33}});
  Attributes window = {{"strides", Integers{1, 1}},
                       {"padding", Integers{1, 1, 1, 1}},
                       {"dilation", Integers{1, 1}},
                       {"input_dilation", Integers{1, 1}},
                       {"groups", int64_t{1}}};
  for (int64_t channels : {1, 5, 32})
    expect_same_as_evaluator(
        {{f32({B, d(6), d(7), d(3)}), f32({d(3), d(3), d(3), d(channels)}), f32({d(channels)})},
         [&](Builder &b, const Values &x) {
           ValueId image = b.emit("negative", {x[0]});
           auto conv = fused("contraction", [&](Builder &inner, const Values &y) {
             return Values{emit::relu(inner, emit::add(inner, inner.emit("conv2d", {y[0], y[1]}, window), y[2]))};
           });
           return conv(b, {image, x[1], x[2]});
         },
         {1, 3},
         1e-5,
         [](Function &f) {
           f.values[f.ops[0].results[0]].halo = {1, 1, 1, 1};
         }});
}

// One filter or three, so that vectors of results lie along the image; with an epilogue, and with sums.
TEST(FusedContractions, FewFilters) {
  Attributes window = {{"strides", Integers{1, 1}},
                       {"padding", Integers{1, 1, 1, 1}},
                       {"dilation", Integers{1, 1}},
                       {"input_dilation", Integers{1, 1}},
                       {"groups", int64_t{1}}};
  for (int64_t filters : {1, 3})
    for (int64_t width : {3, 16, 21}) {
      Type y = f32({B, d(4), d(width), d(filters)});
      expect_same_as_evaluator(
          {{f32({B, d(4), d(width), d(16)}), f32({d(3), d(3), d(16), d(filters)}), f32({d(filters)}), y},
           fused("contraction",
                 [&](Builder &b, const Values &x) {
                   ValueId sum = emit::add(b, b.emit("conv2d", {x[0], x[1]}, window), x[2]);
                   ValueId all = emit::multiply(b, emit::sigmoid(b, sum), x[3]);
                   Attributes axes = {{"axes", Integers{0, 1, 2}}, {"keep_dims", false}};
                   return Values{all, b.emit("reduce_sum", {all}, axes)};
                 }),
           {1, 3},
           1e-4});
    }
}

// A result, its sum and the sum of its product with another value for each channel, as a batch norm's gradient asks
// for.
Build with_sums(std::string contraction, Attributes attributes, bool keep_dims) {
  return fused("contraction", [=](Builder &b, const Values &x) {
    ValueId y = emit::add(b, b.emit(contraction, {x[0], x[1]}, attributes), x[2]);
    Integers rows;
    for (size_t axis = 0; axis + 1 < b.type(y).rank(); ++axis) rows.push_back(static_cast<int64_t>(axis));
    Attributes axes = {{"axes", rows}, {"keep_dims", keep_dims}};
    ValueId product = emit::multiply(b, y, emit::subtract(b, x[3], x[2]));
    return Values{y, b.emit("reduce_sum", {y}, axes), b.emit("reduce_max", {product}, axes)};
  });
}

TEST(FusedContractions, Sums) {
  Attributes straight = {{"transpose_a", false}, {"transpose_b", false}};
  Attributes turned = {{"transpose_a", false}, {"transpose_b", true}};
  for (int64_t width : {1, 17, 200})
    for (bool keep_dims : {false, true}) {
      Type bias = f32({d(width)}), y = f32({B, d(width)});
      expect_same_as_evaluator({{f32({B, d(13)}), f32({d(13), d(width)}), bias, y},
                                with_sums("matmul", straight, keep_dims),
                                {1, 5, 33, 150},
                                1e-4});
      expect_same_as_evaluator({{f32({B, d(130)}), f32({d(width), d(130)}), bias, y},
                                with_sums("matmul", turned, keep_dims),
                                {1, 33},
                                1e-3});
    }
  for (int64_t taps : {1, 3})
    for (int64_t size : {1, 5, 13})
      for (int64_t channels : {1, 17, 40}) {
        Attributes window = {{"strides", Integers{1, 1}},
                             {"padding", Integers(4, taps / 2)},
                             {"dilation", Integers{1, 1}},
                             {"input_dilation", Integers{1, 1}},
                             {"groups", int64_t{1}}};
        expect_same_as_evaluator({{f32({B, d(size), d(size), d(9)}), f32({d(taps), d(taps), d(9), d(channels)}),
                                   f32({d(channels)}), f32({B, d(size), d(size), d(channels)})},
                                  [&](Builder &b, const Values &x) {
                                    Values operands = x;
                                    operands[0] = b.emit("negative", {x[0]});
                                    return with_sums("conv2d", window, size % 2 == 0)(b, operands);
                                  },
                                  {1, 3, 20},
                                  1e-3,
                                  [&](Function &f) {
                                    f.values[f.ops[0].results[0]].halo = {taps / 2, taps / 2, taps / 2, taps / 2};
                                  }});
      }
}

// Vectors of filters of several groups.
TEST(FusedContractions, SmallGroupsWithSums) {
  struct Groups {
    int64_t count, channels, filters;
  };
  for (Groups groups : {Groups{9, 4, 4}, {7, 1, 2}, {9, 2, 1}}) {
    int64_t channels = groups.count * groups.filters;
    Attributes window = {{"strides", Integers{1, 1}},
                         {"padding", Integers(4, 1)},
                         {"dilation", Integers{1, 1}},
                         {"input_dilation", Integers{1, 1}},
                         {"groups", groups.count}};
    expect_same_as_evaluator(
        {{f32({B, d(5), d(6), d(groups.count * groups.channels)}), f32({d(3), d(3), d(groups.channels), d(channels)}),
          f32({d(channels)}), f32({B, d(5), d(6), d(channels)})},
         with_sums("conv2d", window, false),
         {1, 3, 20},
         1e-4});
  }
}

// Whether a kernel of this case is named like `part`.
bool has_kernel(const Case &test, const std::string &part, const TargetOptions &target) {
  Module module;
  Builder b(&module, "f", Mode::training);
  Values arguments;
  for (const Type &type : test.inputs) arguments.push_back(b.argument("a" + std::to_string(arguments.size()), type));
  Values results = test.build(b, arguments);
  std::vector<std::string> names;
  for (size_t n = 0; n < results.size(); ++n) names.push_back("r" + std::to_string(n));
  module.functions.push_back(b.finish(results, names));
  test.adjust(module.functions[0]);
  place_everything(module);
  Metadata metadata;
  metadata.json = "{}";
  auto ir = generate(module, metadata, target, Emit::llvm_ir);
  return ir && ir->find(part) != std::string::npos;
}

TEST(FusedContractions, Winograd) {
  Attributes window = {{"strides", Integers{1, 1}},
                       {"padding", Integers{1, 1, 1, 1}},
                       {"dilation", Integers{1, 1}},
                       {"groups", int64_t{1}}};
  Attributes forward = window, backward = window;
  forward["input_dilation"] = Integers{1, 1};
  backward["kernel_size"] = Integers{3, 3};
  auto halo = [](Function &f) { f.values[f.ops[0].results[0]].halo = {1, 1, 1, 1}; };
  Type x = f32({B, d(13), d(16), d(32)}), y = f32({B, d(13), d(16), d(40)}), kernel = f32({d(3), d(3), d(32), d(40)});
  Case convolution{{x, kernel, f32({d(40)}), y},
                   [&](Builder &b, const Values &in) {
                     ValueId image = b.emit("negative", {in[0]});
                     auto conv = fused("contraction", [&](Builder &inner, const Values &v) {
                       ValueId sum = emit::add(inner, inner.emit("conv2d", {v[0], v[1]}, forward), v[2]);
                       return Values{emit::relu(inner, emit::add(inner, sum, v[3])), sum};
                     });
                     return conv(b, {image, in[1], in[2], in[3]});
                   },
                   {1, 3},
                   1e-4,
                   halo};
  expect_same_as_evaluator(convolution);
  Case weights{{x, y, kernel},
               [&](Builder &b, const Values &in) {
                 ValueId image = b.emit("negative", {in[0]});
                 auto conv = fused("contraction", [&](Builder &inner, const Values &v) {
                   return Values{emit::add(inner, inner.emit("conv2d_backward_weights", {v[0], v[1]}, backward), v[2])};
                 });
                 return conv(b, {image, in[1], in[2]});
               },
               {1, 18},
               1e-3,  // sums of up to 3744 products
               halo};
  expect_same_as_evaluator(weights);
  for (const Case &test : {convolution, weights}) {
    TargetOptions target = best_target();
    EXPECT_TRUE(has_kernel(test, ".winograd", target));
    target.winograd = false;
    EXPECT_FALSE(has_kernel(test, ".winograd", target));
  }
}

// The gradient of the weights of a 1x1 convolution is a product of matrices.
TEST(FusedContractions, PointwiseGradientOfWeights) {
  Attributes window = {{"strides", Integers{1, 1}},
                       {"padding", Integers{0, 0, 0, 0}},
                       {"dilation", Integers{1, 1}},
                       {"groups", int64_t{1}},
                       {"kernel_size", Integers{1, 1}}};
  Type x = f32({B, d(5), d(7), d(20)}), y = f32({B, d(5), d(7), d(33)}), kernel = f32({d(1), d(1), d(20), d(33)});
  expect_same_as_evaluator(
      {{x, y, kernel},
       [&](Builder &b, const Values &in) {
         auto weights = fused("contraction", [&](Builder &inner, const Values &v) {
           return Values{emit::add(inner, inner.emit("conv2d_backward_weights", {v[0], v[1]}, window), v[2])};
         });
         return weights(b, {in[0], in[1], in[2]});
       },
       {1, 3, 31},
       1e-4});
}

}  // namespace
}  // namespace netc::test
