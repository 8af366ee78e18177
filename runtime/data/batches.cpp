#include "runtime/data/batches.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>

#include "runtime/data/gather.h"
#include "runtime/random.h"

namespace netc::runtime {
namespace {

// Preparing less than this takes less time than waking a thread.
constexpr int64_t bytes_worth_a_thread = 64 * 1024;
// One in use, one ready, one in the making: a batch that takes longer than a step is made up for by one that does not.
constexpr size_t slots_of_a_thread = 3;

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
  Selector select;
  std::vector<int64_t> order;  // of a set in memory: positions in dataset.rows, of the epoch `order_epoch`
  std::optional<uint32_t> order_epoch;
  uint32_t epoch = 0;
  // One batch in memory of its own: batch i lies in slot i % slots.size().
  struct Slot {
    Batch batch;
    std::vector<AlignedBuffer> buffers;  // inputs, targets, sample weights
  };
  std::vector<Slot> slots;
  int64_t taken = 0;  // the next batch to give out; the one before it is in use

  // What the thread works on. `made` is the next batch it prepares, `end` where it stops.
  std::thread thread;
  std::mutex mutex;
  std::condition_variable changed;
  int64_t made = 0, end = 0;
  std::optional<Error> error;  // of batch `made`
  bool busy = false, stop = false;

  State(Dataset data, BatchOptions chosen)
      : dataset(std::move(data)), options(chosen), gatherer(dataset, options.augmentation, options.seed) {
    options.batch_size = std::max<int64_t>(1, options.batch_size);
    bool streams = dataset.samples && dataset.samples->stream;
    select = streams ? dataset.samples->stream->select(dataset, options)
                     : [this](uint32_t of_epoch, int64_t index) { return selected(of_epoch, index); };
    int64_t bytes = 0;
    for (int64_t part : gatherer.bytes_per_sample()) bytes += part * options.batch_size;
    bool threaded = options.background && (streams || bytes >= bytes_worth_a_thread) && batches() > 1;
    slots.resize(threaded ? slots_of_a_thread : 1);
    for (Slot &slot : slots)
      for (int64_t part : gatherer.bytes_per_sample())
        slot.buffers.emplace_back(
            static_cast<size_t>(part * (std::min(options.batch_size, std::max<int64_t>(1, dataset.size())) +
                                        (options.augmentation.mixes.empty() ? 0 : 1))));
    if (threaded) thread = std::thread([this] { run(); });
  }

  ~State() {
    if (!thread.joinable()) return;
    {
      std::lock_guard lock(mutex);
      stop = true;
    }
    changed.notify_all();
    thread.join();
  }

  int64_t batches() const { return (dataset.size() + options.batch_size - 1) / options.batch_size; }

  // The Selector of a set that is in memory.
  Result<Selection> selected(uint32_t of_epoch, int64_t index) {
    if (options.shuffle ? order_epoch != of_epoch : order.empty()) {
      if (options.shuffle) {
        order = shuffled_order(dataset.size(), options.seed, of_epoch);
      } else {
        order.resize(dataset.rows.size());
        std::iota(order.begin(), order.end(), int64_t{0});
      }
      order_epoch = of_epoch;
    }
    Selection selection{dataset.samples->inputs, {}, {}, of_epoch};
    int64_t begin = index * options.batch_size, last = std::min(begin + options.batch_size, dataset.size());
    selection.has_follower = !options.augmentation.mixes.empty();
    if (selection.has_follower) ++last;
    for (int64_t i = begin; i < last; ++i)
      selection.rows.push_back(dataset.rows[static_cast<size_t>(order[static_cast<size_t>(i % dataset.size())])]);
    selection.positions = selection.rows;
    return selection;
  }

  Slot &slot_of(int64_t index) { return slots[static_cast<size_t>(index) % slots.size()]; }

  Result<void> prepare(int64_t index) {
    auto selection = select(epoch, index);
    if (!selection) return tl::unexpected(selection.error());
    Slot &slot = slot_of(index);
    slot.batch.index = index;
    slot.batch.size = selection->batch_size();
    std::vector<char *> destinations;
    slot.batch.arguments.clear();
    for (AlignedBuffer &buffer : slot.buffers) {
      destinations.push_back(buffer.data());
      slot.batch.arguments.push_back(buffer.data());
    }
    gatherer.gather(*selection, destinations);
    return {};
  }

  // The slot of the batch that is in use is not touched.
  bool has_work() const { return made < end && made < taken - 1 + static_cast<int64_t>(slots.size()) && !error; }

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return stop || has_work(); });
      if (stop) return;
      busy = true;
      int64_t index = made;
      lock.unlock();
      auto done = prepare(index);
      lock.lock();
      busy = false;
      if (done)
        ++made;
      else
        error = done.error();
      changed.notify_all();
    }
  }

  void start(uint32_t new_epoch, int64_t first) {
    std::unique_lock lock(mutex);
    end = made;  // the thread finishes its batch and rests
    changed.wait(lock, [&] { return !busy; });
    epoch = new_epoch;
    error.reset();
    taken = made = first;
    end = batches();
    changed.notify_all();
  }

  Result<const Batch *> next() {
    if (taken >= batches()) return nullptr;
    if (thread.joinable()) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return made > taken || error; });
      if (made <= taken) return tl::unexpected(*error);
      ++taken;
      changed.notify_all();
    } else {
      if (auto done = prepare(taken); !done) return tl::unexpected(done.error());
      ++taken;
    }
    return &slot_of(taken - 1).batch;
  }
};

Batches::Batches(Dataset dataset, BatchOptions options) : state_(std::make_unique<State>(std::move(dataset), options)) {
  start(0);
}

Batches::~Batches() = default;

int64_t Batches::batches_per_epoch() const { return state_->batches(); }

void Batches::start(uint32_t epoch, int64_t first_batch) { state_->start(epoch, std::max<int64_t>(0, first_batch)); }

Result<const Batch *> Batches::next() { return state_->next(); }

}  // namespace netc::runtime
