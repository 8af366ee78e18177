// The independent checker of the memory plan. It shares no code with the plan: it plays every function through,
// remembering for each byte which value was written there last. An op whose operand's bytes no longer belong to it is a
// mistake of the plan, and so is an op that writes over an operand it may still have to read.
//
// The bytes of the batch arena are counted per sample: two values there overlap for one batch exactly when they do for
// all.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "ir/op.h"
#include "passes/analysis.h"
#include "passes/passes.h"

namespace netc {
namespace {

struct Range {
  int64_t begin = 0, end = 0;
};

// Which owner holds each byte of one space.
class OwnerMap {
 public:
  void take(Range range, int64_t owner) {
    if (range.begin >= range.end) return;
    split(range.begin);
    split(range.end);
    pieces_.erase(pieces_.lower_bound(range.begin), pieces_.lower_bound(range.end));
    pieces_[range.begin] = {range.end, owner};
  }
  bool all_owned_by(Range range, int64_t owner) const {
    int64_t at = range.begin;
    auto piece = pieces_.upper_bound(at);
    if (piece != pieces_.begin()) --piece;
    for (; at < range.end; ++piece) {
      if (piece == pieces_.end() || piece->first > at || piece->second.end <= at || piece->second.owner != owner)
        return false;
      at = piece->second.end;
    }
    return true;
  }

 private:
  struct Piece {
    int64_t end, owner;
  };
  void split(int64_t at) {
    auto piece = pieces_.lower_bound(at);
    if (piece == pieces_.begin()) return;
    --piece;
    if (piece->second.end <= at) return;
    pieces_[at] = piece->second;
    piece->second.end = at;
  }
  std::map<int64_t, Piece> pieces_;  // by begin
};

class Checker {
 public:
  Checker(const Module &module, const Function &function) : module_(module), function_(function) {}

  std::vector<std::string> run() {
    owner_.resize(function_.values.size());
    for (ValueId value = 0; value < owner_.size(); ++value) owner_[value] = value;
    for (size_t i = 0; i < module_.weights.size(); ++i) weights().take(weight_range(module_.weights[i]), old_weight(i));
    for (size_t i = 0; i < function_.arguments.size(); ++i) {
      const Placement &placement = function_.value(function_.arguments[i]).placement;
      if (placement != Placement{Space::input, static_cast<int64_t>(i)})
        report(function_.arguments[i], "is not in its input");
    }
    for (const Op &op : function_.ops) play(op);
    check_end();
    return std::move(problems_);
  }

 private:
  OwnerMap &weights() { return maps_[static_cast<size_t>(Space::weights)]; }
  static Range weight_range(const Weight &weight) {
    return {weight.offset, weight.offset + stored_bytes(Value{weight.type}).size};
  }
  // Owners below zero are the weights as they were before the call.
  static int64_t old_weight(size_t number) { return -1 - static_cast<int64_t>(number); }
  size_t weight_number(const Op &op) const {
    const std::string &name = op.get<std::string>("weight");
    auto found =
        std::find_if(module_.weights.begin(), module_.weights.end(), [&](const Weight &w) { return w.name == name; });
    return static_cast<size_t>(found - module_.weights.begin());
  }

  Range range(ValueId value) const {
    const Placement &placement = function_.value(value).placement;
    int64_t size = stored_bytes(function_.value(value)).size;
    // Every output is a buffer of its own, held apart by a stride no value reaches.
    int64_t begin = placement.space == Space::output ? placement.offset << 50 : placement.offset;
    return {begin, begin + size};
  }
  static bool movable(Space space) { return space != Space::none && space != Space::input; }

  void report(ValueId value, std::string_view what) {
    problems_.push_back(fmt::format("@{}: %{} {}", function_.name, function_.value(value).name, what));
  }

  void expect_intact(ValueId value, std::string_view when) {
    Space space = function_.value(value).placement.space;
    if (movable(space) && !maps_[static_cast<size_t>(space)].all_owned_by(range(value), owner_[value]))
      report(value, fmt::format("was overwritten before {}", when));
  }

  void play(const Op &op) {
    for (ValueId operand : op.operands) expect_intact(operand, fmt::format("its use by {}", op.def->name));
    if (op.def->name == "read") return play_read(op);
    if (op.def->name == "write") return play_write(op);
    if (op.def->op_class == OpClass::view) return play_view(op);
    if (op.def->op_class == OpClass::state) {
      for (ValueId result : op.results)
        if (function_.value(result).placement.space != Space::none) report(result, "is no value in memory");
      return;
    }
    for (ValueId result : op.results) play_result(op, result);
    for (ValueId result : op.results) expect_intact(result, "its op was done");
  }

  void play_read(const Op &op) {
    size_t number = weight_number(op);
    owner_[op.results[0]] = old_weight(number);
    if (function_.value(op.results[0]).placement != Placement{Space::weights, module_.weights[number].offset})
      report(op.results[0], "is not in its weight");
    expect_intact(op.results[0], "it was read");
  }

  void play_write(const Op &op) {
    const Weight &weight = module_.weights[weight_number(op)];
    if (function_.value(op.operands[0]).placement != Placement{Space::weights, weight.offset})
      weights().take(weight_range(weight), owner_[op.operands[0]]);
    final_[weight.name] = owner_[op.operands[0]];
  }

  void play_view(const Op &op) {
    owner_[op.results[0]] = owner_[op.operands[0]];
    const Value &result = function_.value(op.results[0]), &operand = function_.value(op.operands[0]);
    if (result.placement != operand.placement) report(op.results[0], "is a view elsewhere than its operand");
    if (!result.halo.empty() || !operand.halo.empty()) report(op.results[0], "is a view of memory with a halo");
  }

  void play_result(const Op &op, ValueId result) {
    const Value &value = function_.value(result);
    Range mine = range(result);
    if (value.placement.space == Space::none) return report(result, "has no place");
    if (value.placement.space == Space::input) return report(result, "lies in an input");
    check_inside(result, mine);
    for (ValueId operand : op.operands) {
      const Value &other = function_.value(operand);
      Range theirs = range(operand);
      bool overlaps =
          other.placement.space == value.placement.space && mine.begin < theirs.end && theirs.begin < mine.end;
      if (overlaps && !in_place_is_sound(op, operand, result))
        report(result, fmt::format("is written over its operand %{}", other.name));
    }
    maps_[static_cast<size_t>(value.placement.space)].take(mine, owner_[result]);
  }

  // The same bytes for the same elements, and a kernel that reads an element only before writing it.
  bool in_place_is_sound(const Op &op, ValueId operand, ValueId result) const {
    const Value &a = function_.value(operand), &b = function_.value(result);
    return op.body != nullptr && op.get<std::string>("kind") == "map" && a.type == b.type && a.halo == b.halo &&
           a.placement == b.placement;
  }

  void check_inside(ValueId result, Range mine) {
    const Value &value = function_.value(result);
    bool grows = stored_bytes(value).batch;
    if (value.placement.offset % 64 != 0 && value.placement.space != Space::output) report(result, "is not aligned");
    switch (value.placement.space) {
      case Space::fixed:
        if (grows || mine.end > function_.fixed_bytes) report(result, "does not fit into the fixed arena");
        break;
      case Space::batch:
        if (!grows || mine.end > function_.batch_bytes) report(result, "does not fit into the batch arena");
        break;
      case Space::weights: {
        auto fits = [&](const Weight &weight) {
          return weight.offset == mine.begin && weight.type.dtype == value.type.dtype &&
                 weight_range(weight).end == mine.end;
        };
        if (std::none_of(module_.weights.begin(), module_.weights.end(), fits)) report(result, "lies in no weight");
        break;
      }
      default:
        if (!value.halo.empty()) report(result, "is a result with a halo");
    }
  }

  void check_end() {
    for (size_t i = 0; i < function_.results.size(); ++i) {
      ValueId result = function_.results[i];
      if (function_.value(result).placement != Placement{Space::output, static_cast<int64_t>(i)})
        report(result, "is a result but not in its output");
      else
        expect_intact(result, "the function ended");
    }
    for (size_t i = 0; i < module_.weights.size(); ++i) {
      const Weight &weight = module_.weights[i];
      auto written = final_.find(weight.name);
      int64_t owner = written == final_.end() ? old_weight(i) : written->second;
      if (!weights().all_owned_by(weight_range(weight), owner))
        problems_.push_back(
            fmt::format("@{}: the weight @{} does not hold its value at the end", function_.name, weight.name));
    }
  }

  const Module &module_;
  const Function &function_;
  std::vector<int64_t> owner_;  // for each value: itself, or what it is a view of
  std::array<OwnerMap, 6> maps_;
  std::map<std::string, int64_t> final_;  // what each written weight must hold at the end
  std::vector<std::string> problems_;
};

// The largest sum of bytes that live together, by space. Values at one place (views, in-place results) count once.
MemoryReport measure(const Function &function) {
  MemoryReport report{function.name, function.fixed_bytes, function.batch_bytes, 0, 0};
  std::map<ValueId, uint32_t> last_use;
  for (uint32_t i = 0; i < function.ops.size(); ++i)
    for (ValueId operand : function.ops[i].operands) last_use[operand] = i;
  std::map<Placement, std::pair<int64_t, uint32_t>, bool (*)(const Placement &, const Placement &)> live(
      [](const Placement &a, const Placement &b) {
        return std::pair(a.space, a.offset) < std::pair(b.space, b.offset);
      });
  for (uint32_t i = 0; i < function.ops.size(); ++i) {
    for (ValueId result : function.ops[i].results) {
      const Value &value = function.value(result);
      if (value.placement.space != Space::fixed && value.placement.space != Space::batch) continue;
      auto use = last_use.find(result);
      auto &entry = live[value.placement];
      entry = {(stored_bytes(value).size + 63) / 64 * 64,
               std::max(entry.second, use == last_use.end() ? i : use->second)};
    }
    int64_t fixed = 0, batch = 0;
    for (const auto &[placement, entry] : live) (placement.space == Space::batch ? batch : fixed) += entry.first;
    report.lower_bound_fixed = std::max(report.lower_bound_fixed, fixed);
    report.lower_bound_batch = std::max(report.lower_bound_batch, batch);
    std::erase_if(live, [&](const auto &item) { return item.second.second <= i; });
  }
  return report;
}

}  // namespace

std::vector<std::string> check_memory_plan(const Module &module) {
  std::vector<std::string> problems;
  for (const Function &function : module.functions)
    for (std::string &problem : Checker(module, function).run()) problems.push_back(std::move(problem));
  return problems;
}

std::vector<MemoryReport> memory_report(const Module &module) {
  std::vector<MemoryReport> reports;
  for (const Function &function : module.functions) reports.push_back(measure(function));
  return reports;
}

}  // namespace netc
