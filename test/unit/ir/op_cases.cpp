#include "test/unit/ir/op_cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "ir/text_reader.h"

namespace netc::test {
namespace {

using Integers = std::vector<int64_t>;
using Cases = std::vector<OpCase>;

CaseOperand f64(std::string_view shape, double low = -2, double high = 2) {
  return {type("f64" + std::string(shape)), low, high};
}
CaseOperand fixed(CaseOperand operand) {
  operand.differentiable = false;
  return operand;
}
CaseOperand i32(std::string_view shape, double low, double high) {
  return fixed({type("i32" + std::string(shape)), low, high});
}
CaseOperand boolean(std::string_view shape) { return fixed({type("boolean" + std::string(shape)), 0, 1}); }

void add_elementwise(Cases &cases) {
  for (std::string op : {"negative", "abs", "sign", "exp", "expm1", "square", "sin", "cos", "tanh", "sigmoid", "relu",
                         "erf", "floor", "ceil", "round", "is_nan", "stop_gradient"})
    cases.push_back({op, {f64("[B, 3]")}, {}});
  for (std::string op : {"log", "sqrt", "rsqrt", "reciprocal"}) cases.push_back({op, {f64("[5]", 0.3, 3)}, {}});
  cases.push_back({"log1p", {f64("[2, B]", -0.7, 2)}, {}});
  cases.push_back({"erf_inv", {f64("[7]", -0.95, 0.95)}, {}});
  for (std::string op : {"add", "subtract", "multiply", "maximum", "minimum", "equal", "not_equal", "less",
                         "less_equal", "greater", "greater_equal"}) {
    cases.push_back({op, {f64("[B, 3]"), f64("[B, 3]", -2.1, 2)}, {}});
    cases.push_back({op, {f64("[B, 1, 3]"), f64("[2, 1]")}, {}});
    cases.push_back({op, {f64("[]"), f64("[4]")}, {}});
  }
  cases.push_back({"divide", {f64("[B, 3]"), f64("[3]", 0.5, 2)}, {}});
  cases.push_back({"divide", {i32("[9]", -9, 9), i32("[9]", 1, 4)}, {}});
  cases.push_back({"power", {f64("[B, 3]", 0.5, 2), f64("[B, 1]")}, {}});
  cases.push_back({"remainder", {f64("[11]", -7, 7), f64("[11]", 1, 3)}, {}});
  cases.push_back({"remainder", {f64("[11]", -7, 7), f64("[11]", -3, -1)}, {}});
  cases.push_back({"remainder", {i32("[11]", -7, 7), i32("[11]", -3, -1)}, {}});
  cases.push_back({"logical_and", {boolean("[8]"), boolean("[8]")}, {}});
  cases.push_back({"logical_or", {boolean("[8]"), boolean("[8]")}, {}});
  cases.push_back({"logical_not", {boolean("[8]")}, {}});
  cases.push_back({"select", {boolean("[B, 3]"), f64("[3]"), f64("[B, 1]")}, {}});
  cases.push_back({"select", {boolean("[1]"), f64("[B, 3]"), f64("[]")}, {}});
  cases.push_back({"cast", {fixed(f64("[B, 3]"))}, {{"dtype", std::string("i32")}}});
  cases.push_back({"cast", {f64("[B, 3]")}, {{"dtype", std::string("f32")}}});
  cases.push_back({"cast", {i32("[B, 3]", -1, 1)}, {{"dtype", std::string("boolean")}}});
  cases.push_back({"cast", {boolean("[5]")}, {{"dtype", std::string("f64")}}});
  cases.push_back({"broadcast_to", {f64("[3, 1]")}, {{"shape", type("f64[B, 3, 4]").shape}}});
  cases.push_back({"broadcast_to", {f64("[]")}, {{"shape", type("f64[2*B, 3]").shape}}});
}

void add_shapes(Cases &cases) {
  cases.push_back(
      {"iota", {}, {{"shape", type("f64[3, B]").shape}, {"axis", int64_t{1}}, {"dtype", std::string("i32")}}});
  cases.push_back({"axis_size", {fixed(f64("[B, 3, 5]"))}, {{"axes", Integers{0, 2}}}, 3});
  cases.push_back({"reshape", {f64("[B, 7, 4]")}, {{"shape", type("f64[7*B, 4]").shape}}});
  cases.push_back({"reshape", {f64("[B, 2, 2, 3]")}, {{"shape", type("f64[B, 12]").shape}}});
  cases.push_back({"reshape", {f64("[]")}, {{"shape", type("f64[1, 1]").shape}}});
  cases.push_back({"transpose", {f64("[B, 3, 2, 5]")}, {{"permutation", Integers{2, 0, 3, 1}}}});
  cases.push_back(
      {"pad", {f64("[B, 3, 2]")}, {{"low", Integers{0, 2, 0}}, {"high", Integers{0, 1, 3}}, {"value", 1.5}}});
  cases.push_back({"slice",
                   {f64("[B, 7, 5]")},
                   {{"begin", Integers{0, 1, 0}}, {"end", Integers{1, 7, 4}}, {"strides", Integers{1, 2, 3}}}});
  cases.push_back({"slice", {f64("[6]")}, {{"begin", Integers{2}}, {"end", Integers{5}}, {"strides", Integers{1}}}});
  cases.push_back({"concatenate", {f64("[B, 2, 3]"), f64("[B, 1, 3]"), f64("[B, 3, 3]")}, {{"axis", int64_t{1}}}});
  cases.push_back({"concatenate", {i32("[4]", -5, 5)}, {{"axis", int64_t{0}}}});
  cases.push_back({"reverse", {f64("[B, 3, 2]")}, {{"axes", Integers{2, 1}}}});
  cases.push_back({"flip_kernel", {f64("[3, 2, 4, 5]")}});
  cases.push_back({"gather", {f64("[5, 3]"), i32("[B, 2]", 0, 4)}, {}});
  cases.push_back({"gather", {i32("[5]", 0, 9), i32("[7]", -3, 8)}, {}});
  cases.push_back({"scatter_add", {f64("[B, 2, 3]"), i32("[B, 2]", 0, 3)}, {{"size", int64_t{4}}}, 4});
  cases.push_back({"scatter_add", {i32("[9]", 1, 5), i32("[9]", -2, 5)}, {{"size", int64_t{4}}}});
  cases.push_back({"one_hot", {i32("[B, 3]", -1, 4)}, {{"depth", int64_t{4}}}});
  cases.push_back({"up_sampling2d", {f64("[B, 2, 3, 3]")}, {{"size", Integers{2, 3}}}});
}

void add_reductions(Cases &cases) {
  for (std::string op : {"reduce_sum", "reduce_max", "reduce_min", "reduce_mean"}) {
    cases.push_back({op, {f64("[B, 3, 4]")}, {{"axes", Integers{1}}}});
    cases.push_back({op, {f64("[B, 3, 4]")}, {{"axes", Integers{2, 0}}, {"keep_dims", true}}, 3});
    cases.push_back({op, {f64("[5]")}, {{"axes", Integers{0}}}});
    cases.push_back({op, {f64("[B, 2]")}, {{"axes", Integers{}}}});
  }
  cases.push_back({"argmax", {fixed(f64("[B, 5, 3]"))}, {{"axis", int64_t{1}}}});
  cases.push_back({"argmax", {i32("[9]", 0, 2)}, {{"axis", int64_t{0}}}});
}

void add_matmul(Cases &cases) {
  for (bool ta : {false, true})
    for (bool tb : {false, true})
      cases.push_back({"matmul",
                       {f64(ta ? "[3, B]" : "[B, 3]"), f64(tb ? "[5, 3]" : "[3, 5]")},
                       {{"transpose_a", ta}, {"transpose_b", tb}}});
  cases.push_back({"matmul", {f64("[B, 3]"), f64("[B, 2]")}, {{"transpose_a", true}}, 4});
}

struct Convolution {
  Integers strides = {1, 1}, padding = {0, 0, 0, 0}, dilation = {1, 1}, input_dilation = {1, 1};
  int64_t groups = 1;
  Attributes attributes() const {
    return {{"strides", strides},
            {"padding", padding},
            {"dilation", dilation},
            {"input_dilation", input_dilation},
            {"groups", groups}};
  }
};

void add_convolutions(Cases &cases) {
  auto add = [&](std::string_view image, std::string_view kernel, Convolution c, int64_t batch = 2) {
    cases.push_back({"conv2d", {f64(image), f64(kernel)}, c.attributes(), batch});
  };
  add("[B, 5, 4, 3]", "[3, 3, 3, 5]", {.padding = {1, 1, 1, 1}});
  add("[B, 4, 5, 1]", "[2, 3, 1, 2]", {}, 1);
  add("[B, 6, 5, 2]", "[3, 2, 2, 3]", {.strides = {2, 3}, .padding = {1, 0, 0, 2}});
  add("[B, 7, 6, 1]", "[2, 3, 1, 1]", {.padding = {2, 1, 0, 3}, .dilation = {3, 2}});
  add("[B, 6, 6, 2]", "[2, 2, 2, 1]", {.strides = {2, 2}, .dilation = {2, 3}});
  add("[B, 4, 4, 6]", "[3, 3, 2, 3]", {.padding = {1, 1, 1, 1}, .groups = 3});
  add("[B, 4, 4, 3]", "[3, 3, 1, 6]", {.strides = {2, 1}, .padding = {0, 1, 1, 1}, .groups = 3});
  add("[B, 6, 6, 2]", "[3, 3, 2, 1]", {.padding = {-1, 0, 1, -2}});
  add("[B, 3, 2, 2]", "[3, 3, 2, 3]", {.padding = {2, 1, 2, 2}, .input_dilation = {2, 3}});
  add("[B, 3, 3, 4]", "[2, 3, 2, 4]", {.padding = {1, 1, 2, 2}, .input_dilation = {2, 2}, .groups = 2});
  add("[B, 4, 3, 1]", "[3, 2, 1, 2]",
      {.strides = {3, 2}, .padding = {1, 0, 1, 1}, .dilation = {1, 2}, .input_dilation = {2, 3}});
  add("[2, 3, 3, 2]", "[1, 1, 2, 2]", {.strides = {2, 2}});

  cases.push_back({"conv2d_backward_weights",
                   {f64("[B, 6, 5, 4]"), f64("[B, 3, 2, 6]")},
                   {{"kernel_size", Integers{3, 2}},
                    {"strides", Integers{2, 3}},
                    {"padding", Integers{1, 0, 0, 2}},
                    {"groups", int64_t{2}}}});
}

void add_pools(Cases &cases) {
  struct Pool {
    std::string image, pooled;
    Integers size, strides, padding;
  };
  std::vector<Pool> pools = {{"[B, 4, 4, 3]", "[B, 2, 2, 3]", {2, 2}, {2, 2}, {0, 0, 0, 0}},
                             {"[B, 5, 6, 1]", "[B, 3, 3, 1]", {3, 2}, {2, 2}, {1, 1, 0, 0}},
                             {"[B, 5, 5, 2]", "[B, 5, 5, 2]", {3, 3}, {1, 1}, {1, 1, 1, 1}},
                             {"[B, 7, 4, 1]", "[B, 2, 2, 1]", {2, 3}, {4, 2}, {0, 0, 2, 0}}};
  for (const Pool &pool : pools) {
    Attributes attributes = {{"pool_size", pool.size}, {"strides", pool.strides}, {"padding", pool.padding}};
    Shape image = f64(pool.image).type.shape;
    cases.push_back({"max_pool2d", {f64(pool.image)}, attributes});
    cases.push_back({"average_pool2d", {f64(pool.image)}, attributes});
    cases.push_back({"max_pool2d_backward", {fixed(f64(pool.pooled)), fixed(f64(pool.image))}, attributes});
    attributes["input_size"] = Integers{image[1].size, image[2].size};
    cases.push_back({"average_pool2d_backward", {f64(pool.pooled)}, attributes});
  }
}

void add_composites(Cases &cases) {
  for (std::string op : {"softmax", "log_softmax"}) {
    cases.push_back({op, {f64("[B, 5]", -4, 4)}, {{"axis", int64_t{1}}}});
    cases.push_back({op, {f64("[B, 3, 2]")}, {{"axis", int64_t{1}}}});
  }
  cases.push_back(
      {"batch_norm", {f64("[B, 2, 3]"), f64("[3]"), f64("[3]"), f64("[3]"), f64("[3]", 0.2, 2)}, {{"epsilon", 0.01}}});
  cases.push_back({"pivot", {fixed(f64("[B, 2, 3]")), fixed(f64("[3]"))}});
  cases.push_back({"dropout", {f64("[B, 20]"), fixed(f64("[]", 0.3, 0.5))}, {{"stream", int64_t{3}}}});
  cases.push_back({"dropout",
                   {f64("[B, 4, 20]"), fixed(f64("[]", 0.3, 0.5))},
                   {{"stream", int64_t{4}}, {"noise_shape", type("f64[B, 1, 20]").shape}}});
  for (std::string op : {"random_uniform", "random_normal", "truncated_normal"})
    cases.push_back({op, {}, {{"shape", type("f64[3, B, 40]").shape}, {"stream", int64_t{7}}}});
}

}  // namespace

Type type(std::string_view text) {
  TextReader reader(text);
  Type result;
  if (!reader.type(result) || !reader.at_end()) ADD_FAILURE() << "no type: " << text;
  return result;
}

std::vector<OpCase> op_cases() {
  Cases cases;
  add_elementwise(cases);
  add_shapes(cases);
  add_reductions(cases);
  add_matmul(cases);
  add_convolutions(cases);
  add_pools(cases);
  add_composites(cases);
  return cases;
}

std::ostream &operator<<(std::ostream &out, const OpCase &c) {
  out << c.op << "(";
  for (size_t i = 0; i < c.operands.size(); ++i) out << (i ? ", " : "") << to_string(c.operands[i].type);
  return out << ")";
}

Function function_of(const OpCase &c, Mode mode) {
  Builder builder(nullptr, "f", mode);
  std::vector<ValueId> operands;
  for (const CaseOperand &operand : c.operands) operands.push_back(builder.argument("x", operand.type));
  auto results = builder.try_emit(c.op, operands, c.attributes);
  if (!results) {
    ADD_FAILURE() << c << ": " << results.error().message;
    return builder.finish({}, {});
  }
  return builder.finish(*results, {});
}

std::vector<Tensor> inputs_of(const OpCase &c) {
  std::mt19937 generator(static_cast<unsigned>(std::hash<std::string>{}(c.op)));
  std::vector<Tensor> inputs;
  for (const CaseOperand &operand : c.operands) {
    Tensor x = Tensor::zeros(operand.type.dtype, sizes_at(operand.type.shape, c.batch));
    auto count = static_cast<double>(x.data.size());
    std::uniform_int_distribution<int> integer(static_cast<int>(operand.low), static_cast<int>(operand.high));
    // Floats are spread evenly over the range, then shuffled; the offset keeps them away from integers and zero.
    for (size_t i = 0; i < x.data.size(); ++i) {
      double share = (static_cast<double>(i) + 0.43) / count;
      x.data[i] = is_float(x.dtype) ? operand.low + (operand.high - operand.low) * share : integer(generator);
    }
    std::shuffle(x.data.begin(), x.data.end(), generator);
    inputs.push_back(std::move(x));
  }
  return inputs;
}

Environment environment_of(const OpCase &c) {
  Environment environment;
  environment.batch = c.batch;
  environment.seed = 42;
  environment.step = 3;
  return environment;
}

std::vector<Tensor> run(const Function &function, const std::vector<Tensor> &inputs, Environment environment) {
  auto results = evaluate(Module{}, function, inputs, environment);
  if (results) return *results;
  ADD_FAILURE() << results.error().message;
  return {};
}

}  // namespace netc::test
