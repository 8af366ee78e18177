// The pool: every chunk runs exactly once, its writes are seen by the caller, whatever the number of threads.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "runtime/pool/pool.h"

namespace netc::runtime {
namespace {

// What the tests see of a kernel.
nc_kernel_entry entry_of(nc_kernel kernel) { return {.function = "test", .kernel = kernel}; }

void count_chunk(const nc_context *context, int64_t chunk, const int64_t *) {
  static_cast<int *>(context->outputs[0])[chunk] += static_cast<int>(chunk) + 1;
}

const nc_kernel_entry counting = entry_of(count_chunk);

class Counter {
 public:
  explicit Counter(int64_t count) : values(count) { outputs[0] = values.data(); }
  nc_context context(ThreadPool *pool) {
    nc_context result{};
    result.outputs = outputs;
    result.runtime = pool;
    return result;
  }
  std::vector<int> values;
  void *outputs[1];
};

TEST(Pool, EveryChunkRunsOnce) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int64_t count : {0, 1, 2, 3, 7, 64, 1000}) {
      Counter counter(count);
      nc_context context = counter.context(&pool);
      nc_parallel_for(&context, &counting, count, 1'000'000'000);
      for (int64_t i = 0; i < count; ++i) ASSERT_EQ(counter.values[i], i + 1) << threads << " threads, " << count;
    }
  }
}

TEST(Pool, RecordsWhatRan) {
  ThreadPool pool(3);
  Counter counter(40);
  nc_context context = counter.context(&pool);
  const nc_kernel_entry other = entry_of(count_chunk);
  Trace trace;
  nc_parallel_for(&context, &counting, 40, 1'000'000'000);  // not recorded
  pool.record(&trace);
  nc_parallel_for(&context, &counting, 40, 1'000'000'000);
  nc_parallel_for(&context, &other, 2, 0);  // on the caller
  pool.record(nullptr);
  nc_parallel_for(&context, &counting, 40, 1'000'000'000);
  ASSERT_EQ(trace.kernels.size(), 2u);
  EXPECT_EQ(trace.kernels[0].kernel, &counting);
  EXPECT_EQ(trace.kernels[1].kernel, &other);
  EXPECT_LE(trace.kernels[0].end, trace.kernels[1].begin);
  ASSERT_EQ(trace.chunks.size(), 3u);
  EXPECT_EQ(trace.chunks[0].back().kernel, &other);
  for (const auto &thread : trace.chunks)
    for (const Trace::Span &span : thread) {
      const Trace::Span &whole = trace.kernels[span.kernel == &counting ? 0 : 1];
      EXPECT_GE(span.begin, whole.begin);
      EXPECT_LE(span.end, whole.end);
    }
}

TEST(Pool, ManyShortJobsAndSleepsBetween) {
  for (int threads : {2, 5}) {
    ThreadPool pool(threads);
    Counter counter(5);
    nc_context context = counter.context(&pool);
    int jobs = 2000;
    for (int job = 0; job < jobs; ++job) {
      pool.run(&context, counting, 5);
      if (job % 500 == 499) std::this_thread::sleep_for(std::chrono::milliseconds(2));  // the workers fall asleep
    }
    for (int i = 0; i < 5; ++i) EXPECT_EQ(counter.values[i], (i + 1) * jobs);
  }
}

void note_thread(const nc_context *context, int64_t chunk, const int64_t *) {
  static_cast<std::thread::id *>(context->outputs[0])[chunk] = std::this_thread::get_id();
}

const nc_kernel_entry noting = entry_of(note_thread);

TEST(Pool, SmallWorkAndNoPoolStayOnTheCaller) {
  ThreadPool pool(4);
  std::vector<std::thread::id> ids(100);
  void *outputs[1] = {ids.data()};
  nc_context context{};
  context.outputs = outputs;
  context.runtime = &pool;
  nc_parallel_for(&context, &noting, 100, kAwakeThreshold - 1);
  for (auto id : ids) ASSERT_EQ(id, std::this_thread::get_id());
  context.runtime = nullptr;
  ids.assign(100, {});
  nc_parallel_for(&context, &noting, 100, 1'000'000'000);
  for (auto id : ids) ASSERT_EQ(id, std::this_thread::get_id());
}

TEST(Pool, ThreadsWakeUpForSmallWork) {
  if (available_cores() < 2) GTEST_SKIP() << "needs two cores";
  ThreadPool pool(2);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the worker falls asleep
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  bool awake = false;
  while (!awake && std::chrono::steady_clock::now() < end) awake = pool.is_awake();
  EXPECT_TRUE(awake);
  Counter counter(5);
  nc_context context = counter.context(&pool);
  int jobs = 2000;
  for (int job = 0; job < jobs; ++job) {
    nc_parallel_for(&context, &counting, 5, kAwakeThreshold);
    if (job % 500 == 499) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  for (int i = 0; i < 5; ++i) EXPECT_EQ(counter.values[i], (i + 1) * jobs);
}

void meet(const nc_context *context, int64_t, const int64_t *) {
  auto *arrived = static_cast<std::atomic<int> *>(context->outputs[0]);
  arrived->fetch_add(1);
  auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (arrived->load() < 2 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
}

TEST(Pool, ChunksRunAtTheSameTime) {
  ThreadPool pool(2);
  std::atomic<int> arrived = 0;
  void *outputs[1] = {&arrived};
  nc_context context{};
  context.outputs = outputs;
  auto begin = std::chrono::steady_clock::now();
  pool.run(&context, entry_of(meet), 2);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10)) << "the two chunks never met";
}

}  // namespace
}  // namespace netc::runtime
