#include "test/unit/passes/network.h"

#include "ir/builder.h"

namespace netc {
namespace {

using Integers = std::vector<int64_t>;

class Network {
 public:
  Network(Module &module, const char *name, Mode mode) : module_(module), b_(&module, name, mode) {}

  void train_step() {
    ValueId image = b_.argument("image", {DType::f32, {kBatch, {28}, {28}, {1}}});
    ValueId target = b_.argument("target", {DType::i32, {kBatch}});
    ValueId logits = forward(image);
    ValueId hot = op("one_hot", {target}, {{"depth", int64_t{10}}});
    ValueId likelihood = op("reduce_sum", {op("multiply", {op("log_softmax", {logits}, {{"axis", int64_t{1}}}), hot})},
                            {{"axes", Integers{1}}, {"keep_dims", false}});
    ValueId loss_sum = op("negative", {op("reduce_sum", {likelihood}, {{"axes", Integers{0}}, {"keep_dims", false}})});
    ValueId loss = op("divide", {loss_sum, op("axis_size", {image}, {{"axes", Integers{0}}})});
    std::vector<ValueId> operands{loss};
    std::vector<std::string> names;
    for (const auto &[weight, value] : trainable_) {
      names.push_back(weight);
      operands.push_back(value);
    }
    std::vector<ValueId> gradients = *b_.try_emit("gradient", operands);
    for (size_t i = 0; i < names.size(); ++i) adam(names[i], operands[i + 1], gradients[i]);
    module_.functions.push_back(b_.finish({loss_sum}, {"loss_sum"}));
  }

  void predict() {
    ValueId image = b_.argument("image", {DType::f32, {kBatch, {28}, {28}, {1}}});
    module_.functions.push_back(
        b_.finish({op("softmax", {forward(image)}, {{"axis", int64_t{1}}})}, {"probabilities"}));
  }

 private:
  ValueId op(std::string_view name, std::vector<ValueId> operands, Attributes attributes = {}) {
    return b_.emit(name, std::move(operands), std::move(attributes));
  }
  ValueId number(double value) { return b_.constant(value); }

  ValueId weight(const std::string &name, Shape shape, bool trainable = true) {
    if (module_.find_weight(name) == nullptr) module_.weights.push_back({name, {DType::f32, shape}, trainable});
    ValueId value = op("read", {}, {{"weight", name}});
    if (trainable) trainable_.emplace_back(name, value);
    return value;
  }

  ValueId batch_norm(ValueId x, const std::string &name) {
    Shape channels{b_.type(x).shape.back()};
    ValueId gamma = weight(name + ".gamma", channels), beta = weight(name + ".beta", channels);
    ValueId mean = weight(name + ".moving_mean", channels, false),
            variance = weight(name + ".moving_variance", channels, false);
    if (b_.mode() == Mode::training) {
      Attributes over{{"axes", Integers{0, 1, 2}}, {"keep_dims", false}};
      ValueId batch_mean = op("reduce_mean", {x}, over);
      ValueId batch_variance =
          op("reduce_mean", {op("square", {op("subtract", {x, op("stop_gradient", {batch_mean})})})}, over);
      moving_average(name + ".moving_mean", mean, batch_mean);
      moving_average(name + ".moving_variance", variance, batch_variance);
      mean = batch_mean;
      variance = batch_variance;
    }
    return op("batch_norm", {x, gamma, beta, mean, variance}, {{"epsilon", 1e-3}});
  }

  void moving_average(const std::string &name, ValueId old, ValueId now) {
    ValueId mixed = op("add", {op("multiply", {old, number(0.99)}), op("multiply", {now, number(0.01)})});
    b_.emit("write", {op("stop_gradient", {mixed})}, {{"weight", name}});
  }

  ValueId forward(ValueId x) {
    for (int64_t layer : {0, 1}) {
      std::string name = "conv2d_" + std::to_string(layer);
      Dim channels = b_.type(x).shape.back();
      ValueId kernel = weight(name + ".kernel", {{3}, {3}, channels, {16 * (layer + 1)}});
      x = op("conv2d", {x, kernel}, {{"strides", Integers{1, 1}}, {"padding", Integers{1, 1, 1, 1}}});
      x = op("relu", {batch_norm(x, "batch_norm_" + std::to_string(layer))});
      x = op("max_pool2d", {x}, {{"pool_size", Integers{2, 2}}, {"strides", Integers{2, 2}}});
    }
    x = op("reshape", {x}, {{"shape", Shape{kBatch, {7 * 7 * 32}}}});
    x = op("dropout", {x, op("runtime_value", {}, {{"name", std::string("param.rate")}})}, {{"stream", int64_t{1}}});
    ValueId kernel = weight("dense.kernel", {{7 * 7 * 32}, {10}}), bias = weight("dense.bias", {{10}});
    return op("add", {op("matmul", {x, kernel}), bias});
  }

  void adam(const std::string &name, ValueId value, ValueId gradient) {
    const Shape shape = b_.type(value).shape;
    for (const char *moment : {"m.", "v."})
      module_.weights.push_back({"adam." + (moment + name), {DType::f32, shape}, false});
    ValueId step = op("add", {op("runtime_value", {}, {{"name", std::string("step")}}), number(1)});
    ValueId rate =
        op("multiply", {number(1e-3), op("runtime_value", {}, {{"name", std::string("learning_rate_scale")}})});
    ValueId correction = op("divide", {op("sqrt", {op("subtract", {number(1), op("power", {number(0.999), step})})}),
                                       op("subtract", {number(1), op("power", {number(0.9), step})})});
    ValueId m = moment("adam.m." + name, gradient, 0.1), v = moment("adam.v." + name, op("square", {gradient}), 0.001);
    ValueId change = op("divide", {op("multiply", {m, op("multiply", {rate, correction})}),
                                   op("add", {op("sqrt", {v}), number(1e-7)})});
    b_.emit("write", {op("subtract", {value, change})}, {{"weight", name}});
  }

  ValueId moment(const std::string &name, ValueId target, double share) {
    ValueId old = op("read", {}, {{"weight", name}});
    ValueId now = op("add", {old, op("multiply", {op("subtract", {target, old}), number(share)})});
    b_.emit("write", {now}, {{"weight", name}});
    return now;
  }

  Module &module_;
  Builder b_;
  std::vector<std::pair<std::string, ValueId>> trainable_;
};

}  // namespace

Module convolutional_network() {
  Module module;
  module.name = "cnn";
  Network(module, "train_step", Mode::training).train_step();
  Network(module, "predict", Mode::inference).predict();
  return module;
}

}  // namespace netc
