// What a study has come to: the best trial beside the file as it stands, both measured on the test set, what mattered,
// best.net and tune.html.
#pragma once

#include "tools/netc/tune/tuner.h"

namespace netc::tune {

// A trial measured on the test set with the weights it ends with.
struct TestResult {
  size_t trial = 0;
  std::vector<std::pair<std::string, double>> figures;  // "loss", "accuracy"
};

struct Conclusion {
  std::optional<size_t> best;      // nothing: every trial failed
  std::vector<double> importance;  // of each dimension; empty: too little is known
  std::vector<TestResult> tests;   // of the best trial and of the first, when there is a test set
};

// Measures; reports nothing but by its result.
Conclusion conclude(Tuner &tuner, const Search &search, bool has_test);

// What is printed at the end of a study.
std::string summary(const Conclusion &conclusion, const Tuner &tuner, const Search &search, const Objective &objective);

}  // namespace netc::tune
