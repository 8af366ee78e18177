// How much each param matters: the share of the objective's variance over the space that it explains alone.
//
// Functional analysis of variance of a random forest: F. Hutter, H. Hoos, K. Leyton-Brown, "An efficient approach for
// assessing hyperparameter importance", ICML 2014. A tree cuts the space into boxes, so the mean of its prediction over
// all other params (the marginal of one) is a sum over boxes; the variance of the marginal, divided by that of the
// whole prediction, is the importance, averaged over the trees. What the params together leave is their interplay.
#pragma once

#include "tools/netc/tune/space.h"

namespace netc::tune {

struct Sample {
  Values values;
  double score = 0;  // finite
};

// A number in [0, 1] for each dimension; nothing when there are too few samples or they are all alike. A param that a
// sample does not have counts with the value in the file.
std::vector<double> importance(const Space &space, const std::vector<Sample> &samples, uint64_t seed);

}  // namespace netc::tune
