// Dataset: some of the samples of a source, and what is done to them on the way into a batch.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "runtime/data/array.h"
#include "runtime/data/reader.h"
#include "runtime/data/stream.h"
#include "support/result.h"

namespace netc::runtime {

// Normalised value = (raw - offset[e % n]) * scale[e % n] for element e of a sample, where n = offset.size(): the
// number of features of a table, of channels of an image. Empty: the raw value. Computed in f32.
struct Normalisation {
  std::vector<float> offset;
  std::vector<float> scale;
};

// Everything learnt from the training split alone; stored with the model and applied by evaluate and predict.
struct Preparation {
  Schema schema;
  std::vector<float> fill;                    // for missing values of a table; empty: none are allowed
  std::vector<Normalisation> normalisations;  // one for each input of the network
};
nlohmann::json to_json(const Preparation &preparation);
Result<Preparation> preparation_from_json(const nlohmann::json &json);

// What was read: immutable once shared between the splits. The arrays have the declared shapes of the network.
struct Samples {
  // One for each input: f32 or u8, i32 for a class or an i32 tensor. Of a streamed set they hold no values: `stream`
  // does.
  std::vector<Array> inputs;
  std::vector<Array> targets;                 // one for each output: i32 for a class, else f32; empty for predict
  std::vector<float> weights;                 // sample weights; empty: all 1
  std::vector<int64_t> groups;                // of each sample, comparable between files; empty: none
  std::vector<Normalisation> normalisations;  // one for each input, as in Preparation
  std::shared_ptr<const Stream> stream;       // null: everything is in memory
  int64_t stream_buffer = 0;                  // bytes
};

struct Dataset {
  std::shared_ptr<const Samples> samples;
  std::vector<int64_t> rows;         // which samples, in the order of the file (of a streamed set: ascending)
  std::vector<float> class_weights;  // of the first target's classes, times the sample weights; empty: all 1
  bool in_pairs = false;             // the training set of a program that mixes samples: each has two targets

  int64_t size() const { return static_cast<int64_t>(rows.size()); }
  bool empty() const { return rows.empty(); }
};

// Calls `each` with the inputs of all samples of the set, part by part in order: a set in memory is one part, a
// streamed one has one for each block. `positions` are those of the samples in the arrays.
using EachPart = std::function<void(std::span<const Array> inputs, const std::vector<int64_t> &positions)>;
Result<void> for_each_part(const Samples &samples, const std::vector<int64_t> &rows, const EachPart &each);

}  // namespace netc::runtime
