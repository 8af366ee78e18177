// Ops with the same operands and attributes become one (common subexpressions).
//
// Why: forward and backward ask for the same values, and blocks used twice repeat what depends on weights alone. Every
// op is a function of operands, attributes and the call: random numbers are keyed by their stream, and reads see the
// weight as it was before the call, so both may be shared too. Writes may not.
#include <fmt/format.h>

#include <bit>
#include <unordered_map>

#include "passes/analysis.h"
#include "passes/transforms.h"

namespace netc {
namespace {

void append(std::string &key, bool value) { key += value ? 't' : 'f'; }
void append(std::string &key, int64_t value) { key += fmt::format("{},", value); }
// By bits: two zeros of different sign are not the same constant.
void append(std::string &key, double value) { key += fmt::format("{:x},", std::bit_cast<uint64_t>(value)); }
void append(std::string &key, const std::string &value) { key += fmt::format("{}:{}", value.size(), value); }
void append(std::string &key, Dim dim) { key += fmt::format("{}{},", dim.size, dim.batch ? "B" : ""); }
template <typename T>
void append(std::string &key, const std::vector<T> &list) {
  for (const T &item : list) append(key, item);
  key += ';';
}

std::string key_of(const Op &op, const std::vector<ValueId> &operands) {
  std::string key(op.def->name);
  for (ValueId operand : operands) key += fmt::format(" {}", operand);
  for (const auto &[name, attribute] : op.attributes) {
    key += fmt::format(" {}={}", name, attribute.index());
    std::visit([&](const auto &value) { append(key, value); }, attribute);
  }
  return key;
}

}  // namespace

void share_common_ops(Module &module) {
  for (Function &function : module.functions) {
    Rewriter rewriter(module, function);
    std::unordered_map<std::string, std::vector<ValueId>> seen;
    for (const Op &op : function.ops) {
      if (has_effect(op) || op.body != nullptr) {
        rewriter.copy(op);
        continue;
      }
      std::string key = key_of(op, rewriter.map(op.operands));
      auto earlier = seen.find(key);
      if (earlier == seen.end()) {
        rewriter.copy(op);
        seen.emplace(std::move(key), rewriter.map(op.results));
      } else {
        replace_results(rewriter, op, earlier->second);
      }
    }
    function = rewriter.finish();
  }
}

}  // namespace netc
