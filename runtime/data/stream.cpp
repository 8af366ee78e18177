// The buffer behind stream_selector. Linked only into programs that stream: it is reached through the records of the
// stream modules (module.h).
#include "runtime/data/stream.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <tuple>

#include "runtime/data/batches.h"
#include "runtime/random.h"

namespace netc::runtime {
namespace {

uint64_t random_key(uint64_t seed, RandomUse use, uint32_t epoch, int64_t element) {
  auto words = random_words(seed, use, epoch, static_cast<uint64_t>(element));
  return static_cast<uint64_t>(words[0]) << 32 | words[1];
}

void copy_sample(const Array &from, int64_t position, Array &to, int64_t place) {
  std::visit(
      [&](const auto &values) {
        auto &places = std::get<std::decay_t<decltype(values)>>(to.values);
        int64_t width = from.elements();
        std::copy_n(values.begin() + position * width, width, places.begin() + place * width);
      },
      from.values);
}

void resize(Array &array, int64_t samples) {
  array.count = samples;
  std::visit([&](auto &values) { values.resize(static_cast<size_t>(samples * array.elements())); }, array.values);
}

class StreamBuffer {
 public:
  StreamBuffer(const Dataset &dataset, const BatchOptions &options)
      : dataset_(dataset),
        stream_(*dataset.samples->stream),
        batch_size_(std::max<int64_t>(1, options.batch_size)),
        shuffle_(options.shuffle),
        seed_(options.seed),
        mixes_(!options.augmentation.mixes.empty()) {
    int64_t largest_block = find_blocks();
    int64_t sample_bytes = 0;
    for (const Array &input : dataset.samples->inputs)
      sample_bytes += input.elements() * (input.values.index() == 1 ? 1 : 4);
    window_rows_ = std::max<int64_t>(1, dataset.samples->stream_buffer / std::max<int64_t>(1, sample_bytes));
    int64_t in_window = shuffle_ ? std::max(window_rows_, largest_block) : largest_block;
    places_ = dataset.samples->inputs;
    grow(std::min(dataset.size(), in_window + largest_block + 2 * batch_size_));
  }

  Result<Selection> select(uint32_t epoch, int64_t index) {
    free_.insert(free_.end(), in_use_.begin(), in_use_.end());
    in_use_.clear();
    bool follows = (epoch == epoch_ && index == next_index_) ||
                   (epoch == epoch_ + 1 && index == 0 && next_index_ * batch_size_ >= dataset_.size());
    if (!started_ || !follows)
      if (auto done = seek(epoch, index); !done) return tl::unexpected(done.error());
    epoch_ = epoch;
    next_index_ = index + 1;
    size_t wanted = static_cast<size_t>(std::min(batch_size_, dataset_.size() - index * batch_size_));
    bool last = (index + 1) * batch_size_ >= dataset_.size();
    while (ready_.size() < wanted + (mixes_ && !last ? 1 : 0))
      if (auto done = finish_window(); !done) return tl::unexpected(done.error());
    Selection selection{places_, {}, {}, epoch};
    for (size_t i = 0; i < wanted; ++i) {
      selection.rows.push_back(ready_.front().row);
      selection.positions.push_back(ready_.front().place);
      ready_.pop_front();
    }
    in_use_ = selection.positions;
    if (mixes_) {
      selection.has_follower = true;
      selection.rows.push_back(last ? selection.rows.front() : ready_.front().row);
      selection.positions.push_back(last ? selection.positions.front() : ready_.front().place);
    }
    if (auto done = read_ahead(); !done) return tl::unexpected(done.error());
    selection.inputs = places_;
    return selection;
  }

 private:
  // A block of the stream and which of its samples belong to the dataset: dataset.rows[first .. first + count).
  struct Block {
    int64_t number, first, count;
  };
  // A sample that is in memory.
  struct Held {
    uint64_t key;
    int64_t row, place;
  };

  // The samples of the largest block.
  int64_t find_blocks() {
    const std::vector<int64_t> &rows = dataset_.rows;
    auto row = rows.begin();
    int64_t largest = 1;
    for (int64_t block = 0; block < stream_.blocks() && row != rows.end(); ++block) {
      auto end = std::lower_bound(row, rows.end(), stream_.block_begin[static_cast<size_t>(block) + 1]);
      if (end != row) blocks_.push_back({block, row - rows.begin(), end - row});
      largest = std::max<int64_t>(largest, end - row);
      row = end;
    }
    return largest;
  }

  void grow(int64_t count) {
    for (Array &array : places_) resize(array, count);
    for (int64_t place = count; place-- > capacity_;) free_.push_back(place);
    capacity_ = count;
  }

  // The order of the blocks in an epoch, cut into windows.
  void plan(uint32_t epoch) {
    planned_epoch_ = epoch;
    order_.resize(blocks_.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    if (shuffle_) {
      std::vector<uint64_t> keys(blocks_.size());
      for (size_t i = 0; i < keys.size(); ++i)
        keys[i] = random_key(seed_, RandomUse::shuffle_blocks, epoch, blocks_[i].number);
      std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) { return keys[a] < keys[b]; });
    }
    window_begin_ = next_block_ = 0;
    find_window();
  }

  // From window_begin_ on: as many blocks as fill the buffer; a single one when there is nothing to shuffle.
  void find_window() {
    window_end_ = window_begin_;
    window_size_ = 0;
    while (window_end_ < order_.size()) {
      int64_t count = blocks_[order_[window_end_]].count;
      if (window_size_ > 0 && (!shuffle_ || window_size_ + count > window_rows_)) break;
      window_size_ += count;
      ++window_end_;
    }
  }

  void next_window() {
    window_begin_ = next_block_ = window_end_;
    if (window_begin_ == order_.size())
      plan(planned_epoch_ + 1);
    else
      find_window();
  }

  Result<void> read_block() {
    const Block &block = blocks_[order_[next_block_]];
    auto inputs = stream_.read(block.number);
    if (!inputs) return tl::unexpected(inputs.error());
    for (int64_t i = block.first; i < block.first + block.count; ++i) {
      if (free_.empty()) grow(capacity_ + block.count);
      int64_t row = dataset_.rows[static_cast<size_t>(i)], place = free_.back();
      free_.pop_back();
      for (size_t input = 0; input < places_.size(); ++input)
        copy_sample((*inputs)[input], row - stream_.block_begin[static_cast<size_t>(block.number)], places_[input],
                    place);
      reading_.push_back({shuffle_ ? random_key(seed_, RandomUse::shuffle, planned_epoch_, row) : 0, row, place});
    }
    ++next_block_;
    return {};
  }

  // Reads what is missing of the window, and its samples are ready.
  Result<void> finish_window() {
    while (next_block_ < window_end_)
      if (auto done = read_block(); !done) return done;
    std::sort(reading_.begin(), reading_.end(),
              [](const Held &a, const Held &b) { return std::tie(a.key, a.row) < std::tie(b.key, b.row); });
    ready_.insert(ready_.end(), reading_.begin(), reading_.end());
    reading_.clear();
    ready_at_first_ = ready_.size();
    next_window();
    return {};
  }

  // Blocks of the next window, in proportion to what is used up of this one. After the last window of an epoch comes
  // the first of the next.
  Result<void> read_ahead() {
    double used = 1 - static_cast<double>(ready_.size()) / static_cast<double>(std::max<size_t>(1, ready_at_first_));
    auto goal = static_cast<size_t>(used * static_cast<double>(window_size_));
    while (next_block_ < window_end_ && reading_.size() < goal)
      if (auto done = read_block(); !done) return done;
    return {};
  }

  Result<void> seek(uint32_t epoch, int64_t index) {
    started_ = true;
    for (const Held &held : ready_) free_.push_back(held.place);
    for (const Held &held : reading_) free_.push_back(held.place);
    ready_.clear();
    reading_.clear();
    plan(epoch);
    int64_t skip = index * batch_size_;
    while (skip >= window_size_ && window_end_ < order_.size()) {
      skip -= window_size_;
      next_window();
    }
    if (auto done = finish_window(); !done) return done;
    for (; skip > 0 && !ready_.empty(); --skip) {
      free_.push_back(ready_.front().place);
      ready_.pop_front();
    }
    return {};
  }

  const Dataset &dataset_;
  const Stream &stream_;
  int64_t batch_size_;
  bool shuffle_;
  uint64_t seed_;
  bool mixes_;
  std::vector<Block> blocks_;
  int64_t window_rows_ = 0;  // that fill the buffer

  std::vector<Array> places_;  // one for each input: room for `capacity_` samples
  int64_t capacity_ = 0;
  std::vector<int64_t> free_, in_use_;

  std::vector<size_t> order_;  // of blocks_, in the epoch that is read
  uint32_t planned_epoch_ = 0;
  size_t window_begin_ = 0, window_end_ = 0, next_block_ = 0;  // in order_: the window that is read
  int64_t window_size_ = 0;
  std::vector<Held> reading_;  // its samples so far
  std::deque<Held> ready_;     // samples of windows before it, in order
  size_t ready_at_first_ = 0;  // when the last of them was added

  bool started_ = false;
  uint32_t epoch_ = 0;  // that is given out
  int64_t next_index_ = 0;
};

}  // namespace

int64_t block_bytes_for(int64_t buffer) { return std::clamp<int64_t>(buffer / 64, int64_t{4} << 10, int64_t{1} << 20); }

Selector stream_selector(const Dataset &dataset, const BatchOptions &options) {
  auto buffer = std::make_shared<StreamBuffer>(dataset, options);
  return [buffer](uint32_t epoch, int64_t index) { return buffer->select(epoch, index); };
}

}  // namespace netc::runtime
