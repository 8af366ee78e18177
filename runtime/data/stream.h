// Stream: features that stay in their files and are read block by block, a block being a run of neighbouring samples.
// Targets and weights of a streamed set are in memory as always.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "runtime/data/array.h"
#include "runtime/data/selection.h"
#include "support/result.h"

namespace netc::runtime {

struct Dataset;
struct BatchOptions;

struct Stream {
  std::vector<int64_t> block_begin;  // the first row of each block, then the number of rows; ascending
  // The arrays of a block's samples: one of features from a reader, one for each input of the network in Samples. Every
  // block has the same types and shapes. Called from one thread at a time.
  std::function<Result<std::vector<Array>>(int64_t block)> read;
  // stream_selector, through the module record of the reader.
  Selector (*select)(const Dataset &dataset, const BatchOptions &options) = nullptr;

  int64_t blocks() const { return static_cast<int64_t>(block_begin.size()) - 1; }
};

// What of a streamed set is in memory at a time, in bytes.
constexpr int64_t default_stream_buffer = int64_t{256} << 20;
// How many bytes a block should have for such a buffer.
int64_t block_bytes_for(int64_t buffer);

// A selector that shuffles a streamed set through a bounded buffer. The order of an epoch depends on the seed, the
// epoch, the blocks and the size of the buffer alone: the blocks are put in random order, as many as fill the buffer
// make a window, and the samples of a window are given out in random order. While a window is used, the blocks of the
// next are read into the places of the samples that are no longer needed. Unshuffled, samples come in the order of the
// files. Keeps a reference to the dataset, whose rows ascend.
Selector stream_selector(const Dataset &dataset, const BatchOptions &options);

}  // namespace netc::runtime
