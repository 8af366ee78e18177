#include "codegen/work.h"

#include "codegen/lowering.h"
#include "ir/op.h"

namespace netc {
namespace {

// 2 * (elements of `shape`) * `products`, which has no batch.
Work twice(const Shape &shape, double products) {
  double elements = 1;
  bool batch = false;
  for (Dim dim : shape) {
    elements *= static_cast<double>(dim.size);
    batch = batch || dim.batch;
  }
  double flops = 2 * elements * products;
  return batch ? Work{0, flops} : Work{flops, 0};
}

double kernel_products(const Shape &kernel) {  // [kh, kw, ic / groups, oc]: products of one output element
  return static_cast<double>(kernel[0].size * kernel[1].size * kernel[2].size);
}

}  // namespace

Work contraction_work(const OpTask &task) {
  const Function &body = task.body;
  for (const Op &op : body.ops) {
    if (op.def->op_class != OpClass::contraction) continue;
    const Shape &first = body.type(op.operands[0]).shape, &second = body.type(op.operands[1]).shape;
    const Shape &result = body.type(op.results[0]).shape;
    if (op.def->name == "matmul") {
      Dim inner = first[op.get<bool>("transpose_a") ? 0 : 1];
      Work work = twice(result, static_cast<double>(inner.size));
      return inner.batch ? Work{0, work.fixed_flops} : work;
    }
    if (op.def->name == "conv2d_backward_weights") {
      // Each element of dy meets every tap of the kernel for the channels of its group.
      return twice(second, kernel_products(result));
    }
    const auto &zeros = op.get<std::vector<int64_t>>("input_dilation");
    return twice(result, kernel_products(second) / static_cast<double>(zeros[0] * zeros[1]));
  }
  return {};
}

}  // namespace netc
