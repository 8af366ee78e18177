// How much arithmetic a kernel's contraction does: what `./model bench` sets against the machine's peak.
#pragma once

namespace netc {

struct OpTask;

// Multiplications and additions counted apart: fixed_flops + batch_flops * B.
struct Work {
  double fixed_flops = 0;
  double batch_flops = 0;
};

// The work of the matmul or convolution in the task's body; nothing when it has none. Products with the zeros between
// the elements of a dilated input do not count.
Work contraction_work(const OpTask &task);

}  // namespace netc
