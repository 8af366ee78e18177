// What gradient rules share.
#pragma once

#include "ir/emit.h"

namespace netc::ops {

// The gradient of broadcasting: sums `gradient` over the axes along which `shape` was stretched to its shape.
ValueId sum_to(Builder &b, ValueId gradient, Shape shape);

// The gradient of a reduction over `axes`: puts the axes back with size one.
ValueId restore_axes(Builder &b, ValueId reduced, const Shape &full, const std::vector<int64_t> &axes);

// Adds `gradient`, summed to the shape of the operand.
inline void add_summed(GradientContext &g, size_t operand, ValueId gradient) {
  g.add(operand, sum_to(g.builder, gradient, g.builder.type(g.x(operand)).shape));
}

// A kernel [kh, kw, ic/groups, oc] for the opposite direction: flipped along both spatial axes, channels exchanged
// within each group: [kh, kw, oc/groups, ic].
ValueId flipped_kernel(Builder &b, ValueId kernel, int64_t groups);

}  // namespace netc::ops
