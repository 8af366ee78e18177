// Decides where every value lives: weights in the weight block, results in the caller's buffers, everything else in one
// of two arenas, one of fixed size and one that grows with the batch.
//
// Why: the program never allocates, and the peak is known when it is compiled. In the batch arena a value of s bytes a
// sample at offset o occupies [o * B, (o + s) * B), so two values overlap for one batch exactly when they do for all,
// and one static packing serves every batch.
//
// Before: ops are in execution order, fused; function results are made by ops of their own (pass `halos`).
// After: every value that exists in memory has a placement; check_memory_plan agrees.
//
// A value may take over the buffer of an operand that dies at the op (in place) when the op is a map that reads that
// operand at the index it writes. A written value is made in the weight's own storage when nobody needs the old value
// any more.
#include <algorithm>
#include <limits>
#include <map>

#include "passes/analysis.h"
#include "passes/packing.h"
#include "passes/passes.h"
#include "passes/storage.h"
#include "passes/transforms.h"

namespace netc {
namespace {

constexpr int64_t kAlignment = 64;  // a cache line, and the widest vector

int64_t align(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

class MemoryPlanner {
 public:
  MemoryPlanner(const Module &module, Function &function)
      : module_(module), function_(function), root_(alias_roots(function)), lives_(live_ranges(function, root_)) {}

  void run() {
    place_by_kind();
    place_results();
    place_written_weights();
    make_buffers();
    pack_buffers();
    place_views();
  }

 private:
  Placement &placement(ValueId value) { return function_.values[value].placement; }

  // Arguments and reads have their place; constants and runtime values are part of the code.
  void place_by_kind() {
    for (Value &value : function_.values) value.placement = {};
    in_memory_.assign(function_.values.size(), false);
    for (size_t i = 0; i < function_.arguments.size(); ++i)
      placement(function_.arguments[i]) = {Space::input, static_cast<int64_t>(i)};
    for (const Op &op : function_.ops) {
      if (op.def->name == "read") {
        placement(op.results[0]) = {Space::weights, module_.find_weight(op.get<std::string>("weight"))->offset};
      } else if (op.def->op_class != OpClass::state && op.def->op_class != OpClass::view) {
        for (ValueId result : op.results) in_memory_[result] = true;
      }
    }
  }

  void place_results() {
    for (size_t i = 0; i < function_.results.size(); ++i) {
      ValueId root = root_[function_.results[i]];
      if (in_memory_[root] && placement(root).space == Space::none)
        placement(root) = {Space::output, static_cast<int64_t>(i)};
    }
  }

  // A written value is made in the weight itself when all reads of the old value come before, or are reads of the same
  // map at the same index. Otherwise `write` stays a copy.
  void place_written_weights() {
    for (const Op &write : function_.ops) {
      if (write.def->name != "write") continue;
      ValueId value = root_[write.operands[0]];
      const Weight &weight = *module_.find_weight(write.get<std::string>("weight"));
      if (!in_memory_[value] || placement(value).space != Space::none || !function_.value(value).halo.empty()) continue;
      if (may_replace(weight, value)) placement(value) = {Space::weights, weight.offset};
    }
  }

  bool may_replace(const Weight &weight, ValueId value) const {
    uint32_t definition = lives_[value].first;
    for (const Op &op : function_.ops) {
      if (op.def->name != "read" || op.get<std::string>("weight") != weight.name) continue;
      ValueId old = op.results[0];
      if (lives_[old].last > definition) return false;
      if (lives_[old].last == definition && !reads_where_it_writes(function_, root_, definition, old, value))
        return false;
    }
    return true;
  }

  // One buffer for each value left, or for several that hand it on from operand to result.
  void make_buffers() {
    buffer_of_.assign(function_.values.size(), kNoBuffer);
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      for (ValueId result : function_.ops[i].results) {
        if (!in_memory_[result] || placement(result).space != Space::none) continue;
        Bytes bytes = stored_bytes(function_.value(result));
        size_t buffer = buffer_to_take_over(i, result);
        if (buffer == kNoBuffer) {
          buffer = buffers_.size();
          buffers_.push_back({align(bytes.size), lives_[result].first, lives_[result].last, 0});
          grows_.push_back(bytes.batch);
        }
        buffers_[buffer].last = lives_[result].last;
        buffer_of_[result] = buffer;
      }
    }
  }

  size_t buffer_to_take_over(uint32_t op_index, ValueId result) const {
    for (ValueId operand : function_.ops[op_index].operands) {
      ValueId old = root_[operand];
      if (buffer_of_[old] == kNoBuffer || lives_[old].last != op_index) continue;
      // Another result of this op may have taken the buffer before.
      if (buffers_[buffer_of_[old]].last != op_index || taken_at(op_index, buffer_of_[old])) continue;
      if (reads_where_it_writes(function_, root_, op_index, old, result)) return buffer_of_[old];
    }
    return kNoBuffer;
  }

  bool taken_at(uint32_t op_index, size_t buffer) const {
    const std::vector<ValueId> &results = function_.ops[op_index].results;
    return std::any_of(results.begin(), results.end(), [&](ValueId r) { return buffer_of_[r] == buffer; });
  }

  void pack_buffers() {
    for (bool batch : {false, true}) {
      std::vector<Buffer> group;
      std::vector<size_t> numbers;
      for (size_t i = 0; i < buffers_.size(); ++i) {
        if (grows_[i] != batch) continue;
        group.push_back(buffers_[i]);
        numbers.push_back(i);
      }
      int64_t bytes = pack(group);
      (batch ? function_.batch_bytes : function_.fixed_bytes) = bytes;
      for (size_t i = 0; i < group.size(); ++i) buffers_[numbers[i]].offset = group[i].offset;
    }
    for (ValueId value = 0; value < function_.values.size(); ++value) {
      if (buffer_of_[value] == kNoBuffer) continue;
      size_t buffer = buffer_of_[value];
      placement(value) = {grows_[buffer] ? Space::batch : Space::fixed, buffers_[buffer].offset};
    }
  }

  void place_views() {
    for (ValueId value = 0; value < function_.values.size(); ++value) placement(value) = placement(root_[value]);
  }

  static constexpr size_t kNoBuffer = std::numeric_limits<size_t>::max();
  const Module &module_;
  Function &function_;
  std::vector<ValueId> root_;
  std::vector<LiveRange> lives_;
  std::vector<bool> in_memory_;  // made by a kernel
  std::vector<Buffer> buffers_;
  std::vector<bool> grows_;  // for each buffer: in the batch arena
  std::vector<size_t> buffer_of_;
};

void place_weights(Module &module) {
  int64_t offset = 0;
  for (Weight &weight : module.weights) {
    weight.offset = offset;
    offset += align(stored_bytes(Value{weight.type}).size);
  }
  module.weight_bytes = offset;
}

}  // namespace

void plan_memory(Module &module) {
  place_weights(module);
  for (Function &function : module.functions) MemoryPlanner(module, function).run();
}

}  // namespace netc
