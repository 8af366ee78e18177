// "Did you mean": the nearest of some names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace netc::runtime {

// The candidate with the smallest edit distance to `word`, or "" when none is within a third of its length.
std::string nearest_word(std::string_view word, const std::vector<std::string> &candidates);
// The path of the file in the folder of `path` with the name nearest to it, or "".
std::string nearest_file(const std::string &path);

}  // namespace netc::runtime
