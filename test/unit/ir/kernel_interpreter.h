// A KernelBuilder that computes at once, with doubles, instead of emitting code: it proves an op's lowering against its
// reference evaluation without a code generator. It also checks what the contract promises: operands of one element
// type, loads in bounds, indices made from numbers only used to load and accumulate.
#pragma once

#include <string>
#include <vector>

#include "ir/op.h"
#include "ir/tensor.h"

namespace netc::test {

// Runs the lowering of `op` over the whole result.
struct Interpretation {
  Tensor result;
  std::vector<std::string> violations;  // of the contract
};
Interpretation interpret(const Op &op, const std::vector<Type> &operand_types, const std::vector<Tensor> &operands,
                         const Type &result_type, int64_t batch, uint64_t seed, uint64_t step);

}  // namespace netc::test
