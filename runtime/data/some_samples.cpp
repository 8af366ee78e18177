#include "runtime/data/some_samples.h"

#include <algorithm>

namespace netc::runtime {

Dataset some_samples(const Dataset &dataset, int64_t count) {
  count = std::min(count, dataset.size());
  Dataset few = dataset;
  bool streamed = dataset.samples && dataset.samples->stream;
  for (int64_t i = 0; i < count; ++i)
    few.rows[static_cast<size_t>(i)] = dataset.rows[static_cast<size_t>(streamed ? i : i * dataset.size() / count)];
  few.rows.resize(static_cast<size_t>(count));
  return few;
}

}  // namespace netc::runtime
