// Looking into a generated function while it runs: outputs of steps, gradients of weights.
//
// Why not functions that return them: the code is what training and prediction run anyway, so it costs no space, and
// what is seen is what happens. Values lie in the workspace until something else is put over them; each is looked at
// before the first kernel of a later op (docs/metadata.md, "observed"). What fusion has left in registers is not seen.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "runtime/train/program.h"

namespace netc::runtime {

struct Observed {
  enum class Space { fixed, batch, output };
  std::string name;       // of the step, or of the weight whose gradient it is
  bool gradient = false;  // of the loss as the optimizer gets it, before clipping
  int64_t op = 0;
  Space space = Space::fixed;
  int64_t offset = 0;
  std::string dtype;
  std::vector<int64_t> shape;        // as stored; of the output of a step the first axis is the factor of B
  std::array<int64_t, 4> halo = {};  // rows above and below, columns left and right of an image
};

// What can be looked at in a function, in the order in which it is there.
std::vector<Observed> observed_values(const Program &program, const Function &function);

// Gets each value as it comes, row-major, as f32. The numbers are gone when it returns.
using Look = std::function<void(const Observed &, std::span<const float>)>;

// Calls the function and shows `values` (of observed_values, all or some). With `weights`, a copy of the weight block,
// it works on that: the program's own stay as they are.
Result<void> observe(Program &program, const Function &function, std::span<const Observed> values,
                     std::span<const void *const> inputs, std::span<void *const> outputs, int64_t batch,
                     Buffer *weights, const Look &look);

}  // namespace netc::runtime
