// The tree-structured Parzen estimator: J. Bergstra, R. Bardenet, Y. Bengio, B. Kegl, "Algorithms for hyper-parameter
// optimization", NIPS 2011.
//
// The trials so far are divided into the better ones and the others. Each dimension gets two densities, l(x) of the
// better and g(x) of the others: mixtures of normal distributions cut off at the ends of the range, one about each
// value as wide as the distance to its neighbours, and one over the whole range; of choices, counts. Of some values
// drawn from l the one with the greatest l / g is taken. A dimension with a condition is estimated from the trials that
// had it.
#pragma once

#include "tools/netc/tune/space.h"

namespace netc::tune {

struct Observation {
  Values values;
  double score = 0;  // lower is better; infinite when the trial failed
};

// The values of a new trial, the `attempt`-th proposal. At least one observation.
Values tpe_values(const Space &space, const std::vector<Observation> &observations, uint64_t seed, uint32_t trial,
                  uint32_t attempt);

// How many of so many trials are the better ones.
size_t better_count(size_t trials);

}  // namespace netc::tune
