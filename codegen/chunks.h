// How the units of a stage are cut into chunks.
#pragma once

#include "ir/type.h"

namespace netc {

// What the batch counts as where the way of computing is chosen, which may depend on neither the call nor the threads.
inline constexpr int64_t kTypicalBatch = 32;

// Units of one chunk, where a chunk may have `most`: a multiple of `multiple` (of which the units consist), such that
// two threads, each with one half of the chunks, have equally much to do -- and the same part of the images in one
// kernel as in the next, which they find in their cache.
int64_t even_units(Dim units, int64_t most, int64_t multiple = 1);

}  // namespace netc
