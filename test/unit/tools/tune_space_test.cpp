#include "tools/netc/tune/space.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tools/netc/tune/sampler.h"

namespace netc::tune {
namespace {

using nlohmann::json;

json range(double low, double high, bool log, bool integer) {
  return {{"kind", "range"}, {"low", low}, {"high", high}, {"log", log}, {"integer", integer}};
}
json param(const char *name, json value, const char *kind, json space, json condition = nullptr) {
  return {{"name", name}, {"value", value}, {"kind", kind}, {"space", space}, {"condition", condition}};
}

Space example() {
  json is_sgd = {{"op", "=="}, {"operands", {{{"param", "rule"}}, "sgd"}}};
  return space_of(json::array({param("width", 16, "integer", {{"kind", "choice"}, {"values", {8, 16, 32}}}),
                               param("rate", 0.25, "real", range(0.1, 0.5, false, false)),
                               param("lr", 1e-3, "real", range(1e-4, 1e-1, true, false)),
                               param("depth", 3, "integer", range(1, 4, false, true)),
                               param("units", 64, "integer", range(8, 512, true, true)),
                               param("rule", "sgd", "string", {{"kind", "choice"}, {"values", {"sgd", "adam"}}}),
                               param("momentum", 0.9, "real", range(0.5, 0.99, false, false), is_sgd),
                               param("plain", 1, "integer", nullptr)}),
                  {});
}

// The values of a dimension in `count` random trials.
std::vector<json> drawn(const std::string &name, uint32_t count, uint64_t seed = 1) {
  Space space = example();
  std::vector<json> values;
  for (uint32_t trial = 0; trial < count; ++trial) {
    Values all = random_values(space, seed, trial, 0);
    if (auto value = all.find(name); value != all.end()) values.push_back(value->second);
  }
  return values;
}

// The greatest distance between the distribution of the values and that of a uniform number (Kolmogorov and Smirnov).
double distance_from_uniform(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  double worst = 0;
  auto count = static_cast<double>(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    worst = std::max({worst, std::abs(values[i] - static_cast<double>(i) / count),
                      std::abs(values[i] - static_cast<double>(i + 1) / count)});
  return worst;
}

TEST(TuneSpace, RealNumbersAreUniform) {
  std::vector<double> shares;
  for (const json &value : drawn("rate", 4000)) shares.push_back((value.get<double>() - 0.1) / 0.4);
  EXPECT_LT(distance_from_uniform(shares), 1.63 / std::sqrt(4000));  // 1 % of the samples would be farther
  EXPECT_GE(*std::min_element(shares.begin(), shares.end()), 0);
  EXPECT_LE(*std::max_element(shares.begin(), shares.end()), 1);
}

TEST(TuneSpace, LogarithmsAreUniform) {
  std::vector<double> shares;
  for (const json &value : drawn("lr", 4000)) shares.push_back(std::log10(value.get<double>() / 1e-4) / 3);
  EXPECT_LT(distance_from_uniform(shares), 1.63 / std::sqrt(4000));
}

TEST(TuneSpace, WholeNumbersAndChoicesAreAlike) {
  std::map<json, int> depths, widths;
  for (const json &value : drawn("depth", 4000)) ++depths[value];
  for (const json &value : drawn("width", 3000)) ++widths[value];
  ASSERT_EQ(depths.size(), 4u);
  ASSERT_EQ(widths.size(), 3u);
  for (const auto &[value, count] : depths) EXPECT_NEAR(count, 1000, 110) << value;
  for (const auto &[value, count] : widths) EXPECT_NEAR(count, 1000, 110) << value;
  int small = 0;
  std::vector<json> units = drawn("units", 4000);
  for (const json &value : units) {
    EXPECT_TRUE(value.is_number_integer() && value >= 8 && value <= 512) << value;
    small += value < 64;
  }
  EXPECT_NEAR(small, 2000, 160);  // half of the factors of two
}

TEST(TuneSpace, AConditionDecidesWhatIsVaried) {
  std::vector<json> momenta = drawn("momentum", 2000), rules = drawn("rule", 2000);
  EXPECT_EQ(momenta.size(), static_cast<size_t>(std::count(rules.begin(), rules.end(), "sgd")));
  EXPECT_NEAR(static_cast<double>(momenta.size()), 1000, 110);
}

TEST(TuneSpace, ConditionsJoin) {
  Space space = example();
  Dimension dimension;
  auto holds = [&](const char *text, Values values) {
    dimension.condition = json::parse(text);
    return space.active(dimension, values);
  };
  const char *both = R"({"op":"and","operands":[{"op":">","operands":[{"param":"depth"},2]},
                        {"op":"not","operands":[{"op":"!=","operands":[{"param":"rule"},"adam"]}]}]})";
  EXPECT_TRUE(holds(both, {{"depth", 3}, {"rule", "adam"}}));
  EXPECT_FALSE(holds(both, {{"depth", 2}, {"rule", "adam"}}));
  EXPECT_FALSE(holds(both, {{"depth", 3}, {"rule", "sgd"}}));
  EXPECT_TRUE(holds(R"({"op":"or","operands":[{"param":"a"},{"op":"<=","operands":[1,{"param":"plain"}]}]})",
                    {{"a", false}}));  // what a trial does not vary has the value in the file
}

TEST(TuneSpace, ATrialDependsOnTheSeedAndItsNumberAlone) {
  Space space = example();
  Values fifth = random_values(space, 7, 5, 0);
  for (uint32_t trial = 0; trial < 5; ++trial) random_values(space, 7, trial, 0);
  EXPECT_EQ(random_values(space, 7, 5, 0), fifth);
  EXPECT_NE(random_values(space, 8, 5, 0), fifth);
  EXPECT_NE(random_values(space, 7, 6, 0), fifth);
  EXPECT_NE(random_values(space, 7, 5, 1), fifth);
}

TEST(TuneSpace, ValuesGoToTheUnitIntervalAndBack) {
  for (const Dimension &dimension : example().dimensions)
    for (double unit : {0.0, 0.01, 0.2, 0.5, 0.77, 0.9999999, 1.0}) {
      json value = dimension.from_unit(unit);
      EXPECT_EQ(dimension.from_unit(dimension.to_unit(value)), value) << dimension.name << " " << unit;
    }
}

TEST(TuneSpace, RealNumbersAreShortAndKeepTheirEnds) {
  Dimension dimension;
  dimension.low = 0.9;
  dimension.high = 0.9999;
  EXPECT_EQ(value_text(dimension.from_unit(0)), "0.9");
  EXPECT_EQ(value_text(dimension.from_unit(1)), "0.9999");
  for (double unit = 0.05; unit < 1; unit += 0.05) EXPECT_LE(value_text(dimension.from_unit(unit)).size(), 7u);
  dimension = {"x", Dimension::Kind::real, 1e-7, 1e-5, true, {}, nullptr, nullptr};
  EXPECT_EQ(value_text(dimension.from_unit(0.5)), "1e-06");
  dimension.high = dimension.low;
  EXPECT_EQ(dimension.from_unit(0.3).get<double>(), 1e-7);
  EXPECT_EQ(value_text(1.0), "1.0");  // netc -D reads it as real
  EXPECT_EQ(value_text(1), "1");
  EXPECT_EQ(value_text("same"), "same");
  EXPECT_EQ(value_text(true), "true");
}

TEST(TuneSpace, AParamGivenOnTheCommandLineIsNoDimension) {
  json parameters = json::array({param("width", 16, "integer", {{"kind", "choice"}, {"values", {8, 16}}})});
  EXPECT_EQ(space_of(parameters, {}).dimensions.size(), 1u);
  EXPECT_TRUE(space_of(parameters, {{"width", "16"}}).dimensions.empty());
}

TEST(TuneGrid, HasEveryCombinationOnce) {
  Space space = example();
  auto grid = grid_values(space, 3);
  ASSERT_TRUE(grid);
  // width, rate, lr, depth (3 of 4), units, and of the rules one with three momenta and one without
  EXPECT_EQ(grid->size(), 3u * 3 * 3 * 3 * 3 * 4);
  EXPECT_EQ(std::set<Values>(grid->begin(), grid->end()).size(), grid->size());
  std::set<json> rates, depths, units;
  for (const Values &values : *grid) {
    rates.insert(values.at("rate"));
    depths.insert(values.at("depth"));
    units.insert(values.at("units"));
    EXPECT_EQ(values.count("momentum"), values.at("rule") == "sgd" ? 1u : 0u);
  }
  EXPECT_EQ(rates, (std::set<json>{0.1, 0.3, 0.5}));
  EXPECT_EQ(depths, (std::set<json>{1, 3, 4}));
  EXPECT_EQ(units, (std::set<json>{8, 64, 512}));
}

TEST(TuneGrid, TooManyCombinationsAreAnError) {
  auto grid = grid_values(example(), 100, 1000);
  ASSERT_FALSE(grid);
  EXPECT_EQ(grid.error().message, "the grid has more than 1000 combinations");
}

}  // namespace
}  // namespace netc::tune
