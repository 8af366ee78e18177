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
// Appends the optimizer of the train section and the writes of the new weights. Keras 3's order: clip the gradients,
// decay the weights, step, apply constraints.
void add_optimizer(Interpreter &interpreter, const ast::Entry &optimizer, const Gradients &gradients);
// The learning rate of the optimizer at the runtime value `step`, f32[]. The optimizer has no errors.
std::optional<ValueId> learning_rate(Interpreter &interpreter, const ast::Entry &optimizer);

}  // namespace netc::elaborate
