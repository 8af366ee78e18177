// What the program and other commands have left in a run directory for the report: diagnostics.jsonl (gradients and
// weights of the layers), find-lr.json (the range test of the learning rate), activations/ (pictures of activations and
// filters). A file that is missing or not what it should be is left out.
#pragma once

#include <string>
#include <vector>

#include "runtime/io/json_text.h"
#include "runtime/train/reading.h"

namespace netc::runtime {

struct Inspection {
  std::vector<EpochDiagnostics> diagnostics;
  double suggested_rate = 0;  // of the range test; 0: there is none
};

// Writes the members "diagnostics", "find_lr" and "activations" and returns what the reading looks at. Pictures are
// embedded.
Inspection write_inspection(JsonText &out, const std::string &folder);

}  // namespace netc::runtime
