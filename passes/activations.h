// What the passes of mixed precision take for an activation.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace netc {

// By value: depends on the result of a contraction. What was only read or given is not: targets keep their digits.
std::vector<bool> find_activations(const Function &function);
// f32 and large enough, for each sample, that its memory traffic counts. Logits and figures of samples are not.
bool is_large_activation(const Type &type);

}  // namespace netc
