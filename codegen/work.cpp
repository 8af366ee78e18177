#include "codegen/work.h"

#include <algorithm>
#include <cmath>

#include "codegen/lowering.h"
#include "ir/op.h"

namespace netc {
namespace {

// 2 * (elements of `shape`) * `products`, which has no batch.
Amount twice(const Shape &shape, double products) {
  double elements = 1;
  bool batch = false;
  for (Dim dim : shape) {
    elements *= static_cast<double>(dim.size);
    batch = batch || dim.batch;
  }
  double flops = 2 * elements * products;
  return batch ? Amount{0, flops} : Amount{flops, 0};
}

double kernel_products(const Shape &kernel) {  // [kh, kw, ic / groups, oc]: products of one output element
  return static_cast<double>(kernel[0].size * kernel[1].size * kernel[2].size);
}

Amount flops_of(const OpTask &task) {
  const Function &body = task.body;
  for (const Op &op : body.ops) {
    if (op.def->op_class != OpClass::contraction) continue;
    const Shape &first = body.type(op.operands[0]).shape, &second = body.type(op.operands[1]).shape;
    const Shape &result = body.type(op.results[0]).shape;
    if (op.def->name == "matmul") {
      Dim inner = first[op.get<bool>("transpose_a") ? 0 : 1];
      Amount flops = twice(result, static_cast<double>(inner.size));
      return inner.batch ? Amount{0, flops.fixed} : flops;
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

void add_bytes(Amount &bytes, const Storage &value) {
  if (value.splat || value.slot) return;
  Dim elements = stored_elements(value.layout);
  double size = static_cast<double>(elements.size) * static_cast<double>(byte_size(value.layout.type.dtype));
  (elements.batch ? bytes.batch : bytes.fixed) += size;
}

}  // namespace

Work work_of(const OpTask &task) {
  Work work{flops_of(task), {}};
  for (const Storage &operand : task.operands) add_bytes(work.bytes, operand);
  for (const Storage &result : task.results) add_bytes(work.bytes, result);
  return work;
}

int64_t samples_per_block(const Work &work, int64_t batch_bytes) {
  constexpr double kCacheBytes = 2e6;
  constexpr double kFlopsPerSecond = 150e9, kBytesPerSecond = 25e9;  // of a core
  constexpr double kWeightShare = 0.03;                              // of the time
  constexpr double kLeast = 16, kMost = 1 << 20;
  double fitting = std::floor(kCacheBytes / static_cast<double>(std::max<int64_t>(batch_bytes, 1)));
  double computing = work.flops.batch / kFlopsPerSecond, moving = work.bytes.batch / kBytesPerSecond;
  double weights = work.bytes.fixed / kBytesPerSecond;
  double worthwhile = std::clamp(weights / (kWeightShare * std::max(computing, 1e-12)), kLeast, kMost);
  // Where moving what is between the layers is a good part of the time, fewer samples are worth reading weights again.
  bool moves = 4 * moving >= computing && 4 * weights <= moving * fitting;
  return static_cast<int64_t>(moves ? std::min(worthwhile, fitting) : worthwhile);
}

}  // namespace netc
