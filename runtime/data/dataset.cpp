#include "runtime/data/dataset.h"

#include <algorithm>

namespace netc::runtime {

Result<void> for_each_part(const Samples &samples, const std::vector<int64_t> &rows, const EachPart &each) {
  if (!samples.stream) {
    each(samples.inputs, rows);
    return {};
  }
  const std::vector<int64_t> &begins = samples.stream->block_begin;
  auto row = rows.begin();
  for (int64_t block = 0; block < samples.stream->blocks() && row != rows.end(); ++block) {
    auto end = std::lower_bound(row, rows.end(), begins[static_cast<size_t>(block) + 1]);
    if (row == end) continue;
    auto inputs = samples.stream->read(block);
    if (!inputs) return tl::unexpected(inputs.error());
    std::vector<int64_t> positions(row, end);
    for (int64_t &position : positions) position -= begins[static_cast<size_t>(block)];
    each(*inputs, positions);
    row = end;
  }
  return {};
}

}  // namespace netc::runtime
