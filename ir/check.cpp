#include "ir/check.h"

#include "fmt/format.h"
#include "support/diagnostics.h"

namespace netc {
namespace {

constexpr std::string_view kKindNames[] = {"a boolean",          "an integer",        "a number", "a string",
                                           "a list of integers", "a list of numbers", "a shape"};

const AttributeDef *find_attribute(const OpDef &def, std::string_view name) {
  for (const AttributeDef &attribute : def.attributes)
    if (attribute.name == name) return &attribute;
  return nullptr;
}

Result<void> check_limits(const OpDef &def, const AttributeDef &attribute, int64_t value) {
  if (value < attribute.minimum)
    return fail(fmt::format("{}: {} must be at least {}, got {}", def.name, attribute.name, attribute.minimum, value));
  if (value > attribute.maximum)
    return fail(fmt::format("{}: {} must be at most {}, got {}", def.name, attribute.name, attribute.maximum, value));
  return {};
}

Result<void> check_shape(const OpDef &def, const AttributeDef &attribute, const Shape &shape) {
  for (Dim dim : shape)
    if (dim.size < 1)
      return fail(
          fmt::format("{}: every size of {} must be at least 1, got {}", def.name, attribute.name, to_string(shape)));
  if (auto count = element_count(shape); !count) return tl::unexpected(count.error());
  return {};
}

Result<void> check_value(const OpDef &def, const AttributeDef &attribute, const Attribute &value) {
  if (value.index() != static_cast<size_t>(attribute.kind))
    return fail(fmt::format("{}: {} must be {}, got {}", def.name, attribute.name,
                            kKindNames[static_cast<size_t>(attribute.kind)], kKindNames[value.index()]));
  if (const auto *integer = std::get_if<int64_t>(&value)) return check_limits(def, attribute, *integer);
  if (const auto *list = std::get_if<std::vector<int64_t>>(&value)) {
    for (int64_t element : *list)
      if (auto fits = check_limits(def, attribute, element); !fits) return fits;
  }
  if (const auto *shape = std::get_if<Shape>(&value)) return check_shape(def, attribute, *shape);
  return {};
}

std::string count_of_operands(const OpDef &def) {
  size_t least = def.operands.size();
  bool open = least > 0 && def.operands.back().variadic;
  if (open) --least;
  return fmt::format("{}{} operand{}", open ? "at least " : "", least, least == 1 ? "" : "s");
}

}  // namespace

Result<void> complete_attributes(const OpDef &def, Attributes &attributes) {
  for (const auto &[name, value] : attributes) {
    const AttributeDef *attribute = find_attribute(def, name);
    if (!attribute) {
      std::vector<std::string> names;
      for (const AttributeDef &known : def.attributes) names.emplace_back(known.name);
      std::string near = nearest_name(name, names);
      return fail(fmt::format("{} has no attribute \"{}\"", def.name, name),
                  near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
    }
    if (auto good = check_value(def, *attribute, value); !good) return good;
  }
  if (attributes.size() == def.attributes.size()) return {};
  for (const AttributeDef &attribute : def.attributes) {
    if (attributes.find(attribute.name) != attributes.end()) continue;
    if (!attribute.fallback) return fail(fmt::format("{} needs the attribute \"{}\"", def.name, attribute.name));
    attributes.emplace(attribute.name, *attribute.fallback);
  }
  return {};
}

Result<std::vector<Type>> infer_types(const OpDef &def, std::span<const Type> operands, const Attributes &attributes,
                                      const Module *module, const Function *body) {
  bool open = !def.operands.empty() && def.operands.back().variadic;
  size_t least = def.operands.size() - (open ? 1 : 0);
  if (operands.size() < least || (!open && operands.size() > least))
    return fail(fmt::format("{} takes {}, got {}", def.name, count_of_operands(def), operands.size()));
  auto types = def.infer(InferContext{operands, attributes, module, body, def.name});
  if (!types) return types;
  for (const Type &type : *types)
    if (auto count = element_count(type.shape); !count)
      return fail(fmt::format("{}: {}", def.name, count.error().message), count.error().help);
  return types;
}

}  // namespace netc
