// Memory for what is measured: written before it is read (untouched pages are all one page of zeros and flatter whoever
// reads them), in huge pages where there are any, as the memory of a compiled program.
#pragma once

#include <cstddef>
#include <memory>

namespace netc::kernel_bench {

// Small numbers, none of them subnormal.
std::shared_ptr<float> filled(size_t elements);
void fill(float *numbers, size_t elements);

}  // namespace netc::kernel_bench
