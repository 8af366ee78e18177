// Batches: the samples of a dataset, batch after batch, ready as arguments of the generated functions.
//
// The order of an epoch is a function of (seed, epoch) alone and any batch of it can be the first, so a resumed
// training sees what an uninterrupted one would have seen. A thread prepares the next batches while the current one is
// used: it asks a Selector which samples they hold and has a Gatherer write them. What a batch holds does not depend on
// the thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/data/augment/augmentation.h"
#include "runtime/data/dataset.h"

namespace netc::runtime {

struct BatchOptions {
  int64_t batch_size = 32;  // at least 1
  bool shuffle = false;
  uint64_t seed = 0;
  Augmentation augmentation;  // empty for evaluate and predict
  bool background = true;     // false: everything on the caller's thread. Small batches never use the thread
};

struct Batch {
  int64_t size = 0;   // samples; the last batch of an epoch may be smaller
  int64_t index = 0;  // number of the batch in its epoch
  // The inputs, the targets (none for predict), then sample_weight f32[size]; with mixup or cutmix the other targets
  // and weights, too: as the arguments of train_step and evaluate (docs/metadata.md). 64-byte aligned.
  std::vector<const void *> arguments;
};

class Batches {
 public:
  Batches(Dataset dataset, BatchOptions options);
  ~Batches();
  Batches(const Batches &) = delete;
  Batches &operator=(const Batches &) = delete;

  int64_t batches_per_epoch() const;
  // Begins an epoch at one of its batches; may be called at any time.
  void start(uint32_t epoch, int64_t first_batch = 0);
  // The next batch of the epoch, valid until the next call of next() or start(); null at the end. An error when a file
  // of a streamed set cannot be read any more.
  Result<const Batch *> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The order of an epoch: a permutation of 0 .. count-1. Each sample gets the 64-bit random key of (seed, epoch,
// sample); the order is that of the keys, equal keys by sample.
std::vector<int64_t> shuffled_order(int64_t count, uint64_t seed, uint32_t epoch);

}  // namespace netc::runtime
