// The kernel of a convolution, [tap][channel][filter], or the weights of a dense layer, [input][output], copied panel
// by panel, each panel in one piece: what caches and prefetchers like where a large kernel is read for few pixels or
// samples.
#pragma once

#include <string>

#include "codegen/contraction/common.h"

namespace netc::contraction {

struct KernelPanels {
  Panels panels;      // of filters
  int64_t steps = 1;  // taps times channels of an input; inputs

  int64_t count() const { return panels.whole + (panels.rest_vectors > 0 ? 1 : 0); }
  // Floats of a panel, from one step to the next panels.width(), in the last one too. A cache line more keeps panels
  // apart in the cache.
  int64_t panel_size() const { return steps * panels.width() + 64 / 4; }
  int64_t bytes() const { return (4 * count() * panel_size() + 63) / 64 * 64; }
  // ContractionLowering::prepared_as of a kernel that never changes.
  std::string prepared_as() const;
};

// Copies operand 1, f32, to the memory apart; for a stage that `prepares`. Lanes behind the last filter
// are zeros up to a whole vector.
KernelStage copy_kernel_stage(const KernelPanels &kernel);
// Where the panel with this first filter begins.
llvm::Value *copied_panel(KernelEmitter &emitter, const KernelPanels &kernel, llvm::Value *first_filter);

}  // namespace netc::contraction
