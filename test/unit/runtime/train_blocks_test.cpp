// Calls in blocks of samples: the same numbers whatever the threads, each block in memory of its own.
#include <gtest/gtest.h>

#include <mutex>
#include <set>

#include "runtime/train/program.h"
#include "runtime/train/sample_blocks.h"

namespace netc::runtime {
namespace {

std::mutex mutex;
std::multiset<int64_t> sizes;  // of the blocks that were called

// y[sample][i] = x[sample][0] * (i + 1), by way of the workspace.
void triple(const nc_context *context) {
  const auto *x = static_cast<const float *>(context->inputs[0]);
  auto *y = static_cast<float *>(context->outputs[0]);
  auto *fixed = reinterpret_cast<float *>(context->fixed), *space = reinterpret_cast<float *>(context->batch_space);
  for (int i = 0; i < 3; ++i) fixed[i] = static_cast<float>(i + 1);
  for (int64_t sample = 0; sample < context->batch; ++sample)
    for (int i = 0; i < 3; ++i) space[3 * sample + i] = x[sample] * fixed[i];
  std::copy_n(space, 3 * context->batch, y);
  std::lock_guard lock(mutex);
  sizes.insert(context->batch);
}

nc_function_entry entry(int64_t samples_per_block) { return {"f", triple, 12, 12, 1, 1, samples_per_block}; }

std::vector<float> run(const nc_function_entry &entry, int64_t batch, ThreadPool &pool) {
  Function function{"f", &entry, {{"x", "f32", {1}, true, 1}}, {{"y", "f32", {1, 3}, true, 3}}, false};
  std::vector<float> x(static_cast<size_t>(batch)), y(static_cast<size_t>(3 * batch), -1);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  SampleBlocks blocks = plan_blocks(entry, batch, &pool);
  std::vector<uint64_t> workspace(static_cast<size_t>(blocks.bytes() / 8 + 8), ~uint64_t{0});
  nc_context context{};
  context.runtime = &pool;
  context.batch = batch;
  const void *input = x.data();
  void *output = y.data();
  sizes.clear();
  run_in_blocks(function, blocks, context, {&input, 1}, {&output, 1}, reinterpret_cast<char *>(workspace.data()));
  for (size_t i = 0; i < 8; ++i) EXPECT_EQ(workspace[static_cast<size_t>(blocks.bytes() / 8) + i], ~uint64_t{0});
  return y;
}

TEST(SampleBlocks, AreCutByTheBatchAlone) {
  EXPECT_EQ(plan_blocks(entry(0), 100, nullptr).count, 1);
  EXPECT_EQ(plan_blocks(entry(8), 7, nullptr).count, 1);
  EXPECT_EQ(plan_blocks(entry(8), 32, nullptr).count, 4);
  EXPECT_EQ(plan_blocks(entry(8), 47, nullptr).count, 4);
  for (int threads : {1, 2, 3, 4, 8}) {
    ThreadPool pool(threads);
    SampleBlocks blocks = plan_blocks(entry(8), 32, &pool);
    EXPECT_EQ(blocks.count, 4);
    EXPECT_EQ(blocks.lanes, threads == 2 || threads == 4 ? threads : 1);
  }
}

TEST(SampleBlocks, EverySampleOnce) {
  for (int threads : {1, 2, 4})
    for (int64_t batch : {1, 3, 8, 31, 32, 33}) {
      ThreadPool pool(threads);
      std::vector<float> y = run(entry(4), batch, pool);
      for (int64_t i = 0; i < 3 * batch; ++i)
        ASSERT_EQ(y[static_cast<size_t>(i)], static_cast<float>((i / 3) * (i % 3 + 1))) << batch << " " << threads;
      int64_t all = 0;
      for (int64_t size : sizes) all += size;
      EXPECT_EQ(all, batch);
      EXPECT_EQ(static_cast<int64_t>(sizes.size()), plan_blocks(entry(4), batch, &pool).count);
    }
}

TEST(SampleBlocks, TooMuchMemoryIsNoOverflow) {
  nc_function_entry large{"f", triple, 12, INT64_MAX / 4, 1, 1, 0};
  EXPECT_EQ(plan_blocks(large, 100, nullptr).bytes(), INT64_MAX);
}

}  // namespace
}  // namespace netc::runtime
