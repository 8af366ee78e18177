// Whether a function computes each sample of a batch by itself.
#pragma once

#include "ir/graph.h"

namespace netc {

// True: every argument and result holds the samples along axis 0, one after the other, and what belongs to a sample
// depends on nothing of the others, so that a batch may be computed in parts. False: not so, or not known to be so.
// Functions that write weights or draw random numbers are never.
bool keeps_samples_apart(const Function &function);

}  // namespace netc
