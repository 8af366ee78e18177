// A few samples of a set, the same ones every time.
#pragma once

#include "runtime/data/dataset.h"

namespace netc::runtime {

// At most `count`, from all over the set; of a streamed set the first ones, or all of it would have to be read.
Dataset some_samples(const Dataset &dataset, int64_t count);

}  // namespace netc::runtime
