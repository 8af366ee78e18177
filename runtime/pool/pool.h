// ThreadPool: the threads behind nc_parallel_for.
//
// The chunks of a kernel are cut into as many ranges as there are threads. Each thread claims those of its own range
// one by one, in order: neighbouring chunks share cache lines and prefetch for each other, and what a kernel reads was
// often written by the same thread. Who has none left claims from the others' ranges, so which thread does which chunk
// is left to chance; chunks are independent, so the result is not. Idle workers spin for some tens of microseconds,
// because the next kernel of a step is usually that near, and then sleep.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/abi.h"

namespace netc::runtime {

// What ran when, in nanoseconds of the steady clock.
struct Trace {
  struct Span {
    const nc_kernel_entry *kernel;
    int64_t begin, end;
    int64_t batch;  // samples
  };
  std::vector<Span> kernels;              // from their call to their return
  std::vector<std::vector<Span>> chunks;  // for each thread; chunks of a kernel that follow each other are one span
};

class ThreadPool {
 public:
  // `threads` counts the caller: 1 starts no thread at all. There are fewer where the system gives no more.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }
  // Runs the chunks 0 .. count-1 and returns when all are done. One caller at a time; kernels do not call it.
  void run(const nc_context *context, const nc_kernel_entry &kernel, int64_t count);
  // Whether all threads look out for work, so that handing them some costs next to nothing; asks those that sleep to.
  bool is_awake();

  // While it is set, not null, every kernel is recorded in it. Not to be called while one runs.
  void record(Trace *trace);
  // While it is set, not null, it is called before every kernel, by the thread that calls the function.
  using Watch = std::function<void(const nc_context &, const nc_kernel_entry &)>;
  void watch(const Watch *watch) { watch_ = watch; }
  bool is_recorded() const { return trace_ != nullptr; }
  bool is_watched() const { return watch_ != nullptr; }

 private:
  friend void ::nc_parallel_for(const nc_context *, const nc_kernel_entry *, int64_t, int64_t);
  void work(size_t thread);
  template <typename Count>
  void run_chunks(size_t thread, const Count &count);
  int64_t run_chunks_of(size_t range, size_t thread);
  void run_here(const nc_context *context, const nc_kernel_entry &kernel, int64_t count);
  void run_chunk(const nc_context *context, const nc_kernel_entry &kernel, int64_t chunk, size_t thread);
  bool wait_for_work(uint64_t done);

  // The job. Written by the caller while no chunk is claimed or left, read by whoever has claimed one. Its number comes
  // last: who waits for work looks at nothing else, and finds all of the job in the same cache line.
  alignas(64) std::atomic<uint64_t> job_ = 0;
  const nc_context *context_ = nullptr;
  const nc_kernel_entry *kernel_ = nullptr;
  int64_t count_ = 0;
  struct Range {
    // Upper half: number of the job, so that a late claim cannot hit the next job. Lower half: chunks not yet claimed.
    alignas(64) std::atomic<uint64_t> ticket = 0;
  };
  std::vector<Range> ranges_;                  // one for each thread
  alignas(64) std::atomic<int64_t> done_ = 0;  // chunks that workers have run
  alignas(64) std::atomic<int> sleepers_ = 0;
  std::atomic<bool> stopping_ = false;
  int spins_;  // before a worker sleeps
  std::mutex mutex_;
  std::condition_variable wake_;
  uint64_t calls_ = 0;                // to wake up without work; guarded by the mutex
  std::atomic<bool> called_ = false;  // since a worker last fell asleep
  std::vector<std::thread> workers_;
  Trace *trace_ = nullptr;
  const Watch *watch_ = nullptr;
};

// The cores this process may use, at least 1.
int available_cores();

// Work estimated at less than this many nanoseconds is not worth waiting for a second thread to wake; nor, at less than
// the other, one that is awake.
inline constexpr int64_t kParallelThreshold = 50'000;
inline constexpr int64_t kAwakeThreshold = 5'000;

}  // namespace netc::runtime
