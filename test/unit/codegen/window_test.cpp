// Pooling among elementwise ops, window by window: every number of channels up to two vectors and one, windows that are
// an image, halos, batches of one; ties and numbers that are none.
#include <gtest/gtest.h>

#include <cmath>

#include "ir/emit.h"
#include "test/unit/codegen/harness.h"

namespace netc::test {
namespace {

using Values = std::vector<ValueId>;
using Integers = std::vector<int64_t>;

constexpr int64_t kChannels[] = {1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 24, 31, 32, 33, 70};

struct Windows {
  int64_t height, width, rows, columns;
  Attributes attributes() const {
    return {{"pool_size", Integers{rows, columns}}, {"strides", Integers{rows, columns}}};
  }
  Attributes gradient() const {
    Attributes list = attributes();
    list["input_size"] = Integers{height * rows, width * columns};
    return list;
  }
  Type image(int64_t channels) const { return {DType::f32, {kBatch, {height * rows}, {width * columns}, {channels}}}; }
  Type pooled(int64_t channels) const { return {DType::f32, {kBatch, {height}, {width}, {channels}}}; }
  Type channel(int64_t channels) const { return {DType::f32, {{channels}}}; }
};

// Runs through the windows while it goes through the numbers of channels: all with all would take long.
template <typename F>
void for_channels(std::initializer_list<Windows> windows, F check) {
  size_t turn = 0;
  for (int64_t channels : kChannels) {
    SCOPED_TRACE(channels);
    check(windows.begin()[turn++ % windows.size()], channels);
  }
}

// Small integers: many elements of a window are equal, zeros above all.
void with_ties(std::vector<Tensor> &x) {
  for (double &number : x[0].data) number = std::round(2 * number);
}

// y = relu(x + c), the gradient of its pooled image at y > 0.
ValueId activation(Builder &b, const Values &x) { return emit::relu(b, emit::add(b, x[0], x[2])); }
ValueId masked_gradient(Builder &b, const Values &x, const Windows &windows, ValueId y) {
  ValueId dy = b.emit("max_pool2d_backward", {x[1], y}, windows.attributes()), zero = b.constant(0);
  return emit::select(b, emit::greater(b, y, zero), dy, zero);
}

TEST(Windows, Map) {
  for_channels({{2, 3, 2, 2}, {1, 1, 2, 2}, {2, 1, 1, 3}, {3, 2, 2, 1}}, [](Windows windows, int64_t channels) {
    auto build = fused("map", [=](Builder &b, const Values &x) {
      ValueId y = activation(b, x);
      ValueId largest = b.emit("max_pool2d", {y}, windows.attributes());
      ValueId mean = b.emit("average_pool2d", {x[0]}, windows.attributes());
      return Values{largest, emit::multiply(b, emit::subtract(b, mean, x[1]), x[2]),
                    emit::multiply(b, masked_gradient(b, x, windows, y), x[0]),
                    emit::add(b, y, b.emit("average_pool2d_backward", {x[1]}, windows.gradient()))};
    });
    expect_same_as_evaluator({{windows.image(channels), windows.pooled(channels), windows.channel(channels)},
                              build,
                              {1, 3},
                              1e-6,
                              nullptr,
                              with_ties});
  });
}

TEST(Windows, Sums) {
  Attributes axes{{"axes", Integers{0, 1, 2}}, {"keep_dims", false}};
  for_channels({{3, 5, 2, 2}, {1, 1, 3, 3}, {2, 2, 1, 2}, {2, 3, 2, 2}}, [=](Windows windows, int64_t channels) {
    auto build = fused("reduce", [=](Builder &b, const Values &x) {
      ValueId dx = masked_gradient(b, x, windows, activation(b, x));
      return Values{b.emit("reduce_sum", {dx}, axes), b.emit("reduce_sum", {emit::multiply(b, dx, x[0])}, axes), dx,
                    b.emit("max_pool2d", {x[0]}, windows.attributes())};
    });
    expect_same_as_evaluator({{windows.image(channels), windows.pooled(channels), windows.channel(channels)},
                              build,
                              {1, 3, 40},
                              1e-4,
                              nullptr,
                              with_ties});
  });
}

TEST(Windows, SumsOfImagesAndOfAll) {
  Windows windows{2, 3, 2, 2};
  for (Integers axes : {Integers{1, 2}, Integers{1, 2, 3}, Integers{0, 1, 2, 3}})
    for (int64_t channels : {1, 17})
      expect_same_as_evaluator({{windows.image(channels), windows.pooled(channels), windows.channel(channels)},
                                fused("reduce",
                                      [=](Builder &b, const Values &x) {
                                        return Values{b.emit("reduce_sum",
                                                             {masked_gradient(b, x, windows, activation(b, x))},
                                                             {{"axes", axes}, {"keep_dims", true}})};
                                      }),
                                {1, 3},
                                1e-4});
}

TEST(Windows, Halos) {
  Windows windows{2, 3, 2, 2};
  auto through = [](Builder &b, ValueId x) { return b.emit("negative", {x}); };
  auto pooling = fused("map", [=](Builder &b, const Values &x) {
    ValueId y = activation(b, x);
    return Values{b.emit("max_pool2d", {y}, windows.attributes()), masked_gradient(b, x, windows, y)};
  });
  expect_same_as_evaluator({{windows.image(10), windows.pooled(10), windows.channel(10)},
                            [=](Builder &b, const Values &x) {
                              Values results = pooling(b, {through(b, x[0]), through(b, x[1]), x[2]});
                              return Values{through(b, results[0]), through(b, results[1])};
                            },
                            {1, 3},
                            1e-6,
                            [](Function &f) {
                              for (size_t op : {0, 1, 2})
                                for (ValueId result : f.ops[op].results) f.values[result].halo = {1, 2, 3, 1};
                            }});
}

TEST(Windows, NumbersThatAreNone) {
  Windows windows{2, 2, 2, 2};
  auto build = fused("map", [=](Builder &b, const Values &x) {
    return Values{b.emit("max_pool2d", {x[0]}, windows.attributes()),
                  b.emit("max_pool2d_backward", {x[1], x[0]}, windows.attributes())};
  });
  expect_same_as_evaluator(
      {{windows.image(9), windows.pooled(9)}, build, {1, 2}, 0, nullptr, [](std::vector<Tensor> &x) {
         x[0].data[9] = NAN;  // the second place of a window
         for (size_t place : {18, 27, 54, 63}) x[0].data[place] = -INFINITY;
       }});
}

TEST(Windows, RoundedActivations) {
  Windows windows{2, 3, 2, 2};
  auto build = fused("map", [=](Builder &b, const Values &x) {
    ValueId y = emit::cast(b, activation(b, x), DType::bf16), dy = emit::cast(b, x[1], DType::bf16);
    return Values{emit::cast(b, b.emit("max_pool2d", {y}, windows.attributes()), DType::f32),
                  emit::cast(b, b.emit("max_pool2d_backward", {dy, y}, windows.attributes()), DType::f32),
                  emit::cast(b, b.emit("average_pool2d", {y}, windows.attributes()), DType::f32)};
  });
  for (int64_t channels : {3, 20, 33})
    expect_same_as_evaluator({{windows.image(channels), windows.pooled(channels), windows.channel(channels)},
                              build,
                              {1, 3},
                              1e-2,
                              nullptr,
                              with_ties});
}

TEST(Windows, DoublesInGradientChecks) {
  Windows windows{2, 2, 2, 2};
  auto f64 = [](Type type) {
    type.dtype = DType::f64;
    return type;
  };
  expect_same_as_evaluator({{f64(windows.image(11)), f64(windows.pooled(11))},
                            fused("map",
                                  [=](Builder &b, const Values &x) {
                                    return Values{b.emit("max_pool2d_backward", {x[1], x[0]}, windows.attributes()),
                                                  b.emit("average_pool2d", {x[0]}, windows.attributes())};
                                  }),
                            {1, 3},
                            1e-14});
}

}  // namespace
}  // namespace netc::test
