// From the `data` section to datasets that the network can be fed with: read, check against the network, split, fit the
// normalisation on the training split.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime/data/augment/augmentation.h"
#include "runtime/data/dataset.h"
#include "runtime/data/fields.h"
#include "runtime/data/module.h"
#include "support/result.h"

namespace netc::runtime {

struct LoadOptions {
  std::string root;   // `--data DIR`, or metadata["data_root"]
  uint64_t seed = 0;  // of the program; `split(..., seed = n)` has one of its own
  bool train = true;  // false: only what `evaluate` needs is kept (the splits are made the same way)
  // Given by evaluate and by a resumed training: nothing is fitted, what the model was trained with is used.
  std::optional<Preparation> preparation;
  double sample = 1;  // the share of the training split that is kept, of each class the same; drawn after other splits
  bool fill = true;   // false: missing values stay NaN, for statistics
};

struct DataSets {
  Dataset train, validation, test;  // empty when the section has none
  Preparation preparation;
  Augmentation augmentation;          // of the training batches
  std::vector<std::string> warnings;  // "12 samples of the test set are in the training set, too"
};

// `metadata` is that of the program (docs/metadata.md) with every {"param": name} in "data" and "train" replaced by its
// value. Keys read: "network"; "data": train, validation, test, normalize, rescale, augment, class_weight,
// sample_weight, group, fold;
// "train": class_weight. Errors are the user's data (exit code 3).
Result<DataSets> load_data(const nlohmann::json &metadata, const Modules &modules, const LoadOptions &options);

// The samples `predict` is given as files: .csv/.tsv, .npy, .idx/-ubyte (all also .gz), .png (one sample a file,
// several files allowed). Targets in a file are left out. `path_of_sample` tells which file each sample came from.
struct PredictSamples {
  Dataset dataset;
  std::vector<std::string> path_of_sample;
};
Result<PredictSamples> load_for_predict(const nlohmann::json &metadata, const Modules &modules,
                                        const Preparation &preparation, const std::vector<std::string> &paths);

}  // namespace netc::runtime
