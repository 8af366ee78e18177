// How a call goes through a function: all samples at once, or block by block where they do not depend on each other
// (nc_function_entry.samples_per_block). How the batch is cut depends on its size alone, so the numbers do not depend
// on the threads.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/abi.h"
#include "runtime/pool/pool.h"

namespace netc::runtime {

struct Function;

struct SampleBlocks {
  int64_t batch = 1;
  int64_t count = 1;  // of nearly the same size, a power of two: as many for each thread, mostly
  int64_t lanes = 1;  // blocks that are computed at the same time, each by one thread, with a workspace each
  int64_t fixed_bytes = 0, batch_bytes = 0;  // of a lane; INT64_MAX in bytes(): more than can be counted

  int64_t begin(int64_t block) const { return batch * block / count; }
  int64_t bytes() const;
};

SampleBlocks plan_blocks(const nc_function_entry &function, int64_t batch, const ThreadPool *pool);

// `context` lacks the places of workspace, inputs and outputs. `workspace`: blocks.bytes() of them, aligned to 64
// bytes.
void run_in_blocks(const Function &function, const SampleBlocks &blocks, const nc_context &context,
                   std::span<const void *const> inputs, std::span<void *const> outputs, char *workspace);

}  // namespace netc::runtime
