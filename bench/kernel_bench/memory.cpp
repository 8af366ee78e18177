#include "bench/kernel_bench/memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

namespace netc::kernel_bench {

void fill(float *numbers, size_t elements) {
  for (size_t i = 0; i < elements; ++i)
    numbers[i] = static_cast<float>(static_cast<int>(i * 2654435761U >> 8) % 17 - 8) / 64;
}

std::shared_ptr<float> filled(size_t elements) {
  constexpr size_t kHugePage = size_t{1} << 21;
  constexpr size_t kSlack = 64;
  size_t bytes = (elements * sizeof(float) + kSlack + kHugePage - 1) / kHugePage * kHugePage;
  std::shared_ptr<float> numbers(static_cast<float *>(std::aligned_alloc(kHugePage, bytes)), std::free);
  madvise(numbers.get(), bytes, MADV_HUGEPAGE);
  fill(numbers.get(), bytes / sizeof(float));
  return numbers;
}

}  // namespace netc::kernel_bench
