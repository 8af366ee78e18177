#include "tools/netc/tune/importance.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "tools/netc/tune/draws.h"

namespace netc::tune {
namespace {

constexpr size_t kTrees = 64;
constexpr size_t kLeastSamples = 6;
constexpr size_t kLeastInLeaf = 2;

using Point = std::vector<double>;  // of the unit cube
struct Box {
  Point low, high;
  double value = 0;
  double volume(size_t without) const {
    double product = 1;
    for (size_t i = 0; i < low.size(); ++i)
      if (i != without) product *= high[i] - low[i];
    return product;
  }
};

// A regression tree on some of the points; its leaves as boxes.
class Tree {
 public:
  Tree(const std::vector<Point> &points, const std::vector<double> &scores, uint64_t seed, uint32_t number)
      : points_(points), scores_(scores), seed_(seed), number_(number) {
    size_t count = points.size(), dimensions = points[0].size();
    std::vector<size_t> drawn(count);  // with replacement
    for (size_t i = 0; i < count; ++i) drawn[i] = static_cast<size_t>(random() * static_cast<double>(count));
    split(std::move(drawn), Box{Point(dimensions, 0.0), Point(dimensions, 1.0), 0});
  }
  std::vector<Box> leaves;

 private:
  double random() { return draw(seed_, Purpose::forest, number_, 0, next_++); }

  struct Cut {
    size_t dimension = 0;
    double at = 0, gain = 1e-12;
  };

  // The cut of one dimension with the greatest decrease of the sum of squares.
  void consider(const std::vector<size_t> &members, size_t dimension, Cut &best) const {
    std::vector<size_t> order = members;
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return points_[a][dimension] < points_[b][dimension]; });
    double total = 0, left = 0;
    for (size_t i : order) total += scores_[i];
    auto count = static_cast<double>(order.size());
    for (size_t i = 0; i + 1 < order.size(); ++i) {
      left += scores_[order[i]];
      double x = points_[order[i]][dimension], next = points_[order[i + 1]][dimension];
      if (next <= x || i + 1 < kLeastInLeaf || order.size() - i - 1 < kLeastInLeaf) continue;
      auto below = static_cast<double>(i + 1);
      double right = total - left;
      double gain = left * left / below + right * right / (count - below) - total * total / count;
      if (gain > best.gain) best = {dimension, (x + next) / 2, gain};
    }
  }

  void split(std::vector<size_t> members, Box box) {
    size_t dimensions = box.low.size();
    Cut cut;
    std::vector<size_t> order(dimensions);
    std::iota(order.begin(), order.end(), size_t{0});
    for (size_t i = dimensions; i > 1; --i)
      std::swap(order[i - 1], order[static_cast<size_t>(random() * static_cast<double>(i))]);
    order.resize((2 * dimensions + 2) / 3);
    for (size_t dimension : order) consider(members, dimension, cut);
    if (cut.at == 0) {
      double sum = 0;
      for (size_t i : members) sum += scores_[i];
      box.value = sum / static_cast<double>(members.size());
      leaves.push_back(std::move(box));
      return;
    }
    std::vector<size_t> below, above;
    for (size_t i : members) (points_[i][cut.dimension] < cut.at ? below : above).push_back(i);
    Box left = box, right = std::move(box);
    left.high[cut.dimension] = right.low[cut.dimension] = cut.at;
    split(std::move(below), std::move(left));
    split(std::move(above), std::move(right));
  }

  const std::vector<Point> &points_;
  const std::vector<double> &scores_;
  uint64_t seed_;
  uint32_t number_, next_ = 0;
};

// The variance of the marginal of one dimension.
double variance_of_marginal(const std::vector<Box> &leaves, size_t dimension, double mean) {
  std::set<double> ends = {0, 1};
  for (const Box &leaf : leaves) ends.insert({leaf.low[dimension], leaf.high[dimension]});
  double variance = 0;
  for (auto low = ends.begin(), high = std::next(low); high != ends.end(); ++low, ++high) {
    double marginal = 0;
    for (const Box &leaf : leaves)
      if (leaf.low[dimension] <= *low && leaf.high[dimension] >= *high) marginal += leaf.value * leaf.volume(dimension);
    variance += (*high - *low) * (marginal - mean) * (marginal - mean);
  }
  return variance;
}

}  // namespace

std::vector<double> importance(const Space &space, const std::vector<Sample> &samples, uint64_t seed) {
  if (samples.size() < kLeastSamples || space.dimensions.empty()) return {};
  std::vector<Point> points;
  std::vector<double> scores;
  for (const Sample &sample : samples) {
    Point point;
    for (const Dimension &dimension : space.dimensions) {
      auto value = sample.values.find(dimension.name);
      point.push_back(dimension.to_unit(value == sample.values.end() ? dimension.fallback : value->second));
    }
    points.push_back(std::move(point));
    scores.push_back(sample.score);
  }
  if (std::all_of(scores.begin(), scores.end(), [&](double score) { return score == scores[0]; })) return {};

  size_t none = space.dimensions.size(), counted = 0;
  std::vector<double> shares(none, 0.0);
  for (uint32_t number = 0; number < kTrees; ++number) {
    Tree tree(points, scores, seed, number);
    double mean = 0, variance = 0;
    for (const Box &leaf : tree.leaves) mean += leaf.value * leaf.volume(none);
    for (const Box &leaf : tree.leaves) variance += (leaf.value - mean) * (leaf.value - mean) * leaf.volume(none);
    if (variance <= 0) continue;
    ++counted;
    for (size_t i = 0; i < none; ++i) shares[i] += variance_of_marginal(tree.leaves, i, mean) / variance;
  }
  if (counted == 0) return {};
  for (double &share : shares) share /= static_cast<double>(counted);
  return shares;
}

}  // namespace netc::tune
