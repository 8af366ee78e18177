// Which elementwise values are computed by everybody who needs them, from what they are made of, instead of being
// stored.
#pragma once

#include <optional>
#include <vector>

#include "ir/graph.h"
#include "ir/op.h"
#include "ir/window.h"

namespace netc {

// One number for all elements: a constant that costs nothing inside a kernel, so that elementwise ops never read it,
// even where something else wants it stored.
bool is_splat(const Op &op);
// Ops that can stand in the body of a map.
bool is_elementwise(const Op &op);
// Reductions that can end the body of a `reduce`.
bool is_fusable_reduction(const Op &op);
// ... of a body with pooling: of whole windows.
bool reduces_windows(const Op &op);

// By op. A recomputed op is used by elementwise ops and reductions of its own shape only (splats: by elementwise ops of
// any shape), and by pooling of an image of this shape. `windows` by op (pooling.h): the gradient of pooling is
// recomputed like an elementwise op.
std::vector<bool> choose_recomputed(const Function &function, const std::vector<std::optional<Window>> &windows);

}  // namespace netc
