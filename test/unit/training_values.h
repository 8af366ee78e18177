// The runtime values of a training step (docs/metadata.md), for tests that evaluate or run a step by itself.
#pragma once

#include <functional>
#include <map>
#include <string>

namespace netc::test {

// Of step number `step` of 50: 5 epochs of 10 steps, with the learning rate that the optimizer says.
inline std::map<std::string, double, std::less<>> training_values(double step) {
  return {{"step", step},
          {"steps_per_epoch", 10},
          {"epochs", 5},
          {"total_steps", 50},
          {"epoch", 0},
          {"learning_rate_scale", 1},
          {"learning_rate_override", 0}};
}

}  // namespace netc::test
