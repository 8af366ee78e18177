// The transforms of Winograd's convolution F(4x4, 3x3): a tile of 4 x 4 results of a 3 x 3 kernel costs 36
// products instead of 144.
//
// Along one axis, with interpolation points 0, +-p, +-q and infinity, 4 results y of a 3-tap kernel g over 6 inputs d
// are
//
//     y = A^T ((G g) * (B^T d)),    dg = G^T ((A dy) * (B^T d))
//
// the second being the gradient with respect to the kernel. Two axes: each is transformed in turn. p = sqrt(1/2) and
// q = sqrt(2) round less than the usual 1 and 2, and p q = 1 saves a product.
//
// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
#pragma once

#include <functional>
#include <vector>

#include "codegen/kernel_emitter.h"

namespace netc::contraction {

inline constexpr int64_t kWinogradResults = 4;  // of a tile along an axis
inline constexpr int64_t kWinogradTaps = 3;
inline constexpr int64_t kWinogradPoints = 6;  // inputs, and products
inline constexpr int64_t kWinogradPlanes = kWinogradPoints * kWinogradPoints;

enum class WinogradTransform {
  input,     // B^T: 6 inputs to 6 points
  kernel,    // G: 3 taps to 6 points
  results,   // A^T: 6 points to 4 results
  gradient,  // A: 4 gradients of results to 6 points
  taps,      // G^T: 6 points to 3 gradients of taps
};

// Both axes, lane by lane: `fetch(y, x)` gives the elements, `use(y, x, value)` gets the transformed ones, row by row.
void emit_transform(KernelEmitter &emitter, WinogradTransform transform,
                    const std::function<llvm::Value *(int64_t y, int64_t x)> &fetch,
                    const std::function<void(int64_t y, int64_t x, llvm::Value *value)> &use);

}  // namespace netc::contraction
