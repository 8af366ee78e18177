// The passes: each is one function over the whole module, in a file of its own whose header comment says what it does,
// why, and what must hold before. The order and the reasons are in pipeline.cpp.
#pragma once

#include "ir/graph.h"

namespace netc {

void absorb_padding(Module &module);        // absorb_padding.cpp
void slice_strided(Module &module);         // slice_strided.cpp
void expand_gradients(Module &module);      // autodiff.cpp
void fold_batch_norm(Module &module);       // fold_batch_norm.cpp
void remove_dropout(Module &module);        // remove_dropout.cpp
void choose_pivots(Module &module);         // choose_pivots.cpp
void decompose_composites(Module &module);  // decompose.cpp
void widen_gradcheck(Module &module);       // widen.cpp
void simplify(Module &module);              // simplify.cpp
void fold_constants(Module &module);        // fold_constants.cpp
void share_common_ops(Module &module);      // share_common.cpp
void mix_precision(Module &module);         // mixed_precision.cpp
void prepare_weights(Module &module);       // prepare_weights.cpp
void remove_dead_ops(Module &module);       // remove_dead.cpp
void fuse(Module &module);                  // fuse.cpp
void narrow_values(Module &module);         // narrow_values.cpp
void place_halos(Module &module);           // halos.cpp
void order_ops(Module &module);             // order.cpp
void plan_memory(Module &module);           // memory_plan.cpp

}  // namespace netc
