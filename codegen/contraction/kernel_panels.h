// The kernel of a convolution copied panel by panel, [tap][channel][filter], each panel in one piece: what caches and
// prefetchers like where a large kernel is read for few pixels.
#pragma once

#include <string>

#include "codegen/contraction/common.h"

namespace netc::contraction {

struct KernelPanels {
  Panels panels;      // of filters
  int64_t steps = 1;  // taps times channels of an input

  int64_t count() const { return panels.whole + (panels.rest_vectors > 0 ? 1 : 0); }
  // Floats of a panel of this many filters. A cache line more keeps panels apart in the cache.
  int64_t panel_size(int64_t width) const { return steps * width + 64 / 4; }
  int64_t bytes() const { return (4 * count() * panel_size(panels.width()) + 63) / 64 * 64; }
  // ContractionLowering::prepared_as of a kernel that never changes.
  std::string prepared_as() const;
};

// Copies operand 1, f32 with one group, to the memory apart; for a stage that `prepares`.
KernelStage copy_kernel_stage(const KernelPanels &kernel);
// Filters of a panel, in memory as in the copy: lanes behind the last filter are zeros.
int64_t width_of(const KernelPanels &kernel, const Panel &panel);
// Where the panel with this first filter begins.
llvm::Value *copied_panel(KernelEmitter &emitter, const KernelPanels &kernel, llvm::Value *first_filter);

}  // namespace netc::contraction
