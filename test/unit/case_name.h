// Names of the cases of a parametrised test: what ctest lists and what `tools/test -R` finds.
#pragma once

#include <cctype>
#include <string>
#include <string_view>

namespace netc::test {

// The letters and digits of `text` joined by underscores, and `index`, which keeps cases with the same text apart:
// "x -> dense(3)", 0 gives "x_dense_3_case0".
inline std::string case_name(std::string_view text, size_t index) {
  std::string name;
  for (char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)))
      name += c;
    else if (!name.empty() && name.back() != '_')
      name += '_';
  }
  if (name.empty() || name.back() != '_') name += '_';
  return name + "case" + std::to_string(index);
}

// For INSTANTIATE_TEST_SUITE_P: a case whose parameter is a text is named after it.
inline constexpr auto named_by_text = [](const auto &info) { return case_name(info.param, info.index); };

}  // namespace netc::test
