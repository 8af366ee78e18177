#include "passes/op_key.h"

#include <fmt/format.h>

#include <bit>

#include "ir/op.h"

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

}  // namespace

std::string op_key(const Op &op, const std::vector<ValueId> &operands) {
  std::string key(op.def->name);
  for (ValueId operand : operands) key += fmt::format(" {}", operand);
  for (const auto &[name, attribute] : op.attributes) {
    key += fmt::format(" {}={}", name, attribute.index());
    std::visit([&](const auto &value) { append(key, value); }, attribute);
  }
  return key;
}

}  // namespace netc
