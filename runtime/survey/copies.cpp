#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "runtime/data/fingerprint.h"
#include "runtime/survey/survey.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

constexpr size_t kPairsShown = 12;
constexpr double kAlmostNothing = 0.02;  // mean difference of near duplicates, a share of the range
constexpr size_t kCandidates = 200;      // looked at for a picture: where nearly all hashes are alike, not all pairs

// A sample of a part as it is compared.
struct Print {
  int64_t row;
  uint64_t exact;
  uint64_t look;  // the difference hash of a picture
};

// The difference hash: the picture averaged down to 8 rows of 9 cells, a bit for each two neighbours, whether the right
// one is brighter (N. Krawetz: "Kind of like that", 2013). Pictures have at least 9 x 8 pixels.
uint64_t difference_hash(const Array &array, int64_t position) {
  int64_t height = array.shape[0], width = array.shape[1], channels = array.shape[2];
  uint64_t hash = 0;
  std::visit(
      [&](const auto &values) {
        const auto *picture = values.data() + position * array.elements();
        for (int64_t y = 0; y < 8; ++y) {
          double last = 0;
          for (int64_t x = 0; x < 9; ++x) {
            double sum = 0, count = 0;
            for (int64_t v = y * height / 8; v < (y + 1) * height / 8; ++v)
              for (int64_t u = x * width / 9; u < (x + 1) * width / 9; ++u)
                for (int64_t c = 0; c < channels; ++c, ++count)
                  sum += static_cast<double>(picture[(v * width + u) * channels + c]);
            if (x > 0) hash = hash << 1 | (sum / count > last);
            last = sum / count;
          }
        }
      },
      array.values);
  return hash;
}

// The mean difference of two pictures.
double difference(const Array &a, int64_t first, const Array &b, int64_t second) {
  return std::visit(
      [&](const auto &values) {
        const auto &others = std::get<std::decay_t<decltype(values)>>(b.values);
        const auto *p = values.data() + first * a.elements(), *q = others.data() + second * b.elements();
        double sum = 0;
        for (int64_t e = 0; e < a.elements(); ++e)
          sum += std::fabs(static_cast<double>(p[e]) - static_cast<double>(q[e]));
        return sum / static_cast<double>(a.elements());
      },
      a.values);
}

Result<std::vector<Print>> prints_of(const Dataset &dataset, bool pictures) {
  std::vector<Print> prints;
  auto done = for_each_part(*dataset.samples, dataset.rows,
                            [&](std::span<const Array> inputs, const std::vector<int64_t> &positions) {
                              for (int64_t position : positions)
                                prints.push_back({dataset.rows[prints.size()], fingerprint(inputs, position),
                                                  pictures ? difference_hash(inputs[0], position) : 0});
                            });
  if (!done) return tl::unexpected(done.error());
  return prints;
}

uint64_t fingerprint_of_targets(const Samples &samples, int64_t row) { return fingerprint(samples.targets, row); }

// The near duplicates of `others` among `prints`: [row, row]. Hashes that differ in at most three bits agree in at
// least one of four quarters.
std::vector<std::pair<int64_t, int64_t>> near_copies(const std::vector<Print> &prints, const Samples &samples,
                                                     const std::vector<Print> &others, const Samples &other_samples,
                                                     double range) {
  std::unordered_multimap<uint32_t, size_t> quarters;
  const auto key = [](uint64_t look, int quarter) {
    return static_cast<uint32_t>(look >> (16 * quarter) & 0xffff) | static_cast<uint32_t>(quarter) << 16;
  };
  for (size_t i = 0; i < prints.size(); ++i)
    for (int quarter = 0; quarter < 4; ++quarter) quarters.emplace(key(prints[i].look, quarter), i);
  std::vector<std::pair<int64_t, int64_t>> found;
  for (const Print &other : others) {
    bool any = false;
    for (int quarter = 0; quarter < 4 && !any; ++quarter) {
      auto [begin, end] = quarters.equal_range(key(other.look, quarter));
      for (size_t looked = 0; begin != end && looked < kCandidates && !any; ++begin) {
        const Print &one = prints[begin->second];
        if (std::popcount(one.look ^ other.look) > 3 || one.exact == other.exact) continue;
        ++looked;
        any = difference(samples.inputs[0], one.row, other_samples.inputs[0], other.row) <= kAlmostNothing * range;
        if (any) found.emplace_back(one.row, other.row);
      }
    }
  }
  return found;
}

}  // namespace

Result<json> find_copies(const DataSets &data, const std::vector<Field> &inputs) {
  auto parts = survey_parts(data);
  bool streams =
      std::any_of(parts.begin(), parts.end(), [](const SurveyPart &part) { return part.dataset->samples->stream; });
  const auto &shape = inputs[0].shape;
  bool pictures = !streams && inputs.size() == 1 && !inputs[0].is_class && inputs[0].dtype == "f32" &&
                  shape.size() == 3 && shape[2] <= 4 && shape[0] >= 8 && shape[1] >= 9;
  double range = 255;
  if (pictures)
    if (const auto *reals = std::get_if<std::vector<float>>(&data.train.samples->inputs[0].values)) {
      auto [low, high] = std::minmax_element(reals->begin(), reals->end());
      range = *high - *low;
    }
  std::vector<std::vector<Print>> prints;
  json result = {{"within", json::object()}, {"between", json::array()}, {"near", pictures}};
  for (const SurveyPart &part : parts) {
    auto own = prints_of(*part.dataset, pictures);
    if (!own) return tl::unexpected(own.error());
    std::unordered_map<uint64_t, int64_t> seen;
    int64_t again = 0, conflicts = 0;
    for (const Print &print : *own) {
      auto [first, fresh] = seen.emplace(print.exact, print.row);
      again += !fresh;
      conflicts += !fresh && fingerprint_of_targets(*part.dataset->samples, print.row) !=
                                 fingerprint_of_targets(*part.dataset->samples, first->second);
    }
    result["within"][part.name] = again;
    if (part.name == std::string("train")) result["conflicts"] = conflicts;
    prints.push_back(std::move(*own));
  }
  for (size_t a = 0; a < parts.size(); ++a)
    for (size_t b = a + 1; b < parts.size(); ++b) {
      const Samples &first = *parts[a].dataset->samples, &second = *parts[b].dataset->samples;
      std::unordered_map<uint64_t, int64_t> known;
      for (const Print &print : prints[a]) known.emplace(print.exact, print.row);
      json pairs = json::array();
      int64_t exact = 0;
      for (const Print &print : prints[b]) {
        auto found = known.find(print.exact);
        if (found == known.end()) continue;
        if (++exact <= static_cast<int64_t>(kPairsShown)) pairs.push_back({found->second, print.row, "same"});
      }
      json between = {{"parts", {parts[a].name, parts[b].name}}, {"samples", exact}, {"near", 0}, {"groups", 0}};
      if (pictures) {
        auto near = near_copies(prints[a], first, prints[b], second, range);
        between["near"] = near.size();
        for (size_t i = 0; i < near.size() && pairs.size() < kPairsShown; ++i)
          pairs.push_back({near[i].first, near[i].second, "near"});
      }
      between["pairs"] = std::move(pairs);
      std::unordered_set<int64_t> groups, shared;
      if (!first.groups.empty() && !second.groups.empty()) {
        for (int64_t row : parts[a].dataset->rows) groups.insert(first.groups[static_cast<size_t>(row)]);
        for (int64_t row : parts[b].dataset->rows)
          if (int64_t group = second.groups[static_cast<size_t>(row)]; groups.contains(group)) shared.insert(group);
      }
      between["groups"] = shared.size();
      result["between"].push_back(std::move(between));
    }
  return result;
}

}  // namespace netc::runtime
