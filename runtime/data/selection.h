// Selection: which samples make up a batch, and where their values lie. The loading thread makes one for each batch and
// hands it to the Gatherer, which turns it into arguments: augmentation and normalisation need not know whether the set
// is in memory or streamed.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/data/array.h"
#include "support/result.h"

namespace netc::runtime {

struct Selection {
  // One for each input of the network: those of the whole set, or the part of a streamed set that is in memory. Valid
  // until the next selection is asked for.
  std::span<const Array> inputs;
  std::vector<int64_t> positions;  // of the batch's samples in `inputs`
  // The numbers of the same samples in the whole set: where their targets and weights lie, and what keys their random
  // numbers.
  std::vector<int64_t> rows;
  uint32_t epoch = 0;
  // Whether positions and rows end with a sample that is not of the batch: where samples are mixed, each with the one
  // behind it, that of its last one. Behind the last sample of an epoch comes the first one of a set in memory, the
  // first one of the batch of a streamed set.
  bool has_follower = false;

  int64_t batch_size() const { return static_cast<int64_t>(rows.size()) - (has_follower ? 1 : 0); }
};

// Gives batch `index` of `epoch`, called from one thread at a time. Any batch may be asked for; one after another is
// fast. Errors: a file of a streamed set cannot be read any more.
using Selector = std::function<Result<Selection>(uint32_t epoch, int64_t index)>;

}  // namespace netc::runtime
