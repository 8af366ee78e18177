// How much a kernel computes and moves: what `./model bench` sets against the machine's limits.
#pragma once

#include <cstdint>

namespace netc {

struct OpTask;

// Of a batch of B: fixed + batch * B.
struct Amount {
  double fixed = 0;
  double batch = 0;

  Amount &operator+=(const Amount &other) {
    fixed += other.fixed;
    batch += other.batch;
    return *this;
  }
};
struct Work {
  Amount flops;  // of the contraction, multiplications and additions counted apart
  Amount bytes;  // of the values read and written, each once

  Work &operator+=(const Work &other) {
    flops += other.flops;
    bytes += other.bytes;
    return *this;
  }
};

// Products with the zeros between the elements of a dilated input do not count.
Work work_of(const OpTask &task);

// How many samples of a function that treats them apart go through all its layers together (nc_function_entry): few, so
// that what is between the layers stays in the second-level cache of a core; but enough for reading the weights to be
// a small part of the work. `work` is of the whole function, `batch_bytes` its workspace for each sample.
int64_t samples_per_block(const Work &work, int64_t batch_bytes);

}  // namespace netc
