// The transforms of Winograd's convolutions of 3 x 3 kernels: F(4x4, 3x3), a tile of 4 x 4 results for 36 products
// instead of 144, and one for images of 2 x 2 that costs 9 instead of 36.
//
// Along one axis, with interpolation points 0, +-p, +-q and infinity, 4 results y of a 3-tap kernel g over 6 inputs d
// are
//
//     y = A^T ((G g) * (B^T d)),    dg = G^T ((A dy) * (B^T d))
//
// the second being the gradient with respect to the kernel. Two axes: each is transformed in turn. p = sqrt(1/2) and
// q = sqrt(2) round less than the usual 1 and 2, and p q = 1 saves a product.
//
// Two inputs between zeros are a product of the matrix (g1 g2; g0 g1), for which three products do:
//
//     y0 = g1 (d0 + d1) + (g2 - g1) d1,    y1 = g1 (d0 + d1) + (g0 - g1) d0
//
// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
#pragma once

#include <functional>
#include <vector>

#include "codegen/kernel_emitter.h"

namespace netc::contraction {

inline constexpr int64_t kWinogradTaps = 3;

// The algorithm of one axis.
struct WinogradAxis {
  int64_t results = 4;  // of a tile
  int64_t inputs = 6;
  int64_t points = 6;  // products
  int64_t border = 0;  // inputs before the first and behind the last that are known to be zero and left out

  bool operator==(const WinogradAxis &) const = default;
};
inline constexpr WinogradAxis kFourResults{4, 6, 6, 0};
// Of an axis of two elements with one zero on either side.
inline constexpr WinogradAxis kTwoBetweenZeros{2, 2, 3, 1};

enum class WinogradTransform {
  input,     // B^T: inputs to points
  kernel,    // G: taps to points
  results,   // A^T: points to results
  gradient,  // A: gradients of results to points
  taps,      // G^T: points to gradients of taps
};

// Both axes, lane by lane: `fetch(y, x)` gives the elements, `use(y, x, value)` gets the transformed ones, row by row.
void emit_transform(KernelEmitter &emitter, WinogradTransform transform, const WinogradAxis &y_axis,
                    const WinogradAxis &x_axis, const std::function<llvm::Value *(int64_t y, int64_t x)> &fetch,
                    const std::function<void(int64_t y, int64_t x, llvm::Value *value)> &use);

}  // namespace netc::contraction
