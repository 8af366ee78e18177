// What `train_step` and `gradcheck` add to the objective: gradients, clipping, the optimizer, constraints.
#pragma once

#include "frontend/elaborate/objective.h"

namespace netc::elaborate {

// The loss that is differentiated: loss_sum / B + penalty.
std::optional<ValueId> training_loss(Interpreter &interpreter, const Objective &objective);
struct Gradients {
  std::vector<std::string> names;  // the trainable weights the function reads, in the order of the module
  std::vector<ValueId> weights;
  std::vector<ValueId> gradients;
};
std::optional<Gradients> add_gradients(Interpreter &interpreter, ValueId loss);
// Appends the optimizer of the train section and the writes of the new weights. Keras 3's order: accumulate gradients,
// clip them, decay the weights, step, average the weights, apply constraints.
void add_optimizer(Interpreter &interpreter, const ast::Section &train, const Gradients &gradients);
// The learning rate of the optimizer at the runtime value `step`, f32[]; nothing when the optimizer has errors.
std::optional<ValueId> learning_rate(Interpreter &interpreter, const ast::Section &train);

}  // namespace netc::elaborate
