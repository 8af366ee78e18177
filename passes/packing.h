// Static packing of buffers with known lifetimes into one arena: the offsets of two buffers that live at the same time
// must not overlap, and the arena should be small. (Dynamic storage allocation: NP-hard; a few greedy orders come
// within a few percent of the lower bound in practice.)
#pragma once

#include <cstdint>
#include <vector>

namespace netc {

struct Buffer {
  int64_t bytes = 0;             // a multiple of the alignment
  uint32_t first = 0, last = 0;  // lifetime, both ends included
  int64_t offset = 0;            // the answer
};

// Sets the offsets and returns the size of the arena.
int64_t pack(std::vector<Buffer> &buffers);

}  // namespace netc
