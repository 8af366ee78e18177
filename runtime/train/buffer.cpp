#include "runtime/train/buffer.h"

#include <sys/mman.h>

namespace netc::runtime {

bool Buffer::reserve(int64_t size) {
  if (size <= size_) return true;
  if (size < 0 || size > INT64_MAX / 2) return false;
  constexpr size_t kSlack = 64, kHugePage = size_t{1} << 21;
  size_t alignment = static_cast<size_t>(size) >= kHugePage ? kHugePage : 64;
  size_t bytes = (static_cast<size_t>(size) + kSlack + alignment - 1) / alignment * alignment;
  data_.reset(static_cast<char *>(std::aligned_alloc(alignment, bytes)));
  size_ = data_ ? size : -1;
  if (data_ && alignment == kHugePage) madvise(data_.get(), bytes, MADV_HUGEPAGE);  // only a hint
  return data_ != nullptr;
}

}  // namespace netc::runtime
