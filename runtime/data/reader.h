// A reader turns one file format into samples. Each lives in its own file and is reached only through its module record
// (module.h), so that a program links the readers it uses.
//
// Every reader trusts nothing: sizes are checked against the file before memory is taken, numbers against their type,
// and an error says where (line and column, or byte), what was found, what was expected, and how to mend it.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "runtime/data/array.h"
#include "runtime/data/field.h"
#include "support/result.h"

namespace netc::runtime {

class Modules;
struct Stream;

// What is done about missing values among the features: an error, the sample is dropped, or they are filled with the
// mean, the median or the most frequent value of the training split, or with a constant.
enum class Missing { error, drop, mean, median, most_frequent, constant };
struct MissingPolicy {
  Missing kind = Missing::error;
  float value = 0;  // of constant
  bool fills() const { return kind > Missing::drop; }
};

// What the first reading of a table found and what later readings (test file, evaluate, predict) have to repeat.
//
// A feature column of a table becomes one element, or with categories one 0/1 element for each of them; an indexed one
// is the number of its category, from 1, and 0 when it is missing or none of them. A column with an indicator is
// followed by an element that is 1 where its value is missing.
struct Schema {
  std::vector<std::string> features;                 // column names of a table in order; empty for images and arrays
  std::vector<std::string> classes;                  // names of the classes of the target; empty when it has none
  std::vector<std::vector<std::string>> categories;  // per table column: its categories; empty when it is numeric
  std::vector<std::string> indexed, indicated;       // names of the columns that are indices, that have indicators
  std::vector<std::string> vocabulary;               // of texts: the tokens, most frequent first
  bool text_files = false;                           // a text is a file, not a line

  bool empty() const { return features.empty() && classes.empty(); }
};

struct ReadRequest {
  std::string root;                      // folder that relative paths start from
  const nlohmann::json *call = nullptr;  // {"call": "csv", "args": [...], "named": {...}} of docs/metadata.md
  const Modules *modules = nullptr;
  Schema schema;              // empty: find it out
  bool needs_targets = true;  // false for predict: a file without labels is fine, labels in it are ignored
  bool targets_are_classes = true;
  int64_t class_count = 0;             // of a class target: indices are checked against it
  std::vector<Field> inputs, outputs;  // of the network
  int64_t block_bytes = 0;  // of a stream: about how large a block is to be; 0: everything is read into memory
};

struct RawData {
  Array features;
  Array targets;                // i32 for classes, else f32; count 0 when there are none
  std::vector<float> weights;   // of the samples; empty: all 1
  std::vector<int64_t> groups;  // of each sample, the same number for the same group in every file; empty: none
  Schema schema;
  bool is_image = false;  // pixels [H, W] or [H, W, C]: normalised per channel
  MissingPolicy missing;
  bool has_missing = false;              // NaN marks what is to be filled
  std::shared_ptr<const Stream> stream;  // where the features stay in their files: `features` holds no values then
  // Of texts: makes the features. The vocabulary is fitted to these rows unless the schema has one.
  std::function<void(RawData &data, const std::vector<int64_t> &training_rows, Schema &schema)> vectorise;
  std::string source;  // name for errors: the path of the features
};

using ReadFunction = Result<RawData> (*)(const ReadRequest &request);

}  // namespace netc::runtime
