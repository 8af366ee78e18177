// What a user reads when operands do not fit, and the shapes when they do.
#include <gtest/gtest.h>

#include "ir/op.h"
#include "test/unit/ir/op_cases.h"

namespace netc::test {
namespace {

using Integers = std::vector<int64_t>;

struct ShapeCase {
  std::string op;
  std::vector<std::string> operands;
  Attributes attributes;
  std::string outcome;  // the type of the result, or the message
};

std::string outcome_of(const ShapeCase &c) {
  Builder b(nullptr, "f", Mode::inference);
  std::vector<ValueId> operands;
  for (const std::string &text : c.operands) operands.push_back(b.argument("x", type(text)));
  auto results = b.try_emit(c.op, operands, c.attributes);
  return results ? to_string(b.type(results->at(0))) : results.error().message;
}

TEST(ShapeRules, GiveTheTypeOrAMessage) {
  const Attributes pool = {{"pool_size", Integers{2, 2}}, {"strides", Integers{2, 2}}};
  const std::vector<ShapeCase> cases = {
      {"add", {"f32[B, 3]", "f32[3]"}, {}, "f32[B, 3]"},
      {"add", {"f32[B, 3]", "f32[4]"}, {}, "add: the shapes [B, 3] and [4] do not go together: 3 against 4"},
      {"add", {"f32[B]", "f32[7]"}, {}, "add: the shapes [B] and [7] do not go together: B against 7"},
      {"add", {"f32[3]", "i32[3]"}, {}, "add needs operands of one element type, got f32[3] and i32[3]"},
      {"add", {"boolean[3]", "boolean[3]"}, {}, "add needs numbers, got boolean[3]"},
      {"add", {"f32[B]"}, {}, "add takes 2 operands, got 1"},
      {"add", {"f32[B, 1]", "f32[1, B]"}, {}, "add: two sizes of [B, B] depend on the batch"},
      {"exp", {"i32[3]"}, {}, "exp needs floating-point numbers, got i32[3]"},
      {"less", {"i32[B]", "i32[]"}, {}, "boolean[B]"},
      {"logical_not", {"f32[2]"}, {}, "logical_not needs booleans, got f32[2]"},
      {"select", {"f32[2]", "f32[2]", "f32[2]"}, {}, "select needs a boolean condition, got f32[2]"},
      {"cast", {"f32[2]"}, {{"dtype", std::string("f16")}}, "there is no element type \"f16\""},
      {"cast", {"f32[2]"}, {}, "cast needs the attribute \"dtype\""},
      {"cast", {"f32[2]"}, {{"dtype", int64_t{3}}}, "cast: dtype must be a string, got an integer"},
      {"cast", {"f32[2]"}, {{"dtyp", std::string("f32")}}, "cast has no attribute \"dtyp\""},
      {"no_such_op", {}, {}, "there is no op \"no_such_op\""},
      {"reshape", {"f32[B, 7, 64]"}, {{"shape", type("f32[7*B, 64]").shape}}, "f32[7*B, 64]"},
      {"reshape",
       {"f32[B, 8]"},
       {{"shape", type("f32[B, 2, 3]").shape}},
       "reshape: f32[B, 8] has 8*B elements, [B, 2, 3] has 6*B"},
      {"matmul", {"f32[B, 3]", "f32[3, 4]"}, {}, "f32[B, 4]"},
      {"matmul", {"f32[B, 3]", "f32[4, 3]"}, {}, "matmul: f32[B, 3] has 3 columns, but f32[4, 3] has 4 rows"},
      {"matmul",
       {"f32[B, 7, 7, 64]", "f32[64, 128]"},
       {},
       "matmul needs two matrices, got f32[B, 7, 7, 64] and f32[64, 128]"},
      {"conv2d", {"f32[B, 8, 9, 3]", "f32[3, 2, 3, 5]"}, {{"strides", Integers{2, 1}}}, "f32[B, 3, 8, 5]"},
      {"conv2d", {"f32[B, 10]", "f32[3, 3, 1, 8]"}, {}, "conv2d needs an image [B, H, W, C], got f32[B, 10]"},
      {"conv2d",
       {"f32[B, 8, 8, 3]", "f32[3, 3, 4, 8]"},
       {},
       "conv2d: the kernel f32[3, 3, 4, 8] takes 4 channels, the image f32[B, 8, 8, 3] has 3"},
      {"conv2d", {"f32[B, 4, 4, 3]", "f32[5, 3, 3, 8]"}, {}, "conv2d: the window 5 x 3 is larger than the image 4 x 4"},
      {"conv2d",
       {"f32[B, 4, 4, 3]", "f32[3, 3, 3, 8]"},
       {{"groups", int64_t{2}}},
       "conv2d: 3 input channels cannot be cut into 2 groups"},
      {"conv2d",
       {"f32[B, 4, 4, 4]", "f32[3, 3, 2, 7]"},
       {{"groups", int64_t{2}}},
       "conv2d: 7 output channels cannot be cut into 2 groups"},
      {"conv2d",
       {"f32[B, 4, 4, 3]", "f32[3, 3, 3, 8]"},
       {{"strides", Integers{0, 1}}},
       "conv2d: strides must be at least 1, got 0"},
      {"conv2d",
       {"f32[B, 4, 4, 3]", "f32[3, 3, 3, 8]"},
       {{"strides", Integers{1}}},
       "conv2d: strides needs 2 numbers, got 1"},
      {"conv2d_backward_weights",
       {"f32[B, 4, 4, 3]", "f32[B, 3, 2, 8]"},
       {{"kernel_size", Integers{3, 3}}},
       "conv2d_backward_weights: the gradient of the output should be f32[B, 2, 2, 8], got f32[B, 3, 2, 8]"},
      {"max_pool2d", {"f32[B, 5, 4, 3]"}, pool, "f32[B, 2, 2, 3]"},
      {"max_pool2d", {"f32[B, 1, 4, 3]"}, pool, "max_pool2d: the window 2 x 2 is larger than the image 1 x 4"},
      {"max_pool2d", {"f32[B, 9]"}, pool, "max_pool2d needs an image [B, H, W, C], got f32[B, 9]"},
      {"average_pool2d",
       {"f32[B, 4, 4, 3]"},
       {{"pool_size", Integers{2, 2}}, {"strides", Integers{1, 1}}, {"padding", Integers{2, 0, 0, 0}}},
       "average_pool2d: the padding must be smaller than the window 2 x 2"},
      {"max_pool2d_backward",
       {"f32[B, 3, 2, 3]", "f32[B, 4, 4, 3]"},
       pool,
       "max_pool2d_backward: the gradient should be f32[B, 2, 2, 3], got f32[B, 3, 2, 3]"},
      {"reduce_sum", {"f32[B, 3]"}, {{"axes", Integers{2}}}, "reduce_sum: there is no axis 2 in f32[B, 3]"},
      {"reduce_sum", {"f32[B, 3]"}, {{"axes", Integers{1, 1}}}, "reduce_sum: the axis 1 is named twice"},
      {"reduce_max", {"f32[B, 3]"}, {{"axes", Integers{0}}, {"keep_dims", true}}, "f32[1, 3]"},
      {"argmax", {"f32[B, 3]"}, {{"axis", int64_t{1}}}, "i32[B]"},
      {"transpose", {"f32[B, 3]"}, {{"permutation", Integers{1, 0}}}, "f32[3, B]"},
      {"transpose",
       {"f32[B, 3]"},
       {{"permutation", Integers{0}}},
       "transpose: the permutation has 1 axes, f32[B, 3] has 2"},
      {"broadcast_to",
       {"f32[3]"},
       {{"shape", type("f32[B, 4]").shape}},
       "broadcast_to: f32[3] does not stretch to [B, 4]"},
      {"pad",
       {"f32[B, 3]"},
       {{"low", Integers{1, 0}}, {"high", Integers{0, 0}}},
       "pad: the batch axis 0 of f32[B, 3] cannot be padded"},
      {"slice",
       {"f32[B, 3]"},
       {{"begin", Integers{0, 1}}, {"end", Integers{1, 4}}, {"strides", Integers{1, 1}}},
       "slice: 1 to 4 is no part of axis 1 of f32[B, 3]"},
      {"slice",
       {"f32[B, 3]"},
       {{"begin", Integers{0, 1}}, {"end", Integers{2, 3}}, {"strides", Integers{1, 1}}},
       "slice: the batch axis 0 of f32[B, 3] cannot be cut"},
      {"concatenate", {"f32[B, 3]", "f32[B, 5]"}, {{"axis", int64_t{1}}}, "f32[B, 8]"},
      {"concatenate",
       {"f32[B, 3]", "f32[B, 5, 1]"},
       {{"axis", int64_t{1}}},
       "concatenate: f32[B, 3] and f32[B, 5, 1] differ along another axis than 1"},
      {"concatenate", {}, {{"axis", int64_t{1}}}, "concatenate needs at least one value"},
      {"reverse",
       {"f32[B, 3]"},
       {{"axes", Integers{0}}},
       "reverse: the batch axis 0 of f32[B, 3] cannot be turned round"},
      {"gather", {"f32[9, 4]", "i32[B, 2]"}, {}, "f32[B, 2, 4]"},
      {"gather", {"f32[9, 4]", "f32[B, 2]"}, {}, "gather needs integer indices, got f32[B, 2]"},
      {"one_hot", {"f32[B]"}, {{"depth", int64_t{3}}}, "one_hot needs integers, got f32[B]"},
      {"softmax", {"f32[B, 3]"}, {{"axis", int64_t{2}}}, "softmax: there is no axis 2 in f32[B, 3]"},
      {"batch_norm",
       {"f32[B, 3]", "f32[3]", "f32[3]", "f32[4]", "f32[3]"},
       {},
       "batch_norm: mean should be f32[3], got f32[4]"},
      {"flip_kernel", {"f32[3, 2, 4, 5]"}, {}, "f32[3, 2, 5, 4]"},
      {"flip_kernel",
       {"f32[B, 2, 4, 5]"},
       {},
       "flip_kernel needs a kernel [kh, kw, input channels, output channels], got f32[B, 2, 4, 5]"},
      {"pivot", {"f32[B, 4, 3]", "f32[3]"}, {}, "f32[3]"},
      {"pivot", {"f32[B, 3]", "f32[4]"}, {}, "pivot: the guess should be f32[3], got f32[4]"},
      {"dropout", {"f32[B, 3]", "f32[1]"}, {{"stream", int64_t{0}}}, "dropout needs a scalar rate, got f32[1]"},
      {"up_sampling2d",
       {"f32[B, 3]"},
       {{"size", Integers{2, 2}}},
       "up_sampling2d needs an image [B, H, W, C], got f32[B, 3]"},
      {"orthogonal",
       {},
       {{"shape", type("f32[3]").shape}, {"stream", int64_t{0}}},
       "orthogonal needs a shape of at least two sizes, got [3]"},
      {"constant",
       {},
       {{"shape", type("f32[2]").shape}, {"values", std::vector<double>{1, 2, 3}}},
       "constant: [2] needs one value or 2, got 3"},
      {"read", {}, {{"weight", std::string("w")}}, "read cannot stand inside a fused op"},
      {"gradient", {"f32[B]"}, {}, "gradient needs a scalar loss, got f32[B]"},
  };
  for (const ShapeCase &c : cases) EXPECT_EQ(outcome_of(c), c.outcome);
}

TEST(Types, CountElements) {
  EXPECT_EQ(*element_count(type("f32[B, 7, 4]").shape), (Dim{28, true}));
  EXPECT_EQ(*element_count({}), (Dim{1, false}));
  EXPECT_FALSE(element_count({kBatch, kBatch}));
  EXPECT_FALSE(element_count({Dim{int64_t{1} << 40}, Dim{int64_t{1} << 40}}));
  EXPECT_EQ(sizes_at(type("f32[7*B, 3]").shape, 4), (std::vector<int64_t>{28, 3}));
}

TEST(Builder, NamesAreUniqueAndPrintable) {
  Builder b(nullptr, "f", Mode::inference);
  ValueId x = b.argument("image", type("f32[B]")), y = b.argument("image", type("f32[B]")),
          z = b.argument("a b/1", type("f32[B]"));
  ValueId numbered = b.emit("exp", {x}), named = b.emit("exp", {x});
  b.name(named, "0");
  std::vector<std::string> names;
  for (ValueId id : {x, y, z, numbered, named}) names.push_back(b.function().value(id).name);
  EXPECT_EQ(names, (std::vector<std::string>{"image", "image_1", "a_b_1", "0", "0_1"}));
}

TEST(Builder, GrowsLinearly) {
  Builder b(nullptr, "f", Mode::inference);
  ValueId x = b.argument("x", type("f32[B]"));
  for (int i = 0; i < 100000; ++i) {
    x = b.emit("exp", {x});
    b.name(x, "same");
  }
  EXPECT_EQ(b.function().ops.size(), 100000u);
  EXPECT_EQ(b.function().value(x).name, "same_99999");
}

}  // namespace
}  // namespace netc::test
