#include "test/unit/ir/kernel_interpreter.h"

#include <cmath>

#include "ir/ops/erf_inv.h"
#include "ir/ops/evaluate_helpers.h"
#include "ir/philox.h"

namespace netc::test {
namespace {

class Interpreter final : public KernelBuilder {
 public:
  Interpreter(const std::vector<Type> &types, const std::vector<Tensor> &operands, const Type &result_type,
              int64_t batch, uint64_t seed, uint64_t step)
      : types_(types),
        operands_(operands),
        result_type_(result_type),
        batch_(batch),
        seed_(seed),
        step_(step),
        result_(Tensor::zeros(result_type.dtype, sizes_at(result_type.shape, batch))) {}

  DType dtype(Scalar x) override { return scalars_[x.id].dtype; }
  Scalar constant(DType dtype, double value) override { return make(dtype, value); }

  Scalar unary(Unary op, Scalar x) override {
    double v = value(x);
    auto one = [&](double y) { return make(dtype(x), y); };
    switch (op) {
      case Unary::negative:
        return one(-v);
      case Unary::absolute:
        return one(std::abs(v));
      case Unary::sign:
        return one(std::isnan(v) ? v : (v > 0) - (v < 0));
      case Unary::exp:
        return one(std::exp(v));
      case Unary::expm1:
        return one(std::expm1(v));
      case Unary::log:
        return one(std::log(v));
      case Unary::log1p:
        return one(std::log1p(v));
      case Unary::sqrt:
        return one(std::sqrt(v));
      case Unary::rsqrt:
        return one(1 / std::sqrt(v));
      case Unary::reciprocal:
        return one(1 / v);
      case Unary::sin:
        return one(std::sin(v));
      case Unary::cos:
        return one(std::cos(v));
      case Unary::tanh:
        return one(std::tanh(v));
      case Unary::sigmoid:
        return one(1 / (1 + std::exp(-v)));
      case Unary::erf:
        return one(std::erf(v));
      case Unary::erf_inv:
        return one(ops::erf_inv(v));
      case Unary::floor:
        return one(std::floor(v));
      case Unary::ceil:
        return one(std::ceil(v));
      case Unary::round:
        return one(std::nearbyint(v));
      case Unary::is_nan:
        return make(DType::boolean, std::isnan(v));
      case Unary::logical_not:
        return make(DType::boolean, v == 0);
    }
    return {};
  }

  Scalar binary(Binary op, Scalar a, Scalar b) override {
    if (dtype(a) != dtype(b)) violation("binary operands of two element types");
    double x = value(a), y = value(b);
    auto number = [&](double z) { return make(dtype(a), is_integer(dtype(a)) ? std::trunc(z) : z); };
    auto truth = [&](bool z) { return make(DType::boolean, z); };
    switch (op) {
      case Binary::add:
        return number(x + y);
      case Binary::subtract:
        return number(x - y);
      case Binary::multiply:
        return number(x * y);
      case Binary::divide:
        return number(x / y);
      case Binary::power:
        return number(std::pow(x, y));
      case Binary::remainder:
        return number(std::fmod(x, y));
      case Binary::maximum:
        return number(std::isnan(x) || x > y ? x : y);
      case Binary::minimum:
        return number(std::isnan(x) || x < y ? x : y);
      case Binary::equal:
        return truth(x == y);
      case Binary::not_equal:
        return truth(x != y);
      case Binary::less:
        return truth(x < y);
      case Binary::less_equal:
        return truth(x <= y);
      case Binary::greater:
        return truth(x > y);
      case Binary::greater_equal:
        return truth(x >= y);
      case Binary::logical_and:
        return truth(x != 0 && y != 0);
      case Binary::logical_or:
        return truth(x != 0 || y != 0);
    }
    return {};
  }

  Scalar fma(Scalar a, Scalar b, Scalar c) override { return make(dtype(a), std::fma(value(a), value(b), value(c))); }
  Scalar select(Scalar condition, Scalar yes, Scalar no) override {
    if (dtype(condition) != DType::boolean || dtype(yes) != dtype(no)) violation("select of two element types");
    return value(condition) != 0 ? yes : no;
  }
  Scalar cast(Scalar x, DType to) override {
    if (to == DType::bf16) return make(to, rounded(value(x), to));
    return make(to, is_integer(to) ? std::trunc(value(x)) : value(x));
  }
  Scalar random_uniform(uint64_t stream, Index element) override {
    return make(DType::f32, philox_uniform(seed_, stream, step_, static_cast<uint64_t>(affine(element))));
  }

  Index index(int64_t value) override { return make_index(value); }
  Index add(Index a, Index b) override { return make_index(affine(a) + affine(b)); }
  Index scale(Index a, int64_t factor) override { return make_index(affine(a) * factor); }
  Index scale(Index a, Dim factor) override { return make_index(affine(a) * factor.at(batch_)); }
  Index from_scalar(Scalar number) override {
    if (!is_integer(dtype(number))) violation("an index from a number that is no integer");
    Index made = make_index(static_cast<int64_t>(value(number)));
    indices_[made.id].from_number = true;
    return made;
  }
  Scalar number(Index i, DType dtype) override { return make(dtype, static_cast<double>(affine(i))); }
  Scalar extent(Dim dim, DType dtype) override { return make(dtype, static_cast<double>(dim.at(batch_))); }

  Scalar load(size_t operand, std::span<const Index> index) override {
    int64_t offset = place(operands_[operand].sizes, index);
    if (offset < 0) violation("a load out of bounds");
    return make(types_[operand].dtype, offset < 0 ? NAN : operands_[operand].data[offset]);
  }
  Scalar load_or(size_t operand, std::span<const Index> index, Scalar outside) override {
    if (dtype(outside) != types_[operand].dtype) violation("load_or of two element types");
    int64_t offset = place(operands_[operand].sizes, index);
    return offset < 0 ? outside : make(types_[operand].dtype, operands_[operand].data[offset]);
  }
  Type operand_type(size_t operand) override { return types_[operand]; }
  Type result_type(size_t) override { return result_type_; }

  Scalar reduce(Reduction kind, std::span<const Dim> extents,
                const std::function<Scalar(std::span<const Index>)> &body) override {
    double best = kind == Reduction::sum       ? 0
                  : kind == Reduction::product ? 1
                  : kind == Reduction::minimum ? INFINITY
                                               : -INFINITY;
    double winner = 0, position = 0;
    DType type = DType::i32;
    loop(extents, [&](std::span<const Index> index) {
      Scalar x = body(index);
      double v = value(x);
      type = dtype(x);
      if (kind == Reduction::sum) best += v;
      if (kind == Reduction::product) best *= v;
      if (kind == Reduction::minimum) best = std::isnan(best) || best < v ? best : v;
      if (kind == Reduction::maximum) best = std::isnan(best) || best > v ? best : v;
      if (kind == Reduction::argmax && v > best) best = v, winner = position;
      ++position;
    });
    return kind == Reduction::argmax ? make(DType::i32, winner) : make(type, best);
  }
  void for_each(std::span<const Dim> extents, const std::function<void(std::span<const Index>)> &body) override {
    loop(extents, body);
  }
  void accumulate(std::span<const Index> index, Scalar x) override {
    if (dtype(x) != result_type_.dtype) violation("accumulate of two element types");
    int64_t offset = place(result_.sizes, index);
    if (offset >= 0) result_.data[offset] += value(x);
  }

  Tensor run(const Op &op) {
    if (op.def->push) {
      ops::for_each_index(operands_[0].sizes,
                          [&](const std::vector<int64_t> &at) { op.def->push(*this, op, start(at)); });
      return result_;
    }
    size_t i = 0;
    ops::for_each_index(result_.sizes, [&](const std::vector<int64_t> &at) {
      std::vector<Index> index = start(at);
      Scalar y = op.def->pull ? op.def->pull(*this, op, index) : op.def->element(*this, op, elements(at));
      if (dtype(y) != result_type_.dtype) violation("a result of another element type");
      result_.data[i++] = value(y);
    });
    return result_;
  }
  std::vector<std::string> violations() const { return violations_; }

 private:
  struct Number {
    DType dtype;
    double value;
  };
  struct Place {
    int64_t value;
    bool from_number = false;
  };

  Scalar make(DType dtype, double value) {
    scalars_.push_back({dtype, value});
    return {static_cast<uint32_t>(scalars_.size() - 1)};
  }
  double value(Scalar x) const { return scalars_.at(x.id).value; }
  Index make_index(int64_t value) {
    indices_.push_back({value});
    return {static_cast<uint32_t>(indices_.size() - 1)};
  }
  int64_t affine(Index i) {
    if (indices_.at(i.id).from_number) violation("arithmetic on an index made from a number");
    return indices_[i.id].value;
  }
  void violation(std::string text) {
    if (violations_.size() < 3) violations_.push_back(std::move(text));
  }
  // -1 outside.
  int64_t place(const std::vector<int64_t> &sizes, std::span<const Index> index) {
    if (index.size() != sizes.size()) {
      violation("an index of another rank");
      return -1;
    }
    int64_t offset = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      int64_t at = indices_.at(index[i].id).value;
      if (at < 0 || at >= sizes[i]) return -1;
      offset = offset * sizes[i] + at;
    }
    return offset;
  }
  // A fresh index for each element; what the element before made is forgotten.
  std::vector<Index> start(const std::vector<int64_t> &at) {
    scalars_.clear();
    indices_.clear();
    std::vector<Index> index;
    for (int64_t i : at) index.push_back(make_index(i));
    return index;
  }
  std::vector<Scalar> elements(const std::vector<int64_t> &at) {
    std::vector<Scalar> elements;
    for (size_t i = 0; i < operands_.size(); ++i) {
      int64_t offset = ops::offset_of(at, ops::broadcast_strides(operands_[i].sizes, result_.sizes));
      elements.push_back(make(types_[i].dtype, operands_[i].data[offset]));
    }
    return elements;
  }
  template <typename F>
  void loop(std::span<const Dim> extents, const F &body) {
    ops::for_each_index(sizes_at(Shape(extents.begin(), extents.end()), batch_), [&](const std::vector<int64_t> &at) {
      std::vector<Index> index;
      for (int64_t i : at) index.push_back(make_index(i));
      body(index);
    });
  }

  const std::vector<Type> &types_;
  const std::vector<Tensor> &operands_;
  Type result_type_;
  int64_t batch_;
  uint64_t seed_, step_;
  Tensor result_;
  std::vector<Number> scalars_;
  std::vector<Place> indices_;
  std::vector<std::string> violations_;
};

}  // namespace

Interpretation interpret(const Op &op, const std::vector<Type> &operand_types, const std::vector<Tensor> &operands,
                         const Type &result_type, int64_t batch, uint64_t seed, uint64_t step) {
  Interpreter interpreter(operand_types, operands, result_type, batch, seed, step);
  Tensor result = interpreter.run(op);
  return {std::move(result), interpreter.violations()};
}

}  // namespace netc::test
