#include <dnnl.hpp>
#include <optional>
#include <unordered_map>

#include "bench/kernel_bench/contestant.h"
#include "bench/kernel_bench/memory.h"

namespace netc::kernel_bench {
namespace {

using namespace dnnl;
using Tag = memory::format_tag;
using Dims = memory::dims;

// A primitive with written memory for all of its arguments, which lie as the primitive likes.
class Call {
 public:
  explicit Call(const engine &engine) : engine_(engine), stream_(engine) {}

  template <typename Primitive>
  Call &take(const typename Primitive::primitive_desc &description) {
    primitive_ = Primitive(description);
    return give(DNNL_ARG_SCRATCHPAD, description.scratchpad_desc());
  }
  Call &give(int argument, const memory::desc &description) {
    numbers_.push_back(filled(description.get_size() / sizeof(float) + 1));
    arguments_.emplace(argument, memory(description, engine_, numbers_.back().get()));
    return *this;
  }
  Run run() const {
    return [call = *this] {
      call.primitive_.execute(call.stream_, call.arguments_);
      stream(call.stream_).wait();
    };
  }

 private:
  engine engine_;
  stream stream_;
  primitive primitive_;
  std::unordered_map<int, memory> arguments_;
  std::vector<std::shared_ptr<float>> numbers_;
};

primitive_attr attributes() {
  primitive_attr attributes;
  attributes.set_scratchpad_mode(scratchpad_mode::user);
  return attributes;
}

memory::desc of(const Dims &dims, Tag tag = Tag::any, memory::data_type type = memory::data_type::f32) {
  return {dims, type, tag};
}

Run product(const Dense &dense, const engine &engine) {
  matmul::desc description(of({dense.batch, dense.inputs}), of({dense.inputs, dense.outputs}),
                           of({dense.batch, dense.outputs}));
  matmul::primitive_desc made(description, attributes(), engine);
  return Call(engine)
      .take<matmul>(made)
      .give(DNNL_ARG_SRC, made.src_desc())
      .give(DNNL_ARG_WEIGHTS, made.weights_desc())
      .give(DNNL_ARG_DST, made.dst_desc())
      .run();
}

// Operands of a product are of bf16 (if anything is), what it makes is of f32.
class Types {
 public:
  Types(bool bf16, Direction made) : narrow_(bf16 ? memory::data_type::bf16 : memory::data_type::f32), made_(made) {}
  memory::data_type x() const { return of(Direction::backward_data); }
  memory::data_type weights() const { return of(Direction::backward_weights); }
  memory::data_type y() const { return of(Direction::forward); }
  memory::data_type narrow() const { return narrow_; }

 private:
  memory::data_type of(Direction made) const { return made == made_ ? memory::data_type::f32 : narrow_; }

  memory::data_type narrow_;
  Direction made_;
};

Run inner_product(const Dense &dense, Direction direction, const engine &engine) {
  Types types(dense.bf16, direction);
  Dims x_dims{dense.batch, dense.inputs}, w_dims{dense.outputs, dense.inputs}, y_dims{dense.batch, dense.outputs};
  memory::desc x = of(x_dims, Tag::any, types.x()), w = of(w_dims, Tag::any, types.weights());
  memory::desc y = of(y_dims, Tag::any, types.y());
  bool backward = direction != Direction::forward;
  auto mode = backward ? prop_kind::forward_training : prop_kind::forward_inference;
  auto narrow = [&](const Dims &dims) { return of(dims, Tag::any, types.narrow()); };
  inner_product_forward::primitive_desc forward(
      {mode, narrow(x_dims), narrow(w_dims), of({dense.outputs}), backward ? narrow(y_dims) : y}, attributes(), engine);
  if (direction == Direction::forward)
    return Call(engine)
        .take<inner_product_forward>(forward)
        .give(DNNL_ARG_SRC, forward.src_desc())
        .give(DNNL_ARG_WEIGHTS, forward.weights_desc())
        .give(DNNL_ARG_BIAS, forward.bias_desc())
        .give(DNNL_ARG_DST, forward.dst_desc())
        .run();
  if (direction == Direction::backward_data) {
    inner_product_backward_data::primitive_desc made({x, w, y}, attributes(), engine, forward);
    return Call(engine)
        .take<inner_product_backward_data>(made)
        .give(DNNL_ARG_DIFF_SRC, made.diff_src_desc())
        .give(DNNL_ARG_WEIGHTS, made.weights_desc())
        .give(DNNL_ARG_DIFF_DST, made.diff_dst_desc())
        .run();
  }
  inner_product_backward_weights::primitive_desc made({x, w, y}, attributes(), engine, forward);
  return Call(engine)
      .take<inner_product_backward_weights>(made)
      .give(DNNL_ARG_SRC, made.src_desc())
      .give(DNNL_ARG_DIFF_WEIGHTS, made.diff_weights_desc())
      .give(DNNL_ARG_DIFF_DST, made.diff_dst_desc())
      .run();
}

Run convolution(const Convolution &shape, Direction direction, algorithm way, const engine &engine) {
  int64_t groups = shape.groups, edge = shape.padding(), result = shape.result_size();
  Dims kernel{shape.filters / groups, shape.channels / groups, shape.kernel, shape.kernel};
  if (groups > 1) kernel.insert(kernel.begin(), groups);
  Dims strides{shape.stride, shape.stride}, before{edge, edge};
  int64_t end = (result - 1) * shape.stride + shape.kernel - shape.size - edge;
  Dims after{end, end};
  Types types(shape.bf16, direction);
  Dims x_dims{shape.images, shape.channels, shape.size, shape.size},
      y_dims{shape.images, shape.filters, result, result};
  memory::desc x = of(x_dims, Tag::any, types.x()), w = of(kernel, Tag::any, types.weights());
  memory::desc y = of(y_dims, Tag::any, types.y());
  bool backward = direction != Direction::forward;
  auto mode = backward ? prop_kind::forward_training : prop_kind::forward_inference;
  auto narrow = [&](const Dims &dims) { return of(dims, Tag::any, types.narrow()); };
  convolution_forward::primitive_desc forward({mode, way, narrow(x_dims), narrow(kernel), of({shape.filters}),
                                               backward ? narrow(y_dims) : y, strides, before, after},
                                              attributes(), engine);
  if (direction == Direction::forward)
    return Call(engine)
        .take<convolution_forward>(forward)
        .give(DNNL_ARG_SRC, forward.src_desc())
        .give(DNNL_ARG_WEIGHTS, forward.weights_desc())
        .give(DNNL_ARG_BIAS, forward.bias_desc())
        .give(DNNL_ARG_DST, forward.dst_desc())
        .run();
  if (direction == Direction::backward_data) {
    convolution_backward_data::primitive_desc made({way, x, w, y, strides, before, after}, attributes(), engine,
                                                   forward);
    return Call(engine)
        .take<convolution_backward_data>(made)
        .give(DNNL_ARG_DIFF_SRC, made.diff_src_desc())
        .give(DNNL_ARG_WEIGHTS, made.weights_desc())
        .give(DNNL_ARG_DIFF_DST, made.diff_dst_desc())
        .run();
  }
  convolution_backward_weights::primitive_desc made({way, x, w, y, strides, before, after}, attributes(), engine,
                                                    forward);
  return Call(engine)
      .take<convolution_backward_weights>(made)
      .give(DNNL_ARG_SRC, made.src_desc())
      .give(DNNL_ARG_DIFF_WEIGHTS, made.diff_weights_desc())
      .give(DNNL_ARG_DIFF_DST, made.diff_dst_desc())
      .run();
}

Run sweep(const Sweep &shape, Tag tag, const engine &engine) {
  Dims dims{shape.images, shape.channels, shape.size, shape.size};
  memory::desc x = of(dims, tag);
  if (shape.kind == SweepKind::max_pool) {
    memory::desc y = of({shape.images, shape.channels, shape.size / 2, shape.size / 2}, tag);
    pooling_forward::primitive_desc made(
        {prop_kind::forward_inference, algorithm::pooling_max, x, y, {2, 2}, {2, 2}, {0, 0}, {0, 0}}, attributes(),
        engine);
    return Call(engine).take<pooling_forward>(made).give(DNNL_ARG_SRC, x).give(DNNL_ARG_DST, y).run();
  }
  if (shape.kind == SweepKind::add_relu) {
    post_ops after;
    after.append_eltwise(1, algorithm::eltwise_relu, 0, 0);
    primitive_attr with_relu = attributes();
    with_relu.set_post_ops(after);
    binary::primitive_desc made({algorithm::binary_add, x, x, x}, with_relu, engine);
    return Call(engine).take<binary>(made).give(DNNL_ARG_SRC_0, x).give(DNNL_ARG_SRC_1, x).give(DNNL_ARG_DST, x).run();
  }
  if (shape.kind != SweepKind::batch_norm_relu) return {};
  auto flags = normalization_flags::use_scale | normalization_flags::use_shift | normalization_flags::fuse_norm_relu;
  batch_normalization_forward::primitive_desc made({prop_kind::forward_training, x, 1e-3F, flags}, attributes(),
                                                   engine);
  memory::desc channels = of({shape.channels}, Tag::a);
  return Call(engine)
      .take<batch_normalization_forward>(made)
      .give(DNNL_ARG_SRC, x)
      .give(DNNL_ARG_DST, x)
      .give(DNNL_ARG_SCALE, channels)
      .give(DNNL_ARG_SHIFT, channels)
      .give(DNNL_ARG_MEAN, made.mean_desc())
      .give(DNNL_ARG_VARIANCE, made.variance_desc())
      .give(DNNL_ARG_WORKSPACE, made.workspace_desc())
      .run();
}

bool has_avx512() {
  auto isa = static_cast<unsigned>(get_effective_cpu_isa());
  auto needed = static_cast<unsigned>(cpu_isa::avx512_core);
  return (isa & needed) == needed;
}

}  // namespace

Run onednn(const Case &test, int variant) try {
  engine engine(engine::kind::cpu, 0);
  if (const auto *dense = std::get_if<Dense>(&test.work)) {
    if (variant > 0) return {};
    return dense->bias ? inner_product(*dense, test.direction, engine) : product(*dense, engine);
  }
  if (const auto *shape = std::get_if<Convolution>(&test.work)) {
    if (variant > 0 && !shape->winograd) return {};
    algorithm way = variant > 0 ? algorithm::convolution_winograd : algorithm::convolution_direct;
    return convolution(*shape, test.direction, way, engine);
  }
  Tag blocked = has_avx512() ? Tag::nChw16c : Tag::nChw8c;
  return sweep(std::get<Sweep>(test.work), variant > 0 ? blocked : Tag::nhwc, engine);
} catch (const dnnl::error &) {
  return {};  // it has no such kernel for this shape or processor
}

}  // namespace netc::kernel_bench
