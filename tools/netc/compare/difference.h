// What differs between runs: values of the configuration, lines of the source, figures.
#pragma once

#include <string>
#include <vector>

#include "tools/netc/compare/run.h"

namespace netc::compare {

// A row of the table: a text for each run. `best`: the position of the best one, or -1 where none is.
struct Row {
  std::string name;
  std::vector<std::string> cells;
  int best = -1;
};

// Values that are not the same in all runs; "-" where a run does not have one.
std::vector<Row> configuration_differences(const std::vector<Run> &runs);
// Status, epochs, time, and what was measured in the best and the last epoch and on the test set.
std::vector<Row> figures(const std::vector<Run> &runs);

struct SourceLine {
  char kind;  // ' ' in both, '-' in the first alone, '+' in the second alone
  std::string text;
};
// The longest common subsequence of lines decides what is in both.
std::vector<SourceLine> source_difference(const std::string &first, const std::string &second);

}  // namespace netc::compare
