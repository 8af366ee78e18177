#include "codegen/contraction/winograd_transform.h"

#include <numbers>

#include "codegen/contraction/tile.h"

namespace netc::contraction {

using llvm::Value;

namespace {

using Line = std::vector<Value *>;

constexpr double kP = std::numbers::sqrt2 / 2, kQ = std::numbers::sqrt2;
constexpr double kP2 = 0.5, kQ2 = 2.0;
// The factors of G for the points +-p and +-q.
constexpr double kOfP = -2.0 / 3, kOfQ = 1.0 / 6;
// The kernel is transformed more seldom than results are: it hands them the products of +-p times p and those of +-q
// times q^2, which saves two of twelve operations.
constexpr double kKernelOfP = kOfP * kP, kKernelOfQ = kOfQ * kQ2;

class LineTransform {
 public:
  LineTransform(KernelEmitter &emitter, WinogradTransform transform, const WinogradAxis &axis)
      : emitter_(emitter), transform_(transform), axis_(axis) {}

  int64_t inputs() const {
    switch (transform_) {
      case WinogradTransform::input:
        return axis_.inputs;
      case WinogradTransform::kernel:
        return kWinogradTaps;
      case WinogradTransform::gradient:
        return axis_.results;
      default:
        return axis_.points;
    }
  }
  int64_t outputs() const {
    switch (transform_) {
      case WinogradTransform::results:
        return axis_.results;
      case WinogradTransform::taps:
        return kWinogradTaps;
      default:
        return axis_.points;
    }
  }
  Line operator()(const Line &line) {
    if (axis_ == kTwoBetweenZeros) return two(line);
    switch (transform_) {
      case WinogradTransform::input:
        return input(line);
      case WinogradTransform::kernel:
        return kernel(line);
      case WinogradTransform::results:
        return results(line);
      case WinogradTransform::gradient:
        return gradient(line);
      case WinogradTransform::taps:
        return taps(line);
    }
    return {};
  }

 private:
  Value *plus(Value *x, Value *y) { return emitter_.ir().CreateFAdd(x, y); }
  Value *minus(Value *x, Value *y) { return emitter_.ir().CreateFSub(x, y); }
  Value *times(double factor, Value *x) {
    return emitter_.ir().CreateFMul(llvm::ConstantFP::get(x->getType(), factor), x);
  }
  // factor * x + y
  Value *add_times(double factor, Value *x, Value *y) {
    return multiply_add(emitter_.ir(), emitter_.target(), llvm::ConstantFP::get(x->getType(), factor), x, y);
  }

  Line two(const Line &x) {
    switch (transform_) {
      case WinogradTransform::input:
      case WinogradTransform::gradient: {
        bool input = transform_ == WinogradTransform::input;
        return {plus(x[0], x[1]), x[input ? 1 : 0], x[input ? 0 : 1]};
      }
      case WinogradTransform::kernel:
        return {x[1], minus(x[2], x[1]), minus(x[0], x[1])};
      case WinogradTransform::results:
        return {plus(x[0], x[1]), plus(x[0], x[2])};
      case WinogradTransform::taps:
        return {x[2], minus(x[0], plus(x[1], x[2])), x[1]};
    }
    return {};
  }

  Line input(const Line &d) {
    Value *even_p = add_times(-kQ2, d[2], d[4]), *odd_p = add_times(-kQ2, d[1], d[3]);
    Value *even_q = add_times(-kP2, d[2], d[4]), *odd_q = add_times(-kP2, d[1], d[3]);
    return {add_times(-kP2 - kQ2, d[2], plus(d[0], d[4])),
            add_times(kP, odd_p, even_p),
            add_times(-kP, odd_p, even_p),
            add_times(kQ, odd_q, even_q),
            add_times(-kQ, odd_q, even_q),
            add_times(-kP2 - kQ2, d[3], plus(d[1], d[5]))};
  }

  Line kernel(const Line &g) {
    Value *even_p = times(kKernelOfP, add_times(kP2, g[2], g[0])), *odd_p = times(kKernelOfP * kP, g[1]);
    Value *even_q = times(kKernelOfQ, add_times(kQ2, g[2], g[0])), *odd_q = times(kKernelOfQ * kQ, g[1]);
    return {g[0], plus(even_p, odd_p), minus(even_p, odd_p), plus(even_q, odd_q), minus(even_q, odd_q), g[2]};
  }

  Line results(const Line &m) {
    Value *even_p = plus(m[1], m[2]), *odd_p = minus(m[1], m[2]);
    Value *even_q = plus(m[3], m[4]), *odd_q = minus(m[3], m[4]);
    return {add_times(kQ, even_p, add_times(kP2, even_q, m[0])), add_times(kP, odd_q, odd_p),
            add_times(kP, even_p, even_q), add_times(kQ, odd_q, add_times(kP2, odd_p, m[5]))};
  }

  Line gradient(const Line &y) {
    Value *even_p = add_times(kP2, y[2], y[0]), *odd_p = add_times(kP2, y[3], y[1]);
    Value *even_q = add_times(kQ2, y[2], y[0]), *odd_q = add_times(kQ2, y[3], y[1]);
    return {y[0],
            add_times(kP, odd_p, even_p),
            add_times(-kP, odd_p, even_p),
            add_times(kQ, odd_q, even_q),
            add_times(-kQ, odd_q, even_q),
            y[3]};
  }

  Line taps(const Line &m) {
    Value *even_p = plus(m[1], m[2]), *odd_p = minus(m[1], m[2]);
    Value *even_q = plus(m[3], m[4]), *odd_q = minus(m[3], m[4]);
    return {add_times(kOfP, even_p, add_times(kOfQ, even_q, m[0])),
            add_times(kOfP * kP, odd_p, times(kOfQ * kQ, odd_q)),
            add_times(kOfP * kP2, even_p, add_times(kOfQ * kQ2, even_q, m[5]))};
  }

  KernelEmitter &emitter_;
  WinogradTransform transform_;
  WinogradAxis axis_;
};

}  // namespace

void emit_transform(KernelEmitter &emitter, WinogradTransform transform, const WinogradAxis &y_axis,
                    const WinogradAxis &x_axis, const std::function<Value *(int64_t, int64_t)> &fetch,
                    const std::function<void(int64_t, int64_t, Value *)> &use) {
  LineTransform down(emitter, transform, y_axis), along(emitter, transform, x_axis);
  std::vector<Line> rows(static_cast<size_t>(down.outputs()));
  for (int64_t x = 0; x < along.inputs(); ++x) {
    Line column;
    for (int64_t y = 0; y < down.inputs(); ++y) column.push_back(fetch(y, x));
    column = down(column);
    for (size_t y = 0; y < rows.size(); ++y) rows[y].push_back(column[y]);
    keep_order(emitter.ir());
  }
  for (size_t y = 0; y < rows.size(); ++y) {
    Line row = along(rows[y]);
    for (size_t x = 0; x < row.size(); ++x) use(static_cast<int64_t>(y), static_cast<int64_t>(x), row[x]);
  }
}

}  // namespace netc::contraction
