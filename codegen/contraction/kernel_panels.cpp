#include "codegen/contraction/kernel_panels.h"

#include <fmt/format.h>

#include <algorithm>

namespace netc::contraction {

using llvm::Value;

namespace {

// One row of the kernel: a channel of a tap, or an input.
void copy_filters(KernelEmitter &emitter, const KernelPanels &kernel, Value *step) {
  llvm::IRBuilder<> &ir = emitter.ir();
  llvm::Type *element = ir.getFloatTy(), *vector = accumulator_type({element, kernel.panels.lanes});
  const Address &filters = emitter.operand(1);
  Value *from =
      element_at(emitter, element, filters.base, scaled(emitter, step, filters.strides[filters.strides.size() - 2]));
  for_panels(emitter, kernel.panels, nullptr, nullptr, [&](const Panel &panel) {
    Value *to = element_at(emitter, element, copied_panel(emitter, kernel, panel.first),
                           scaled(emitter, step, kernel.panels.width()));
    Value *first = element_at(emitter, element, from, panel.first);
    for (unsigned v = 0; v < panel.vectors; ++v) {
      Value *mask = v + 1 == panel.vectors ? lane_mask(ir, kernel.panels.lanes, panel.tail) : nullptr;
      Value *offset = ir.getInt64(v * uint64_t{kernel.panels.lanes});
      Value *lanes = load_lanes(ir, vector, element_at(emitter, element, first, offset), mask);
      ir.CreateAlignedStore(lanes, element_at(emitter, element, to, offset), llvm::Align(4));
    }
  });
}

}  // namespace

std::string KernelPanels::prepared_as() const { return fmt::format("panels of {}", panels.width()); }

KernelStage copy_kernel_stage(const KernelPanels &kernel) {
  KernelStage copy;
  copy.suffix = "kernel";
  copy.prepares = true;
  copy.units = {kernel.steps, false};
  double step = static_cast<double>(kernel.panels.columns) / 4;  // nanoseconds
  copy.units_per_chunk = std::max<int64_t>(1, static_cast<int64_t>(kChunkNanoseconds / step));
  set_cost(copy, step);
  copy.emit = [kernel, units = copy.units, group = copy.units_per_chunk](KernelEmitter &emitter) {
    for_units(emitter, units, group, [&](Value *unit) { copy_filters(emitter, kernel, unit); });
  };
  return copy;
}

Value *copied_panel(KernelEmitter &emitter, const KernelPanels &kernel, Value *first_filter) {
  llvm::IRBuilder<> &ir = emitter.ir();
  Value *panel = ir.CreateUDiv(first_filter, ir.getInt64(static_cast<uint64_t>(kernel.panels.width())));
  return element_at(emitter, ir.getFloatTy(), emitter.scratch_apart(), scaled(emitter, panel, kernel.panel_size()));
}

}  // namespace netc::contraction
