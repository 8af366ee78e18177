#include "runtime/train/sample_blocks.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "runtime/train/program.h"

namespace netc::runtime {
namespace {

constexpr int64_t kSlack = 64;  // behind each piece of the workspace (abi.h)

int64_t piece(int64_t bytes) { return (bytes + 63) / 64 * 64 + kSlack; }

struct Job {
  const Function &function;
  const SampleBlocks &blocks;
  const nc_context &context;
  std::span<const void *const> inputs;
  std::span<void *const> outputs;
  char *workspace;

  // The blocks of one lane, one after the other.
  void run(int64_t lane) const {
    nc_context call = context;
    call.fixed = workspace + lane * (blocks.bytes() / blocks.lanes);
    call.batch_space = call.fixed + piece(blocks.fixed_bytes);
    if (blocks.lanes > 1) call.runtime = nullptr;
    std::vector<const void *> in(inputs.size());
    std::vector<void *> out(outputs.size());
    call.inputs = in.data();
    call.outputs = out.data();
    for (int64_t block = blocks.count * lane / blocks.lanes; block < blocks.count * (lane + 1) / blocks.lanes;
         ++block) {
      int64_t begin = blocks.begin(block);
      call.batch = blocks.begin(block + 1) - begin;
      for (size_t i = 0; i < in.size(); ++i)
        in[i] = static_cast<const char *>(inputs[i]) + (begin == 0 ? 0 : function.inputs[i].bytes(begin));
      for (size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<char *>(outputs[i]) + (begin == 0 ? 0 : function.outputs[i].bytes(begin));
      function.entry->function(&call);
    }
  }
};

// A kernel of the pool: `context` holds nothing but the job.
void run_lane(const nc_context *context, int64_t lane, const int64_t *) {
  static_cast<const Job *>(context->inputs[0])->run(lane);
}

}  // namespace

int64_t SampleBlocks::bytes() const {
  int64_t longest = (batch + count - 1) / count, all = 0;
  if (__builtin_mul_overflow(batch_bytes, longest, &all) || __builtin_add_overflow(all, piece(fixed_bytes), &all) ||
      all > INT64_MAX / 2 / lanes)
    return INT64_MAX;
  return lanes * piece(all);
}

SampleBlocks plan_blocks(const nc_function_entry &function, int64_t batch, const ThreadPool *pool) {
  SampleBlocks blocks{batch, 1, 1, function.fixed_bytes, function.batch_bytes};
  // Whoever watches looks for values where they lie without blocks.
  if (function.samples_per_block <= 0 || (pool && pool->is_watched())) return blocks;
  blocks.count = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(batch / function.samples_per_block)));
  blocks.count = std::max<int64_t>(blocks.count, 1);
  if (pool && !pool->is_recorded() && blocks.count % pool->threads() == 0) blocks.lanes = pool->threads();
  return blocks;
}

void run_in_blocks(const Function &function, const SampleBlocks &blocks, const nc_context &context,
                   std::span<const void *const> inputs, std::span<void *const> outputs, char *workspace) {
  Job job{function, blocks, context, inputs, outputs, workspace};
  if (blocks.lanes == 1) return job.run(0);
  const void *input = &job;
  nc_context call{};
  call.inputs = &input;
  nc_kernel_entry entry{};
  entry.kernel = run_lane;
  static_cast<ThreadPool *>(context.runtime)->run(&call, entry, blocks.lanes);
}

}  // namespace netc::runtime
