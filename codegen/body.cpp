#include "codegen/body.h"

#include <algorithm>
#include <bit>

namespace netc {

Function body_of(const Op &op, const Function &function) {
  Function body;
  body.name = std::string(op.def->name);
  body.mode = function.mode;
  Op copy = op;
  for (ValueId &operand : copy.operands) {
    body.values.push_back({function.type(operand)});
    body.arguments.push_back(static_cast<ValueId>(body.values.size() - 1));
    operand = body.arguments.back();
  }
  for (ValueId &result : copy.results) {
    body.values.push_back({function.type(result)});
    result = static_cast<ValueId>(body.values.size() - 1);
    body.results.push_back(result);
  }
  body.ops.push_back(std::move(copy));
  return body;
}

Shape iteration_shape(const Function &body) {
  Shape shape;
  auto widen = [&](const Type &type) {
    if (Result<Shape> wider = broadcast(shape, type.shape)) shape = *wider;
  };
  if (body.ops.empty()) widen(body.type(body.results[0]));  // a copy
  for (const Op &op : body.ops) {
    if (op.def->op_class == OpClass::reduction) {
      widen(body.type(op.operands[0]));
    } else {
      for (ValueId result : op.results) widen(body.type(result));
    }
  }
  return shape;
}

namespace {

bool needs_logical_index(const Function &body) {
  return std::ranges::any_of(
      body.ops, [](const Op &op) { return op.def->pull != nullptr && op.def->op_class == OpClass::elementwise; });
}

// Strides of a value along the axes of the iteration shape: 0 where it is broadcast. With a window that shape is the
// pooled one, and along an axis of the image a step is one window.
Stream broadcast_stream(const ValueLayout &layout, const Shape &shape, const std::optional<Window> &window) {
  std::vector<Dim> own = strides_of(layout);
  Stream stream{std::vector<Dim>(shape.size(), Dim{0})};
  size_t missing = shape.size() - layout.type.rank();
  for (size_t axis = 0; axis < layout.type.rank(); ++axis) {
    Dim dim = layout.type.shape[axis];
    size_t at = axis + missing;
    if (dim.is_one()) continue;
    if (dim == shape[at]) {
      stream.strides[at] = own[axis];
    } else if (window && dim == window->image[at]) {
      int64_t steps = at == 1 ? window->rows : window->columns;
      stream.strides[at] = {own[axis].size * steps, own[axis].batch};
      (at == 1 ? stream.row : stream.column) = own[axis].size;
    }
  }
  return stream;
}

// Strides of the result of a reduction along the axes of its operand: 0 along the reduced ones.
Stream reduction_stream(const ValueLayout &layout, const Shape &shape, const std::vector<bool> &reduced,
                        bool keep_dims) {
  std::vector<Dim> own = strides_of(layout);
  Stream stream{std::vector<Dim>(shape.size(), Dim{0})};
  size_t position = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (!reduced[axis]) stream.strides[axis] = own[position];
    if (!reduced[axis] || keep_dims) ++position;
  }
  return stream;
}

}  // namespace

IterationSpace make_space(const Function &body, std::span<const ValueLayout> arguments,
                          std::span<const ValueLayout> results, std::span<const int64_t> reduced_axes, bool keep_dims,
                          bool merge_axes) {
  IterationSpace space;
  space.window = find_window(body);
  Shape shape = space.window ? space.window->pooled : iteration_shape(body);
  std::vector<bool> reduced(shape.size(), false);
  for (int64_t axis : reduced_axes) reduced[static_cast<size_t>(axis)] = true;
  std::vector<Stream> streams;
  for (const ValueLayout &layout : arguments) streams.push_back(broadcast_stream(layout, shape, space.window));
  for (size_t n = 0; n < results.size(); ++n) {
    bool reduction = std::ranges::any_of(body.ops, [&](const Op &op) {
      return op.def->op_class == OpClass::reduction && op.results[0] == body.results[n];
    });
    streams.push_back(reduction ? reduction_stream(results[n], shape, reduced, keep_dims)
                                : broadcast_stream(results[n], shape, space.window));
  }
  bool merge = merge_axes && !needs_logical_index(body);
  std::vector<Stream> merged;
  for (const Stream &stream : streams) merged.push_back({{}, stream.row, stream.column});
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (merge && shape[axis].is_one()) continue;
    Dim dim = shape[axis];
    bool joins = merge && !space.axes.empty() && space.reduced.back() == reduced[axis] && !dim.batch;
    if (joins)
      for (size_t s = 0; s < streams.size(); ++s) {
        Dim below = streams[s].strides[axis];
        joins = joins && merged[s].strides.back() == Dim{below.size * dim.size, below.batch};
      }
    if (joins) {
      space.axes.back().size *= dim.size;
      for (size_t s = 0; s < streams.size(); ++s) merged[s].strides.back() = streams[s].strides[axis];
      continue;
    }
    space.axes.push_back(dim);
    space.reduced.push_back(reduced[axis]);
    for (size_t s = 0; s < streams.size(); ++s) merged[s].strides.push_back(streams[s].strides[axis]);
  }
  auto middle = merged.begin() + static_cast<std::ptrdiff_t>(arguments.size());
  space.arguments.assign(merged.begin(), middle);
  space.results.assign(middle, merged.end());
  return space;
}

LaneIndex IterationSpace::offset(LaneBuilder &builder, const Stream &stream, std::span<const LaneIndex> point,
                                 size_t place) const {
  std::vector<Index> index;
  for (const LaneIndex &i : point) index.push_back(builder.make(i));
  LaneIndex offset = builder.offset_of(stream.strides, index);
  if (!window) return offset;
  auto number = static_cast<int64_t>(place);
  offset.constant += number / window->columns * stream.row + number % window->columns * stream.column;
  return offset;
}

BodyEvaluator::BodyEvaluator(const Function &body, const IterationSpace &space, std::span<const Operand> arguments)
    : body_(&body),
      space_(&space),
      arguments_(arguments),
      producers_(body.values.size(), nullptr),
      depends_(body.values.size(), std::vector<bool>(space.axes.size(), false)),
      by_place_(body.values.size(), false),
      known_(body.values.size() * space.places(), nullptr) {
  for (size_t n = 0; n < body.arguments.size(); ++n) {
    if (n >= arguments.size() || arguments[n].number != nullptr) continue;
    const Stream &stream = space.arguments[n];
    for (size_t axis = 0; axis < space.axes.size(); ++axis)
      depends_[body.arguments[n]][axis] = stream.strides[axis].size != 0;
    by_place_[body.arguments[n]] = stream.by_place();
  }
  for (const Op &op : body.ops) {
    bool pools = space.window && op.def->window != nullptr;
    // Iota, random numbers; contractions and reductions, which are no part of this.
    bool by_index = op.def->element == nullptr && !pools;
    std::vector<bool> depends(space.axes.size(), by_index);
    bool by_place = false;
    for (ValueId operand : op.operands) {
      for (size_t axis = 0; axis < space.axes.size(); ++axis) depends[axis] = depends[axis] || depends_[operand][axis];
      by_place = by_place || by_place_[operand];
    }
    for (ValueId result : op.results) {
      producers_[result] = &op;
      depends_[result] = depends;
      by_place_[result] = pools ? body.type(result).shape == space.window->image : by_place;
    }
  }
}

void BodyEvaluator::set(ValueId value, llvm::Value *number) { known(value, 0) = number; }

llvm::Value *&BodyEvaluator::known(ValueId value, size_t place) {
  return known_[value * space_->places() + (by_place_[value] ? place : 0)];
}

llvm::Value *BodyEvaluator::load(LaneBuilder &builder, ValueId value, std::span<const LaneIndex> point,
                                 size_t place) const {
  size_t number = static_cast<size_t>(std::ranges::find(body_->arguments, value) - body_->arguments.begin());
  const Operand &argument = arguments_[number];
  if (argument.number != nullptr) return argument.number;
  LaneIndex offset = space_->offset(builder, space_->arguments[number], point, place);
  return builder.value(builder.load_element(argument.address.base, body_->type(value).dtype, offset));
}

// All places of the window at once.
void BodyEvaluator::pool(LaneBuilder &builder, const Op &op, std::span<const LaneIndex> point) {
  std::vector<std::vector<Scalar>> operands;
  for (ValueId operand : op.operands) {
    const Type &type = body_->type(operand);
    std::vector<Scalar> elements(type.shape == space_->window->image ? space_->places() : 1);
    for (size_t place = 0; place < elements.size(); ++place)
      elements[place] = builder.make(at(builder, operand, point, place), type.dtype);
    operands.push_back(std::move(elements));
  }
  builder.kernel.set_location(op.location);
  std::vector<Scalar> results = op.def->window(builder, op, operands);
  for (size_t place = 0; place < results.size(); ++place) known(op.results[0], place) = builder.value(results[place]);
}

llvm::Value *BodyEvaluator::at(LaneBuilder &builder, ValueId value, std::span<const LaneIndex> point, size_t place) {
  if (llvm::Value *found = known(value, place); found != nullptr) return found;
  const Op *op = producers_[value];
  if (op == nullptr) return known(value, place) = load(builder, value, point, place);
  if (space_->window && op->def->window != nullptr) {
    pool(builder, *op, point);
    return known(value, place);
  }
  std::vector<Scalar> operands;
  builder.frame = {};
  for (ValueId operand : op->operands)
    operands.push_back(builder.make(at(builder, operand, point, place), body_->type(operand).dtype));
  for (ValueId operand : op->operands) builder.frame.operand_types.push_back(body_->type(operand));
  builder.frame.result_types = {body_->type(value)};
  builder.kernel.set_location(op->location);
  Scalar result;
  if (op->def->element == nullptr) {
    // The index in the value's own shape, aligned right with the space (which is not merged then).
    const Shape &own = body_->type(value).shape;
    std::vector<Index> index;
    for (size_t axis = 0; axis < own.size(); ++axis)
      index.push_back(own[axis].is_one() ? builder.index(0) : builder.make(point[axis + point.size() - own.size()]));
    result = op->def->pull(builder, *op, index);
  } else {
    result = op->def->element(builder, *op, operands);
  }
  return known(value, place) = builder.value(result);
}

bool BodyEvaluator::depends_only_on(ValueId value, const std::vector<bool> &bound) const {
  for (size_t axis = 0; axis < bound.size(); ++axis)
    if (depends_[value][axis] && !bound[axis]) return false;
  return true;
}

void BodyEvaluator::hoist(LaneBuilder &builder, std::span<const LaneIndex> point, const std::vector<bool> &bound) {
  for (ValueId argument : body_->arguments)
    if (depends_only_on(argument, bound)) at(builder, argument, point);
  for (const Op &op : body_->ops)
    if ((op.def->op_class == OpClass::elementwise || op.def->op_class == OpClass::state) &&
        depends_only_on(op.results[0], bound))
      at(builder, op.results[0], point);
}

unsigned lanes_for(const Function &body, const Target &target) {
  bool wide =
      std::ranges::any_of(body.values, [](const netc::Value &value) { return byte_size(value.type.dtype) == 8; });
  return std::max(2u, wide ? target.vector_floats / 2 : target.vector_floats);
}

double nanoseconds_per_element(const Function &body, const Target &target) {
  double operations = 0.4 * static_cast<double>(body.arguments.size() + body.results.size());
  for (const Op &op : body.ops) {
    std::string_view name = op.def->name;
    bool costly = name == "exp" || name == "log" || name == "tanh" || name == "sigmoid" || name == "erf" ||
                  name == "power" || name == "random_uniform" || name == "sin" || name == "cos" || name == "erf_inv" ||
                  name == "log1p" || name == "expm1";
    operations += costly ? 20 : 1;
  }
  return operations * 0.35 / target.vector_floats + 0.05;
}

llvm::Value *first_lanes(Kernel &kernel, unsigned lanes, llvm::Value *active) {
  std::vector<llvm::Constant *> numbers;
  for (unsigned lane = 0; lane < lanes; ++lane) numbers.push_back(kernel.ir.getInt32(lane));
  llvm::Value *count = kernel.ir.CreateTrunc(active, kernel.ir.getInt32Ty());
  return kernel.ir.CreateICmpULT(llvm::ConstantVector::get(numbers), kernel.ir.CreateVectorSplat(lanes, count));
}

void for_lanes(Kernel &kernel, unsigned lanes, llvm::Value *begin, llvm::Value *end, std::optional<int64_t> count,
               const std::function<void(LaneBuilder &, LaneIndex)> &emit) {
  llvm::IRBuilder<> &ir = kernel.ir;
  auto piece = [&](unsigned width, llvm::Value *at, int64_t constant, llvm::Value *mask) {
    LaneBuilder builder(kernel, width, mask);
    emit(builder, {at, constant, width > 1 ? 1 : 0, nullptr});
  };
  if (count) {
    int64_t full = *count / lanes * lanes, rest = *count - full;
    if (full > 0)
      kernel.loop(begin, ir.CreateNSWAdd(begin, kernel.i64(full)), lanes,
                  [&](llvm::Value *i) { piece(lanes, i, 0, nullptr); });
    unsigned width = std::bit_ceil(static_cast<unsigned>(rest));
    if (rest > 0 && (kernel.target.masked_memory || width == rest)) {
      piece(width, begin, full, width == rest ? nullptr : first_lanes(kernel, width, kernel.i64(rest)));
    } else {
      for (; rest > 0; rest -= width, full += width) {
        width = std::bit_floor(static_cast<unsigned>(rest));
        piece(width, begin, full, nullptr);
      }
    }
    return;
  }
  llvm::Value *length = ir.CreateNSWSub(end, begin);
  llvm::Value *full_end = ir.CreateNSWAdd(begin, ir.CreateAnd(length, kernel.i64(-static_cast<int64_t>(lanes))));
  kernel.loop(begin, full_end, lanes, [&](llvm::Value *i) { piece(lanes, i, 0, nullptr); });
  if (kernel.target.masked_memory)
    kernel.branch(
        ir.CreateICmpSLT(full_end, end),
        [&] {
          piece(lanes, full_end, 0, first_lanes(kernel, lanes, ir.CreateNSWSub(end, full_end)));
          return Kernel::Values{};
        },
        [] { return Kernel::Values{}; });
  else
    kernel.loop(full_end, end, 1, [&](llvm::Value *i) { piece(1, i, 0, nullptr); });
}

void for_random_blocks(Kernel &kernel, unsigned lanes, int64_t count,
                       const std::function<void(LaneBuilder &, LaneIndex)> &emit) {
  kernel.loop(kernel.i64(0), kernel.i64(count), kRandomBlock, [&](llvm::Value *first) {
    RandomBlock block;
    for (int64_t i = 0; i < kRandomBlock; i += lanes) {
      LaneBuilder builder(kernel, lanes);
      builder.random_block = &block;
      LaneIndex index{first, i, 1, nullptr};
      index.multiple = kRandomBlock;
      emit(builder, index);
    }
  });
}

bool draws_numbers(const Function &body) {
  return std::ranges::any_of(body.ops, [](const Op &op) { return op.def->name == "random_uniform"; });
}

}  // namespace netc
