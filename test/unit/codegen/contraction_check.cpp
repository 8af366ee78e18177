#include "test/unit/codegen/contraction_check.h"

#include <gtest/gtest.h>

#include <random>

namespace netc::contraction_test {

namespace {

std::vector<Target> targets() {
  std::vector<Target> result;
  for (TargetOptions options : test::runnable_targets()) {
    options.winograd = false;  // which rounds: winograd_test.cpp
    result.push_back(*make_target(options));
  }
  return result;
}

// A value as stored; numbers are small multiples of 1/8, so that no sum is ever rounded and the comparison can be
// exact.
struct Stored {
  std::vector<double> numbers;
  int64_t first;
  std::vector<int64_t> strides;

  double &at(std::initializer_list<int64_t> index) {
    int64_t place = first;
    size_t axis = 0;
    for (int64_t i : index) place += i * strides[axis++];
    return numbers[static_cast<size_t>(place)];
  }
};

Stored make_stored(const ValueLayout &layout, int64_t batch) {
  Stored stored{std::vector<double>(static_cast<size_t>(stored_elements(layout, batch))), first_element(layout),
                strides_of(layout)};
  if (layout.type.shape.size() == 2 && layout.type.shape[1].batch) stored.strides[0] *= batch;
  return stored;
}

template <typename Body>
void for_all(const ValueLayout &layout, int64_t batch, const Body &body) {
  std::vector<int64_t> sizes = sizes_at(layout.type.shape, batch);
  std::vector<int64_t> index(sizes.size(), 0);
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  for (int64_t i = 0; i < count; ++i) {
    body(index);
    for (size_t axis = sizes.size(); axis-- > 0;) {
      if (++index[axis] < sizes[axis]) break;
      index[axis] = 0;
    }
  }
}

double &element(Stored &stored, const std::vector<int64_t> &index) {
  int64_t place = stored.first;
  for (size_t axis = 0; axis < index.size(); ++axis) place += index[axis] * stored.strides[axis];
  return stored.numbers[static_cast<size_t>(place)];
}

int64_t integer(const Contraction &contraction, const char *name, size_t i) {
  return std::get<std::vector<int64_t>>(contraction.attributes.find(name)->second)[i];
}
bool flag(const Contraction &contraction, const char *name) {
  return std::get<bool>(contraction.attributes.find(name)->second);
}

void reference_matmul(const Contraction &contraction, int64_t batch, Stored &a, Stored &b, Stored &result) {
  bool transpose_a = flag(contraction, "transpose_a"), transpose_b = flag(contraction, "transpose_b");
  int64_t steps = contraction.operands[0].type.shape[transpose_a ? 0 : 1].at(batch);
  for_all(contraction.result, batch, [&](const std::vector<int64_t> &i) {
    for (int64_t k = 0; k < steps; ++k)
      element(result, i) +=
          (transpose_a ? a.at({k, i[0]}) : a.at({i[0], k})) * (transpose_b ? b.at({i[1], k}) : b.at({k, i[1]}));
  });
}

// visit(output position, tap position, input position) for all that meet on an axis.
template <typename Visit>
void meet(const Contraction &contraction, size_t axis, int64_t output, int64_t kernel, int64_t input,
          int64_t input_dilation, const Visit &visit) {
  for (int64_t o = 0; o < output; ++o)
    for (int64_t k = 0; k < kernel; ++k) {
      int64_t position = o * integer(contraction, "strides", axis) + k * integer(contraction, "dilation", axis) -
                         integer(contraction, "padding", 2 * axis);
      if (position < 0 || position % input_dilation != 0 || position / input_dilation >= input) continue;
      visit(o, k, position / input_dilation);
    }
}

void reference_convolution(const Contraction &contraction, int64_t batch, Stored &a, Stored &b, Stored &result) {
  bool backward = contraction.op == "conv2d_backward_weights";
  const Shape &x = contraction.operands[0].type.shape;
  const Shape &kernel = (backward ? contraction.result : contraction.operands[1]).type.shape;
  const Shape &y = (backward ? contraction.operands[1] : contraction.result).type.shape;
  int64_t groups = std::get<int64_t>(contraction.attributes.find("groups")->second);
  int64_t dilation[2] = {1, 1};
  for (size_t axis = 0; axis < 2 && !backward; ++axis) dilation[axis] = integer(contraction, "input_dilation", axis);
  int64_t channels = x[3].size / groups, filters = y[3].size / groups;
  meet(contraction, 0, y[1].size, kernel[0].size, x[1].size, dilation[0], [&](int64_t oy, int64_t ky, int64_t iy) {
    meet(contraction, 1, y[2].size, kernel[1].size, x[2].size, dilation[1], [&](int64_t ox, int64_t kx, int64_t ix) {
      for (int64_t image = 0; image < x[0].at(batch); ++image)
        for (int64_t filter = 0; filter < y[3].size; ++filter)
          for (int64_t channel = 0; channel < channels; ++channel) {
            double in = a.at({image, iy, ix, filter / filters * channels + channel});
            if (backward)
              result.at({ky, kx, channel, filter}) += in * b.at({image, oy, ox, filter});
            else
              result.at({image, oy, ox, filter}) += in * b.at({ky, kx, channel, filter});
          }
    });
  });
}

template <typename T>
std::vector<T> converted(const std::vector<double> &numbers) {
  return std::vector<T>(numbers.begin(), numbers.end());
}

// Halos of results are never written: they keep this.
constexpr double kUntouched = 12345;

template <typename T>
void check_as(const Contraction &contraction, int64_t batch, const Target &target) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> eighths(-8, 8);
  Stored a = make_stored(contraction.operands[0], batch), b = make_stored(contraction.operands[1], batch);
  for_all(contraction.operands[0], batch, [&](const auto &i) { element(a, i) = eighths(random) / 8.0; });
  for_all(contraction.operands[1], batch, [&](const auto &i) { element(b, i) = eighths(random) / 8.0; });
  Stored expected = make_stored(contraction.result, batch), untouched = expected;
  for (double &number : untouched.numbers) number = kUntouched;
  if (contraction.op == "matmul")
    reference_matmul(contraction, batch, a, b, expected);
  else
    reference_convolution(contraction, batch, a, b, expected);
  std::vector<double> bias(static_cast<size_t>(contraction.result.type.shape.back().at(batch)));
  for (double &number : bias) number = eighths(random) / 8.0;

  Compiled compiled(contraction, target);
  std::vector<T> a_typed = converted<T>(a.numbers), b_typed = converted<T>(b.numbers), bias_typed = converted<T>(bias);
  for (bool backwards : {false, true}) {
    std::vector<T> result = converted<T>(untouched.numbers);
    compiled.run(a_typed.data(), b_typed.data(), bias_typed.data(), result.data(), batch, backwards);
    Stored actual = expected;
    actual.numbers.assign(result.begin(), result.end());
    int wrong = 0;
    for_all(contraction.result, batch, [&](const std::vector<int64_t> &i) {
      double want = element(expected, i) + bias[static_cast<size_t>(i.back())];
      if (element(actual, i) != want && wrong++ < 3)
        ADD_FAILURE() << "is " << element(actual, i) << " instead of " << want << " at " << ::testing::PrintToString(i);
      element(actual, i) = kUntouched;
    });
    for (double number : actual.numbers) ASSERT_EQ(number, kUntouched) << "wrote outside of the result";
    if (wrong > 0) return;
  }
}

std::string describe(const Contraction &contraction) {
  std::string text = contraction.op;
  for (const ValueLayout &operand : contraction.operands) text += " " + to_string(operand.type);
  for (const auto &[name, value] : contraction.attributes)
    if (auto *list = std::get_if<std::vector<int64_t>>(&value)) text += " " + name + ::testing::PrintToString(*list);
  return text;
}

}  // namespace

const std::vector<Target> &all_targets() {
  static const std::vector<Target> all = targets();
  return all;
}

void check(const Contraction &contraction, int64_t batch) {
  for (const Target &target : all_targets()) {
    SCOPED_TRACE(describe(contraction) + " batch " + std::to_string(batch) + " " + target.cpu);
    if (contraction.result.type.dtype == DType::f64)
      check_as<double>(contraction, batch, target);
    else
      check_as<float>(contraction, batch, target);
  }
}

}  // namespace netc::contraction_test
