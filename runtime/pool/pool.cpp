#include "runtime/pool/pool.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <system_error>

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

// The chunks of range number `range` of so many.
int64_t range_begin(int64_t count, size_t range, size_t ranges) {
  return count * static_cast<int64_t>(range) / static_cast<int64_t>(ranges);
}
int64_t range_end(int64_t count, size_t range, size_t ranges) { return range_begin(count, range + 1, ranges); }

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int threads)
    : ranges_(static_cast<size_t>(threads)), spins_(threads <= available_cores() ? kSpins : 0) {
  try {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(static_cast<size_t>(i)); });
  } catch (const std::system_error &) {  // the system gives no more: those that run do the work of all
  }
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
    run_here(context, kernel, count);
    return;
  }
  context_ = context;
  kernel_ = &kernel;
  count_ = count;
  done_.store(0, std::memory_order_relaxed);
  uint64_t job = job_.load(std::memory_order_relaxed) + 1;
  for (size_t range = 0; range < ranges_.size(); ++range) {
    int64_t size = range_end(count, range, ranges_.size()) - range_begin(count, range, ranges_.size());
    ranges_[range].ticket.store(job << 32 | static_cast<uint64_t>(size), std::memory_order_release);
  }
  // Sequentially consistent with the worker's "count me as a sleeper, then look for work": one of the two sees the
  // other.
  job_.store(job);
  if (sleepers_.load() > 0) {
    { std::lock_guard lock(mutex_); }
    wake_.notify_all();
  }
  run_chunks(0, [&](int64_t run) { count -= run; });
  for (int spin = 0; done_.load(std::memory_order_acquire) != count; ++spin) {
    if (spin < spins_) {
      pause_briefly();
    } else {
      std::this_thread::yield();
    }
  }
}

bool ThreadPool::is_awake() {
  if (spins_ == 0) return false;
  if (sleepers_.load() == 0) return true;
  if (!called_.exchange(true)) {
    {
      std::lock_guard lock(mutex_);
      ++calls_;
    }
    wake_.notify_all();
  }
  return false;
}

// Those of the thread's own range, then those that are left of the others. `count` is told as soon as a range has no
// more, how many were run.
template <typename Count>
void ThreadPool::run_chunks(size_t thread, const Count &count) {
  for (size_t n = 0; n < ranges_.size(); ++n)
    if (int64_t run = run_chunks_of((thread + n) % ranges_.size(), thread); run > 0) count(run);
}

int64_t ThreadPool::run_chunks_of(size_t range, size_t thread) {
  std::atomic<uint64_t> &shared = ranges_[range].ticket;
  uint64_t ticket = shared.load(std::memory_order_acquire);
  for (int64_t run = 0;;) {
    if ((ticket & kChunksMask) == 0) return run;
    if (!shared.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel, std::memory_order_acquire))
      continue;
    // The job cannot change before this chunk is counted as done.
    int64_t left = static_cast<int64_t>(ticket & kChunksMask);
    run_chunk(context_, *kernel_, range_end(count_, range, ranges_.size()) - left, thread);
    ++run;
    ticket = shared.load(std::memory_order_acquire);
  }
}

void ThreadPool::run_here(const nc_context *context, const nc_kernel_entry &kernel, int64_t count) {
  for (int64_t chunk = 0; chunk < count; ++chunk) run_chunk(context, kernel, chunk, 0);
}

void ThreadPool::run_chunk(const nc_context *context, const nc_kernel_entry &kernel, int64_t chunk, size_t thread) {
  if (trace_ == nullptr) {
    kernel.kernel(context, chunk, kernel.places);
    return;
  }
  std::vector<Trace::Span> &spans = trace_->chunks[thread];
  int64_t begin = now();
  kernel.kernel(context, chunk, kernel.places);
  // Recorded before the chunk counts as done: the caller sees it.
  if (!spans.empty() && spans.back().kernel == &kernel)
    spans.back().end = now();
  else
    spans.push_back({&kernel, begin, now(), context->batch});
}

void ThreadPool::record(Trace *trace) {
  trace_ = trace;
  if (trace != nullptr) trace->chunks.resize(static_cast<size_t>(threads()));
}

void ThreadPool::work(size_t thread) {
  for (uint64_t job = 0; wait_for_work(job);) {
    job = job_.load(std::memory_order_acquire);
    run_chunks(thread, [&](int64_t run) { done_.fetch_add(run, std::memory_order_acq_rel); });
  }
}

// Returns when there is another job than this one. False: the pool is being destroyed.
bool ThreadPool::wait_for_work(uint64_t done) {
  for (int spin = 0; spin < spins_; ++spin) {
    if (job_.load(std::memory_order_acquire) != done) return true;
    if (stopping_.load(std::memory_order_relaxed)) return false;
    pause_briefly();
  }
  std::unique_lock lock(mutex_);
  uint64_t calls = calls_;
  called_.store(false);
  sleepers_.fetch_add(1);
  wake_.wait(lock, [&] { return stopping_.load() || job_.load() != done || calls_ != calls; });
  sleepers_.fetch_sub(1);
  return !stopping_.load();
}

}  // namespace netc::runtime

extern "C" void nc_parallel_for(const nc_context *context, const nc_kernel_entry *kernel, int64_t count, int64_t cost) {
  auto *pool = static_cast<netc::runtime::ThreadPool *>(context->runtime);
  if (pool == nullptr) {
    for (int64_t chunk = 0; chunk < count; ++chunk) kernel->kernel(context, chunk, kernel->places);
    return;
  }
  if (pool->watch_) (*pool->watch_)(*context, *kernel);
  int64_t begin = pool->trace_ ? netc::runtime::now() : 0;
  using netc::runtime::kAwakeThreshold, netc::runtime::kParallelThreshold;
  if (cost >= kParallelThreshold || (cost >= kAwakeThreshold && count > 1 && pool->is_awake()))
    pool->run(context, *kernel, count);
  else
    pool->run_here(context, *kernel, count);
  if (pool->trace_) pool->trace_->kernels.push_back({kernel, begin, netc::runtime::now(), context->batch});
}
