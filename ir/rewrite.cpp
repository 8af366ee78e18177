#include "ir/rewrite.h"

namespace netc {
namespace {

bool is_numbered(const std::string &name) { return name.find_first_not_of("0123456789") == std::string::npos; }

}  // namespace

Rewriter::Rewriter(const Module &module, const Function &from)
    : from_(from), builder_(&module, from.name, from.mode), map_(from.values.size(), kNoValue) {
  for (ValueId argument : from.arguments) {
    map_[argument] = builder_.argument(from.value(argument).name, from.type(argument));
    builder_.set_halo(map_[argument], from.value(argument).halo);
  }
}

std::vector<ValueId> Rewriter::map(const std::vector<ValueId> &old) const {
  std::vector<ValueId> mapped;
  mapped.reserve(old.size());
  for (ValueId value : old) mapped.push_back(map_[value]);
  return mapped;
}

void Rewriter::replace(ValueId old, ValueId with) {
  map_[old] = with;
  const Value &value = from_.value(old);
  if (is_numbered(value.name) || !is_numbered(builder_.function().value(with).name)) return;
  builder_.name(with, value.name);
}

void Rewriter::copy(const Op &op) {
  std::vector<ValueId> results = builder_.clone(op, from_, map(op.operands));
  for (size_t i = 0; i < results.size(); ++i) map_[op.results[i]] = results[i];
}

Op Rewriter::mapped(const Op &op) const {
  return Op{op.def, map(op.operands), {}, op.attributes, op.body, op.location};
}

Function Rewriter::finish() { return builder_.finish(map(from_.results), from_.result_names); }

Function rewrite(const Module &module, const Function &from,
                 const std::function<bool(Rewriter &, const Op &)> &handle) {
  Rewriter rewriter(module, from);
  for (const Op &op : from.ops) {
    rewriter.builder().set_location(op.location);
    if (!handle(rewriter, op)) rewriter.copy(op);
  }
  return rewriter.finish();
}

std::vector<uint32_t> use_counts(const Function &function) {
  std::vector<uint32_t> counts(function.values.size(), 0);
  for (const Op &op : function.ops)
    for (ValueId operand : op.operands) ++counts[operand];
  for (ValueId result : function.results) ++counts[result];
  return counts;
}

std::vector<uint32_t> defining_ops(const Function &function) {
  std::vector<uint32_t> definitions(function.values.size(), UINT32_MAX);
  for (size_t i = 0; i < function.ops.size(); ++i)
    for (ValueId result : function.ops[i].results) definitions[result] = static_cast<uint32_t>(i);
  return definitions;
}

}  // namespace netc
