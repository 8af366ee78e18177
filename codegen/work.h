// How much a kernel computes and moves: what `./model bench` sets against the machine's limits.
#pragma once

namespace netc {

struct OpTask;

// Of a batch of B: fixed + batch * B.
struct Amount {
  double fixed = 0;
  double batch = 0;
};
struct Work {
  Amount flops;  // of the contraction, multiplications and additions counted apart
  Amount bytes;  // of the values read and written, each once
};

// Products with the zeros between the elements of a dilated input do not count.
Work work_of(const OpTask &task);

}  // namespace netc
