#include "runtime/io/nearest.h"

#include <dirent.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace netc::runtime {
namespace {

// Insertions, deletions, replacements and swaps of neighbours.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest_word(std::string_view word, const std::vector<std::string> &candidates) {
  if (word.size() > 200) return {};
  std::string best;
  size_t best_distance = word.size() < 2 ? 1 : std::max<size_t>(1, word.size() / 3) + 1;  // one letter is near nothing
  for (const std::string &candidate : candidates) {
    if (candidate.size() > word.size() + best_distance) continue;
    size_t distance = edit_distance(word, candidate);
    if (distance < best_distance || (distance == best_distance && !best.empty() && candidate < best)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string nearest_file(const std::string &path) {
  size_t slash = path.rfind('/');
  std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  DIR *directory = opendir(folder.empty() ? "." : folder.c_str());
  if (!directory) return {};
  std::vector<std::string> names;
  while (const dirent *entry = readdir(directory)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    if (names.size() == 1000) break;
  }
  closedir(directory);
  std::string best = nearest_word(path.substr(folder.size()), names);
  return best.empty() ? best : folder + best;
}

}  // namespace netc::runtime
