#include "runtime/pool/pool.h"

#include <sched.h>

#include <algorithm>
#include <chrono>

namespace netc::runtime {
namespace {

constexpr uint64_t kChunksMask = 0xFFFFFFFF;
constexpr int kSpins = 4000;  // about 50 us of pauses

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int threads) : spins_(threads <= available_cores() ? kSpins : 0) {
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread &worker : workers_) worker.join();
}

void ThreadPool::run(const nc_context *context, const nc_kernel_entry &kernel, int64_t count) {
  if (workers_.empty() || count <= 1 || static_cast<uint64_t>(count) > kChunksMask) {
    for (int64_t chunk = 0; chunk < count; ++chunk) kernel.kernel(context, chunk, kernel.places);
    return;
  }
  context_ = context;
  kernel_ = &kernel;
  count_ = count;
  done_.store(0, std::memory_order_relaxed);
  uint64_t job = (ticket_.load(std::memory_order_relaxed) >> 32) + 1;
  // Sequentially consistent with the worker's "count me as a sleeper, then look at the ticket": one of the two sees the
  // other.
  ticket_.store(job << 32 | static_cast<uint64_t>(count));
  if (sleepers_.load() > 0) {
    { std::lock_guard lock(mutex_); }
    wake_.notify_all();
  }
  while (run_one_chunk()) {
  }
  for (int spin = 0; done_.load(std::memory_order_acquire) != count; ++spin) {
    if (spin < spins_) {
      pause_briefly();
    } else {
      std::this_thread::yield();
    }
  }
}

bool ThreadPool::run_one_chunk() {
  uint64_t ticket = ticket_.load(std::memory_order_acquire);
  do {
    if ((ticket & kChunksMask) == 0) return false;
  } while (!ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel, std::memory_order_acquire));
  // The job cannot change before this chunk is counted as done.
  kernel_->kernel(context_, count_ - static_cast<int64_t>(ticket & kChunksMask), kernel_->places);
  done_.fetch_add(1, std::memory_order_acq_rel);
  return true;
}

void ThreadPool::work() {
  while (wait_for_work()) {
    while (run_one_chunk()) {
    }
  }
}

// False: the pool is being destroyed.
bool ThreadPool::wait_for_work() {
  auto has_work = [this] { return (ticket_.load() & kChunksMask) != 0; };
  for (int spin = 0; spin < spins_; ++spin) {
    if (has_work()) return true;
    if (stopping_.load(std::memory_order_relaxed)) return false;
    pause_briefly();
  }
  std::unique_lock lock(mutex_);
  sleepers_.fetch_add(1);
  wake_.wait(lock, [&] { return stopping_.load() || has_work(); });
  sleepers_.fetch_sub(1);
  return !stopping_.load();
}

}  // namespace netc::runtime

namespace {

void run_chunks(netc::runtime::ThreadPool *pool, const nc_context *context, const nc_kernel_entry &kernel,
                int64_t count, int64_t cost) {
  if (pool && cost >= netc::runtime::kParallelThreshold) {
    pool->run(context, kernel, count);
    return;
  }
  for (int64_t chunk = 0; chunk < count; ++chunk) kernel.kernel(context, chunk, kernel.places);
}

}  // namespace

extern "C" void nc_parallel_for(const nc_context *context, const nc_kernel_entry *kernel, int64_t count, int64_t cost) {
  auto *pool = static_cast<netc::runtime::ThreadPool *>(context->runtime);
  if (!pool || !pool->observer()) {
    run_chunks(pool, context, *kernel, count, cost);
    return;
  }
  auto start = std::chrono::steady_clock::now();
  run_chunks(pool, context, *kernel, count, cost);
  auto taken = std::chrono::steady_clock::now() - start;
  pool->observer()(*kernel, std::chrono::duration_cast<std::chrono::nanoseconds>(taken).count());
}
