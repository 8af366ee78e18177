// The kernels that are measured, as what they compute: the same for netc and for the libraries.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace netc::kernel_bench {

enum class Direction { forward, backward_data, backward_weights };

// A fully connected layer, or (`bias` false) a plain product of matrices: [batch, inputs] x [inputs, outputs].
struct Dense {
  int64_t batch, inputs, outputs;
  bool bias = true;
  bool bf16 = false;  // both operands; the sums and the result are f32, there is no bias
};

// Images are square, padded so that stride 1 keeps their size; channels last for netc.
struct Convolution {
  int64_t images, size, channels, filters, kernel = 3, stride = 1;
  int64_t groups = 1;     // of channels and of filters; as many as channels: depthwise
  bool winograd = false;  // Winograd's algorithm is allowed
  bool bf16 = false;      // as for a dense layer

  int64_t padding() const { return kernel / 2; }
  int64_t result_size() const { return (size + 2 * padding() - kernel) / stride + 1; }
};

// Kernels that compute little for what they read and write.
enum class SweepKind { batch_norm_relu, max_pool, add_relu, adam };
struct Sweep {
  SweepKind kind;
  int64_t images, size, channels;

  int64_t elements() const { return images * size * size * channels; }
};

struct Case {
  std::string kind;  // a line of the targets: "dense forward"
  std::string name;  // of this case; letters, digits and spaces
  std::variant<Dense, Convolution, Sweep> work;
  Direction direction = Direction::forward;
  // Of one call: floating-point operations of the direct algorithm, multiplication and addition counted apart; for a
  // sweep the bytes that must be read and written.
  double amount = 0;
};

std::vector<Case> all_cases();

}  // namespace netc::kernel_bench
