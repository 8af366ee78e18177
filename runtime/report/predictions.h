// What a network answers on a set of samples, summed up for the report: for classes how often each is taken for each
// other, for values what was right against what was said, and some samples to look at.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "runtime/data/load.h"
#include "runtime/train/program.h"
#include "runtime/train/reading.h"

namespace netc::runtime {

struct Predictions {
  // The members of an object, as text:
  //   "samples": n, "of": n,
  //   "outputs": [{"name", "classes": [names], "matrix": [right, said, count, ...]} or {"name", "points": [right, said,
  //              ...]}],
  //   "shown": [{"sample": n, "right": bool, "is": text, "said": [text, probability, ...], "image": data URI or
  //             "features": [name, value, ...] or "series": [values]}]
  // "shown" is about the first output.
  std::string members;
  std::optional<Answers> answers;  // of the first output, when that is a class
};

// At most 10,000 samples of the dataset, from all over it. The program has the weights to look at. Errors: memory, a
// file of a streamed set.
Result<Predictions> summarise_predictions(Program &program, const nlohmann::json &metadata, const DataSets &data,
                                          const Dataset &dataset, int64_t batch_size);

}  // namespace netc::runtime
