#include "runtime/data/batches.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <numeric>
#include <thread>

#include "runtime/data/gather.h"
#include "runtime/random.h"

namespace netc::runtime {
namespace {

// Preparing less than this takes less time than waking a thread.
constexpr int64_t bytes_worth_a_thread = 64 * 1024;

}  // namespace

std::vector<int64_t> shuffled_order(int64_t count, uint64_t seed, uint32_t epoch) {
  std::vector<std::pair<uint64_t, int64_t>> keyed(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    auto words = random_words(seed, RandomUse::shuffle, epoch, static_cast<uint64_t>(i));
    keyed[static_cast<size_t>(i)] = {static_cast<uint64_t>(words[0]) << 32 | words[1], i};
  }
  std::sort(keyed.begin(), keyed.end());
  std::vector<int64_t> order(keyed.size());
  for (size_t i = 0; i < keyed.size(); ++i) order[i] = keyed[i].second;
  return order;
}

struct Batches::State {
  Dataset dataset;
  BatchOptions options;
  Gatherer gatherer;
  std::vector<int64_t> order;  // positions in dataset.rows, of the current epoch
  uint32_t epoch = 0;
  int64_t next_index = 0;
  bool threaded = false;
  // One batch in memory of its own.
  struct Slot {
    Batch batch;
    std::vector<AlignedBuffer> buffers;  // inputs, targets, sample weights
  };
  Slot slots[2];
  int current = 0;  // the slot given out last

  // The thread fills slot `wanted` with batch `wanted_index`. One batch is in preparation at most.
  std::thread thread;
  std::mutex mutex;
  std::condition_variable changed;
  enum class Work { none, wanted, done, stop } work = Work::none;
  int wanted = 0;
  int64_t wanted_index = 0;

  State(Dataset data, BatchOptions chosen)
      : dataset(std::move(data)), options(chosen), gatherer(dataset, options.augmentation, options.seed) {
    options.batch_size = std::max<int64_t>(1, options.batch_size);
    for (Slot &slot : slots)
      for (int64_t bytes : gatherer.bytes_per_sample())
        slot.buffers.emplace_back(
            static_cast<size_t>(bytes * std::min(options.batch_size, std::max<int64_t>(1, dataset.size()))));
    int64_t bytes = 0;
    for (int64_t part : gatherer.bytes_per_sample()) bytes += part * options.batch_size;
    threaded = options.background && bytes >= bytes_worth_a_thread && batches() > 1;
    if (threaded) thread = std::thread([this] { run(); });
  }

  ~State() {
    if (!threaded) return;
    {
      std::lock_guard lock(mutex);
      work = Work::stop;
    }
    changed.notify_all();
    thread.join();
  }

  int64_t batches() const { return (dataset.size() + options.batch_size - 1) / options.batch_size; }

  void prepare(Slot &slot, int64_t index) {
    int64_t begin = index * options.batch_size;
    slot.batch.index = index;
    slot.batch.size = std::min(options.batch_size, dataset.size() - begin);
    std::vector<int64_t> rows(static_cast<size_t>(slot.batch.size));
    for (size_t i = 0; i < rows.size(); ++i)
      rows[i] = dataset.rows[static_cast<size_t>(order[static_cast<size_t>(begin) + i])];
    std::vector<char *> destinations;
    slot.batch.arguments.clear();
    for (AlignedBuffer &buffer : slot.buffers) {
      destinations.push_back(buffer.data());
      slot.batch.arguments.push_back(buffer.data());
    }
    gatherer.gather(rows, epoch, destinations);
  }

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return work == Work::wanted || work == Work::stop; });
      if (work == Work::stop) return;
      lock.unlock();
      prepare(slots[wanted], wanted_index);
      lock.lock();
      if (work == Work::stop) return;
      work = Work::done;
      changed.notify_all();
    }
  }

  void ask_for(int slot, int64_t index) {
    {
      std::lock_guard lock(mutex);
      wanted = slot;
      wanted_index = index;
      work = Work::wanted;
    }
    changed.notify_all();
  }

  void wait_until_done() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return work != Work::wanted; });
    work = Work::none;
  }
};

Batches::Batches(Dataset dataset, BatchOptions options) : state_(std::make_unique<State>(std::move(dataset), options)) {
  start(0);
}

Batches::~Batches() = default;

int64_t Batches::batches_per_epoch() const { return state_->batches(); }

void Batches::start(uint32_t epoch, int64_t first_batch) {
  State &s = *state_;
  if (s.threaded) s.wait_until_done();
  s.epoch = epoch;
  s.next_index = std::max<int64_t>(0, first_batch);
  if (s.options.shuffle) {
    s.order = shuffled_order(s.dataset.size(), s.options.seed, epoch);
  } else if (s.order.empty()) {
    s.order.resize(s.dataset.rows.size());
    std::iota(s.order.begin(), s.order.end(), int64_t{0});
  }
  if (s.threaded && s.next_index < s.batches()) s.ask_for(1 - s.current, s.next_index);
}

const Batch *Batches::next() {
  State &s = *state_;
  if (s.next_index >= s.batches()) return nullptr;
  if (s.threaded) {
    s.wait_until_done();
    s.current = 1 - s.current;
    if (s.next_index + 1 < s.batches()) s.ask_for(1 - s.current, s.next_index + 1);
  } else {
    s.prepare(s.slots[s.current], s.next_index);
  }
  ++s.next_index;
  return &s.slots[s.current].batch;
}

}  // namespace netc::runtime
