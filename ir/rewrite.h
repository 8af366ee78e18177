// Rebuilding a function op by op: the shape of most passes.
//
//   Rewriter r(module, function);
//   for (const Op &op : function.ops)
//     if (op is interesting) r.replace(op.results[0], emit::...(r.builder(), r.map(op.operands[0]), ...));
//     else r.copy(op);
//   return r.finish();
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ir/builder.h"

namespace netc {

class Rewriter {
 public:
  // Starts a function of the same name and mode with the same arguments. `from` must outlive the rewriter.
  Rewriter(const Module &module, const Function &from);

  Builder &builder() { return builder_; }
  // The value of the new function that stands for this one of the old; kNoValue when nothing does yet.
  ValueId map(ValueId old) const { return map_[old]; }
  std::vector<ValueId> map(const std::vector<ValueId> &old) const;
  // From now on the new value stands for the old one. If only the old one has a name, the new one
  // takes it.
  void replace(ValueId old, ValueId with);
  // Appends a copy with its operands mapped.
  void copy(const Op &op);
  // The op with its operands mapped and no results: what a decomposition takes.
  Op mapped(const Op &op) const;
  // Ends the function with the results of the old one.
  Function finish();

 private:
  const Function &from_;
  Builder builder_;
  std::vector<ValueId> map_;
};

// Rebuilds a function: `handle` appends something in place of an op and returns true, or false to have it copied.
Function rewrite(const Module &module, const Function &from, const std::function<bool(Rewriter &, const Op &)> &handle);

// For each value how many operands and results of the function it is.
std::vector<uint32_t> use_counts(const Function &function);
// For each value the index in `ops` of the op that makes it; UINT32_MAX for arguments.
std::vector<uint32_t> defining_ops(const Function &function);

}  // namespace netc
