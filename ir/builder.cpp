#include "ir/builder.h"

#include <cstdio>
#include <cstdlib>

#include "fmt/format.h"
#include "ir/check.h"

namespace netc {
namespace {

// Names are printed bare after a `%`: anything but letters, digits, `_`, `.` becomes `_`.
std::string printable(std::string name) {
  for (char &c : name)
    if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '.') c = '_';
  return name;
}

[[noreturn]] void give_up(std::string_view op, const Error &error) {
  fmt::print(stderr, "internal error: cannot build {}: {}\n", op, error.message);
  std::abort();
}

}  // namespace

Builder::Builder(const Module *module, std::string function_name, Mode mode) : module_(module) {
  function_.name = std::move(function_name);
  function_.mode = mode;
}

ValueId Builder::new_value(Type type, std::string name) {
  auto id = static_cast<ValueId>(function_.values.size());
  function_.values.push_back(Value{std::move(type), std::move(name), {}, {}});
  return id;
}

ValueId Builder::new_numbered_value(Type type) {
  std::string number = std::to_string(next_number_++);
  while (!names_.emplace(number, 0).second) number = std::to_string(next_number_++);
  return new_value(std::move(type), std::move(number));
}

std::string Builder::unique_name(std::string name) {
  name = printable(std::move(name));
  if (name.empty()) name.push_back('_');
  auto [entry, added] = names_.emplace(name, 0);
  if (added) return name;
  std::string candidate;
  do candidate = name + "_" + std::to_string(++names_[name]);
  while (!names_.emplace(candidate, 0).second);
  return candidate;
}

ValueId Builder::argument(std::string name, Type type) {
  ValueId id = new_value(std::move(type), unique_name(std::move(name)));
  function_.arguments.push_back(id);
  return id;
}

Result<std::vector<ValueId>> Builder::append(std::string_view name, std::vector<ValueId> operands,
                                             Attributes attributes, std::shared_ptr<const Function> body) {
  const OpDef *def = find_op(name);
  if (!def) return fail(fmt::format("there is no op \"{}\"", name));
  if (auto good = complete_attributes(*def, attributes); !good) return tl::unexpected(good.error());
  std::vector<Type> operand_types;
  operand_types.reserve(operands.size());
  for (ValueId operand : operands) operand_types.push_back(type(operand));
  auto types = infer_types(*def, operand_types, attributes, module_, body.get());
  if (!types) return tl::unexpected(types.error());
  std::vector<ValueId> results;
  results.reserve(types->size());
  for (Type &result : *types) results.push_back(new_numbered_value(std::move(result)));
  function_.ops.push_back(Op{def, std::move(operands), results, std::move(attributes), std::move(body), location_});
  return results;
}

Result<std::vector<ValueId>> Builder::try_emit(std::string_view op, std::vector<ValueId> operands,
                                               Attributes attributes) {
  return append(op, std::move(operands), std::move(attributes), nullptr);
}

ValueId Builder::emit(std::string_view op, std::vector<ValueId> operands, Attributes attributes) {
  auto results = append(op, std::move(operands), std::move(attributes), nullptr);
  if (!results) give_up(op, results.error());
  return results->empty() ? kNoValue : results->front();
}

std::vector<ValueId> Builder::clone(const Op &op, const Function &from, std::vector<ValueId> operands) {
  std::vector<Type> operand_types;
  operand_types.reserve(operands.size());
  for (ValueId operand : operands) operand_types.push_back(type(operand));
  auto types = infer_types(*op.def, operand_types, op.attributes, module_, op.body.get());
  if (!types) give_up(op.def->name, types.error());
  std::vector<ValueId> results;
  for (size_t i = 0; i < types->size(); ++i) {
    const Value &old = from.values[op.results[i]];
    bool numbered = old.name.find_first_not_of("0123456789") == std::string::npos;
    ValueId id = numbered ? new_numbered_value(std::move((*types)[i]))
                          : new_value(std::move((*types)[i]), unique_name(old.name));
    function_.values[id].halo = old.halo;
    results.push_back(id);
  }
  function_.ops.push_back(Op{op.def, std::move(operands), results, op.attributes, op.body, op.location});
  return results;
}

std::vector<ValueId> Builder::fused(std::string kind, std::vector<ValueId> operands, Function body) {
  body.name.clear();
  body.mode = function_.mode;
  body.result_names.clear();
  auto results = append("fused", std::move(operands), {{"kind", std::move(kind)}},
                        std::make_shared<const Function>(std::move(body)));
  if (!results) give_up("fused", results.error());
  return *results;
}

ValueId Builder::constant(double value, DType dtype) {
  return emit("constant", {},
              {{"dtype", std::string(netc::name(dtype))}, {"shape", Shape{}}, {"values", std::vector<double>{value}}});
}

void Builder::name(ValueId value, std::string name) {
  std::string &current = function_.values[value].name;
  if (current == name) return;
  names_.erase(current);
  current = unique_name(std::move(name));
}

Function Builder::finish(std::vector<ValueId> results, std::vector<std::string> result_names) {
  function_.results = std::move(results);
  function_.result_names = std::move(result_names);
  return std::move(function_);
}

}  // namespace netc
