// What `netc tune` shows while it works: on a terminal a table of the best and the running trials that is redrawn, and
// otherwise a line for each trial that ends.
#pragma once

#include <cstdio>

#include "tools/netc/tune/tuner.h"

namespace netc::tune {

// "0.9861"; "-" when it is no number.
std::string figure_text(double figure);
// The objective of a trial as the user knows it; no number when there is none.
double figure_of(const Trial &trial, const Objective &objective);

// The table in at most `height` lines of at most `width` columns: a head line, the best trials, then the running ones.
std::vector<std::string> table_lines(const Tuner &tuner, const Search &search, const Objective &objective, int width,
                                     int height);

class Display {
 public:
  // The references outlive the display.
  Display(std::FILE *out, const Tuner &tuner, const Search &search, const Objective &objective);
  void ended(size_t trial);  // of TunerEvents
  void tick();
  // Takes the table away.
  void clear();

 private:
  std::FILE *out_;
  const Tuner &tuner_;
  const Search &search_;
  const Objective &objective_;
  bool terminal_;
  size_t drawn_ = 0;  // lines
  std::vector<std::string> last_;
};

}  // namespace netc::tune
