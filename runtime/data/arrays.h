// What the readers of arrays share (idx, npy, npz, safetensors, raw): each finds where the numbers of features and
// targets lie, the rest is the same for all, from memory or streamed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/data/binary.h"
#include "runtime/data/data_file.h"
#include "runtime/data/reader.h"

namespace netc::runtime {

// An array in a file: samples first, row-major.
struct ArrayPlace {
  DataFile file;
  NumberType type;
  std::vector<int64_t> shape;
  int64_t offset = 0;  // of the first number
  std::string name;    // for errors: "x.npy", "data.npz: images"
};

struct ArrayPair {
  ArrayPlace features;
  std::optional<ArrayPlace> targets;  // none for predict
};
// Finds what the call of the request names; checks its arguments other than `missing` and `classes`.
using FindArrays = Result<ArrayPair> (*)(const ReadRequest &request);

// Reads the arrays; checks the numbers of samples, classes and finite values; applies `missing` and `classes`.
Result<RawData> read_arrays(const ReadRequest &request, FindArrays find);
// The same with the features left in their file.
Result<RawData> stream_arrays(const ReadRequest &request, FindArrays find);

// The two paths of call("features", "targets").
struct PairPaths {
  std::string features, targets;
};
Result<PairPaths> pair_paths(const ReadRequest &request);
// Fails unless the array fills the rest of its file, from its offset on.
Result<void> check_fills_file(const ArrayPlace &place);

// Two arrays of one file: call("file", features = "x", targets = "y"). `find` gives an array by its name.
using FindArray = std::function<Result<ArrayPlace>(const std::string &array)>;
Result<ArrayPair> named_pair(const ReadRequest &request, const FindArray &find);

Result<ArrayPair> find_raw(const ReadRequest &request);
Result<ArrayPair> find_npz(const ReadRequest &request);
Result<ArrayPair> find_safetensors(const ReadRequest &request);
Result<ArrayPair> find_idx(const ReadRequest &request);
Result<ArrayPair> find_npy(const ReadRequest &request);
// The array of an npy file; `name` as in ArrayPlace.
Result<ArrayPlace> npy_array(const DataFile &file, const std::string &name);

}  // namespace netc::runtime
