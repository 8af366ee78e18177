// What must hold for a whole network from its text on: its gradients are those of its loss, and the compiled code
// computes what the reference evaluator says.
#pragma once

#include <string>
#include <vector>

#include "test/unit/codegen/loaded_object.h"

namespace netc::test {

// Elaborates `text`; then, at a batch of 1 and of 3:
// - the gradients of every trainable weight agree with central differences in f64;
// - train_step and predict, after all passes and compiled for each target, give the results and the new weights that
//   the evaluator gives before any pass but differentiation.
void check_network(const std::string &text, const std::vector<TargetOptions> &targets = {best_target()});

}  // namespace netc::test
