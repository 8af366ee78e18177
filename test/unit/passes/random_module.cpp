#include <random>

#include "ir/builder.h"
#include "test/unit/passes/same_meaning.h"

namespace netc {
namespace {

using Integers = std::vector<int64_t>;
const Shape kWide{kBatch, {4}, {4}, {8}};  // an image of enough channels to be pooled in fused kernels

class Generator {
 public:
  Generator(uint64_t seed, Mode mode) : random_(seed), mode_(mode) {
    module_.name = "random";
    add_weight("kernel", {{3}, {3}, {3}, {3}});
    add_weight("stem", {{1}, {1}, {3}, {3}});
    add_weight("matrix", {{3}, {5}});
    add_weight("back", {{5}, {3}});
    for (const char *name : {"gamma", "beta", "mean", "variance"}) add_weight(name, {{3}});
    add_weight("scalar", {});
  }

  Module run() {
    Builder builder(&module_, "f", mode_);
    builder_ = &builder;
    keep(builder.argument("image", {DType::f32, {kBatch, {4}, {4}, {3}}}));
    keep(builder.argument("table", {DType::f32, {kBatch, {3}}}));
    keep(builder.argument("wide", {DType::f32, kWide}));
    for (const Weight &weight : module_.weights) keep(emit("read", {}, {{"weight", weight.name}}));
    keep(emit("runtime_value", {}, {{"name", std::string("learning_rate_scale")}}));
    keep(builder.constant(0.5));
    keep(emit("constant", {}, {{"shape", Shape{{3}}}, {"values", std::vector<double>{0.5, 1.0, 0.25}}}));
    size_t count = 10 + random_() % 30;
    for (size_t i = 0; i < count; ++i) step();
    write_weights();
    std::vector<ValueId> results{values_[random_() % values_.size()], values_.back(), values_[values_.size() / 2]};
    module_.functions.push_back(builder.finish(results, {"a", "b", "c"}));
    return module_;
  }

 private:
  void add_weight(const char *name, Shape shape) { module_.weights.push_back({name, {DType::f32, std::move(shape)}}); }
  void keep(ValueId value) { values_.push_back(value); }
  ValueId emit(std::string_view op, std::vector<ValueId> operands, Attributes attributes = {}) {
    return builder_->emit(op, std::move(operands), std::move(attributes));
  }
  const Shape &shape(ValueId value) const { return builder_->type(value).shape; }
  ValueId any() { return values_[random_() % values_.size()]; }
  // A value with as many axes, the newest more often; kNoValue when there is none.
  ValueId any_of_rank(size_t rank) {
    for (int attempt = 0; attempt < 20; ++attempt) {
      ValueId value =
          attempt < 3 ? values_[values_.size() - 1 - random_() % std::min<size_t>(values_.size(), 6)] : any();
      if (shape(value).size() == rank) return value;
    }
    return kNoValue;
  }
  ValueId weight(const char *name) { return emit("read", {}, {{"weight", std::string(name)}}); }

  void step() {
    switch (random_() % 13) {
      case 0:
      case 1:
        return unary();
      case 2:
      case 3:
      case 4:
        return binary();
      case 5:
        return choose();
      case 6:
        return reduce();
      case 7:
        return convolve();
      case 8:
        return multiply_matrices();
      case 9:
        return view();
      case 10:
        return compose();
      case 11:
        return pool();
      default:
        return move();
    }
  }

  void unary() {
    static const char *const kOps[] = {"tanh", "relu", "negative", "square", "sigmoid", "abs", "stop_gradient", "cos"};
    keep(emit(kOps[random_() % std::size(kOps)], {any()}));
  }
  void binary() {
    static const char *const kOps[] = {"add", "subtract", "multiply", "maximum", "minimum"};
    ValueId a = any(), b = any();
    if (broadcast(shape(a), shape(b))) keep(emit(kOps[random_() % std::size(kOps)], {a, b}));
  }
  void choose() {
    ValueId a = any(), b = any();
    if (!broadcast(shape(a), shape(b))) return;
    keep(emit("select", {emit("less", {a, b}), a, b}));
  }
  void reduce() {
    ValueId x = any();
    Integers axes;
    for (size_t axis = 0; axis < shape(x).size(); ++axis)
      if (random_() % 2) axes.push_back(static_cast<int64_t>(axis));
    static const char *const kOps[] = {"reduce_sum", "reduce_max", "reduce_mean"};
    if (!axes.empty()) keep(emit(kOps[random_() % 3], {x}, {{"axes", axes}, {"keep_dims", random_() % 2 == 0}}));
  }
  void convolve() {
    ValueId x = any_of_rank(4);
    if (x == kNoValue || shape(x) != Shape{kBatch, {4}, {4}, {3}}) return;
    auto convolution = [&](ValueId image, const char *kernel, Integers padding) {
      keep(emit("conv2d", {image, weight(kernel)}, {{"strides", Integers{1, 1}}, {"padding", std::move(padding)}}));
    };
    switch (random_() % 4) {
      case 0:
        return convolution(x, "stem", {0, 0, 0, 0});
      case 1: {
        double value = random_() % 4 == 0 ? 1 : 0;
        Integers low{0, 1, 0, 0}, high{0, 0, 2, 0};
        ValueId padded = emit("pad", {x}, {{"low", low}, {"high", high}, {"value", value}});
        return convolution(padded, "kernel", {0, 1, 0, 0});
      }
      default:
        return convolution(x, "kernel", {1, 1, 1, 1});
    }
  }
  // Of images of one shape mostly the same windows, and gradients where there is something of their shape.
  void pool() {
    ValueId x = any_of_rank(4);
    if (x == kNoValue || !shape(x)[0].batch || shape(x)[1] != Dim{4} || shape(x)[2] != Dim{4}) return;
    Integers size{2, random_() % 8 == 0 ? 4 : 2};
    Attributes window{{"pool_size", size}, {"strides", size}};
    ValueId pooled = emit(random_() % 2 ? "max_pool2d" : "average_pool2d", {x}, window);
    keep(pooled);
    ValueId dy = any_of_rank(4);
    if (dy == kNoValue || shape(dy) != shape(pooled)) dy = pooled;
    keep(emit("max_pool2d_backward", {dy, x}, window));
    window["input_size"] = Integers{4, 4};
    if (random_() % 2) keep(emit("average_pool2d_backward", {dy}, window));
  }
  void multiply_matrices() {
    ValueId x = any_of_rank(2);
    if (x == kNoValue || !shape(x)[0].batch) return;
    const char *matrix = shape(x)[1] == Dim{3} ? "matrix" : shape(x)[1] == Dim{5} ? "back" : nullptr;
    if (matrix != nullptr) keep(emit("matmul", {x, weight(matrix)}));
  }
  void view() {
    ValueId x = any();
    Shape flat;
    for (const Dim &dim : shape(x)) {
      bool joins = !flat.empty() && !flat.back().batch && !dim.batch;
      if (joins)
        flat.back().size *= dim.size;
      else
        flat.push_back(dim);
    }
    if (random_() % 2) flat.push_back({1});
    keep(emit("reshape", {x}, {{"shape", flat}}));
  }
  void compose() {
    ValueId x = any_of_rank(random_() % 2 ? 4 : 2);
    if (x == kNoValue || shape(x).back() != Dim{3}) return;
    switch (random_() % 5) {
      case 0:
        return keep(emit("softmax", {x}, {{"axis", static_cast<int64_t>(shape(x).size()) - 1}}));
      case 1:
        return keep(emit("batch_norm", {x, weight("gamma"), weight("beta"), weight("mean"), weight("variance")},
                         {{"epsilon", 1e-3}}));
      case 2: {  // a mean, whatever the pivot
        ValueId pivot = emit("pivot", {x, weight("mean")});
        ValueId mean =
            emit("reduce_mean", {emit("subtract", {x, pivot})}, {{"axes", Integers{0}}, {"keep_dims", true}});
        return keep(emit("add", {mean, pivot}));
      }
      case 3:
        return keep(emit("dropout", {x, builder_->constant(0.25)}, {{"stream", static_cast<int64_t>(random_() % 3)}}));
      default: {
        ValueId noise = emit("random_uniform", {}, {{"shape", shape(x)}, {"stream", static_cast<int64_t>(5)}});
        return keep(emit("add", {x, noise}));
      }
    }
  }
  void move() {
    ValueId x = any();
    if (shape(x).size() == 4 && random_() % 2)
      return keep(emit("transpose", {x}, {{"permutation", Integers{0, 2, 1, 3}}}));
    if (shape(x) == Shape{{3}} && random_() % 2)
      return keep(emit("broadcast_to", {x}, {{"shape", Shape{kBatch, {4}, {4}, {3}}}}));
    if (shape(x) == Shape{kBatch, {4}, {4}, {3}}) keep(emit("reverse", {x}, {{"axes", Integers{1, 2}}}));
  }
  void write_weights() {
    for (const Weight &weight : module_.weights) {
      if (random_() % 2) continue;
      std::vector<ValueId> fitting;
      for (ValueId value : values_)
        if (builder_->type(value) == weight.type) fitting.push_back(value);
      ValueId value = fitting[random_() % fitting.size()];
      if (random_() % 3)
        value =
            emit("subtract", {this->weight(weight.name.c_str()), emit("multiply", {value, builder_->constant(0.1)})});
      builder_->emit("write", {value}, {{"weight", weight.name}});
    }
  }

  std::mt19937_64 random_;
  Mode mode_;
  Module module_;
  Builder *builder_ = nullptr;
  std::vector<ValueId> values_;
};

}  // namespace

Module random_module(uint64_t seed, Mode mode) { return Generator(seed, mode).run(); }

}  // namespace netc
