#include "passes/packing.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

namespace netc {
namespace {

bool live_together(const Buffer &a, const Buffer &b) { return a.first <= b.last && b.first <= a.last; }

// The lowest end of a gap that fits best between the placed buffers alive at the same time.
int64_t best_offset(const Buffer &buffer, const std::vector<const Buffer *> &placed_by_offset) {
  int64_t best = -1, best_gap = std::numeric_limits<int64_t>::max(), end = 0;
  for (const Buffer *other : placed_by_offset) {
    if (!live_together(buffer, *other)) continue;
    int64_t gap = other->offset - end;
    if (gap >= buffer.bytes && gap < best_gap) {
      best = end;
      best_gap = gap;
    }
    end = std::max(end, other->offset + other->bytes);
  }
  return best >= 0 ? best : end;
}

int64_t pack_in_order(std::vector<Buffer> &buffers, const std::vector<size_t> &order) {
  std::vector<const Buffer *> placed;  // sorted by offset
  int64_t size = 0;
  for (size_t number : order) {
    Buffer &buffer = buffers[number];
    buffer.offset = best_offset(buffer, placed);
    size = std::max(size, buffer.offset + buffer.bytes);
    auto before = [](const Buffer *a, const Buffer *b) { return a->offset < b->offset; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &buffer, before), &buffer);
  }
  return size;
}

}  // namespace

int64_t pack(std::vector<Buffer> &buffers) {
  using Before = std::function<bool(const Buffer &, const Buffer &)>;
  auto length = [](const Buffer &b) { return static_cast<int64_t>(b.last - b.first + 1); };
  const Before orders[] = {
      [](const Buffer &a, const Buffer &b) { return a.bytes > b.bytes; },
      [&](const Buffer &a, const Buffer &b) { return a.bytes * length(a) > b.bytes * length(b); },
      [&](const Buffer &a, const Buffer &b) { return length(a) > length(b); },
      [](const Buffer &a, const Buffer &b) { return a.first < b.first; },
  };
  std::vector<Buffer> best;
  int64_t best_size = std::numeric_limits<int64_t>::max();
  for (const Before &before : orders) {
    std::vector<size_t> order(buffers.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return before(buffers[a], buffers[b]); });
    int64_t size = pack_in_order(buffers, order);
    if (size < best_size) {
      best_size = size;
      best = buffers;
    }
  }
  buffers = std::move(best);
  return best_size;
}

}  // namespace netc
