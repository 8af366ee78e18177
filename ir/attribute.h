// Typed attributes of an op: everything about it that is known at compile time and is no tensor.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "ir/type.h"

namespace netc {

// The order of the alternatives is the order of AttributeKind.
using Attribute = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>, std::vector<double>, Shape>;
enum class AttributeKind : uint8_t { boolean, integer, real, string, integers, reals, shape };

// Sorted by name, so that printing is canonical.
using Attributes = std::map<std::string, Attribute, std::less<>>;

}  // namespace netc
