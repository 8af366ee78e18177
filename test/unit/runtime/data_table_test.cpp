// Tables: indices for embeddings, indicators of missing values, columns for several inputs; streamed tables.
#include <cstring>

#include "runtime/data/batches.h"
#include "test/unit/runtime/data_support.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

json index_field(const std::string &name, std::vector<int64_t> shape) {
  return {{"name", name}, {"kind", "tensor"}, {"dtype", "i32"}, {"shape", shape}};
}

json program_of(json inputs, json data) {
  return {{"network", {{"inputs", std::move(inputs)}, {"outputs", {tensor_field("y", {1})}}}},
          {"data", std::move(data)}};
}

constexpr const char *people =
    "age,city,income,colour,y\n"
    "30,Rome,1,red,0\n"
    "?,Oslo,2,blue,1\n"
    "50,Rome,3,,0\n"
    "40,?,4,red,1\n";

struct People {
  Folder folder;
  People() { folder.write("p.csv", people); }
  Result<DataSets> load(json inputs, json named, json more = json::object()) const {
    named["target"] = "y";
    json data = {{"train", call("csv", {"p.csv"}, named)}};
    data.update(more);
    return load_data(program_of(std::move(inputs), data), all_modules(), {folder.path(), 1, true, {}});
  }
};

TEST(Table, IndicesGoToTheInputsOfWholeNumbers) {
  People p;
  json inputs = {index_field("places", {2}), tensor_field("numbers", {2})};
  auto sets = p.load(inputs, {{"index", {"colour", "city"}}, {"missing", {{"name", "mean"}}}},
                     {{"normalize", {{"name", "mean"}}}});
  ASSERT_TRUE(sets) << message(sets);
  // In the order of the file: city, colour; Oslo 1, Rome 2, blue 1, red 2, missing 0.
  EXPECT_EQ(whole(sets->train.samples->inputs[0]), (std::vector<int32_t>{2, 2, 1, 1, 2, 0, 0, 2}));
  EXPECT_EQ(reals(sets->train.samples->inputs[1]), (std::vector<float>{30, 1, 40, 2, 50, 3, 40, 4}));
  EXPECT_TRUE(sets->preparation.normalisations[0].offset.empty());
  EXPECT_EQ(sets->preparation.normalisations[1].offset, (std::vector<float>{40, 2.5f}));
}

TEST(Table, InputsNameTheirColumns) {
  People p;
  json inputs = {tensor_field("a", {1}), tensor_field("b", {3}), index_field("c", {1})};
  json columns = {call("input", {"c", {"city"}}), call("input", {"b", {"age", "colour"}}),
                  call("input", {{{"name", "a"}}, "income"})};
  json named = {{"inputs", columns}, {"index", "city"}, {"categorical", "colour"}, {"missing", 0}};
  auto sets = p.load(inputs, named);
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(reals(sets->train.samples->inputs[0]), (std::vector<float>{1, 2, 3, 4}));
  // Age, then blue and red: none of them where the colour is missing.
  EXPECT_EQ(reals(sets->train.samples->inputs[1]), (std::vector<float>{30, 0, 1, 0, 1, 0, 50, 0, 0, 40, 0, 1}));
  EXPECT_EQ(whole(sets->train.samples->inputs[2]), (std::vector<int32_t>{2, 1, 2, 0}));

  // What predict does is stored: unknown places are 0, columns are found by name.
  auto stored = preparation_from_json(json::parse(to_json(sets->preparation).dump()));
  ASSERT_TRUE(stored) << message(stored);
  p.folder.write("new.csv", "colour,income,city,age\nblue,7,Paris,\nred,8,Rome,20\n");
  auto metadata = program_of(inputs, {{"train", call("csv", {"p.csv"}, named)}});
  auto samples = load_for_predict(metadata, all_modules(), *stored, {p.folder.path("new.csv")});
  ASSERT_TRUE(samples) << message(samples);
  EXPECT_EQ(reals(samples->dataset.samples->inputs[1]), (std::vector<float>{0, 1, 0, 20, 0, 1}));
  EXPECT_EQ(whole(samples->dataset.samples->inputs[2]), (std::vector<int32_t>{0, 2}));
}

TEST(Table, IndicatorsMarkWhatWasMissing) {
  People p;
  json named = {{"indicator", "age"}, {"drop", {"city", "colour"}}, {"missing", {{"name", "median"}}}};
  auto sets = p.load({tensor_field("x", {3})}, named, {{"normalize", {{"name", "standardize"}}}});
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(reals(sets->train.samples->inputs[0]), (std::vector<float>{30, 0, 1, 40, 1, 2, 50, 0, 3, 40, 0, 4}));
  // The indicator stays 0 or 1.
  EXPECT_EQ(sets->preparation.normalisations[0].offset[1], 0.0f);
  EXPECT_EQ(sets->preparation.normalisations[0].scale[1], 1.0f);
}

TEST(Table, DroppingLeavesOutRowsWithoutCategories) {
  People p;
  auto sets = p.load({tensor_field("x", {4})}, {{"categorical", {"city", "colour"}}, {"missing", {{"name", "drop"}}}});
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(sets->train.size(), 1);  // Rome, red: one of each
}

TEST(Table, StreamedIsTheSameAsInMemory) {
  Folder folder;
  std::string text = std::string(2000, '\n') + "age,note,city,y\r\n";  // a block of blank lines
  for (int row = 0; row < 5000; ++row) {
    std::string age = row % 11 == 0 ? "" : std::to_string(row % 83);
    text += age + ",\"line one\nand \"\"two\"\", " + std::to_string(row) + "\",city" + std::to_string(row % 17) + "," +
            (row % 2 ? "yes" : "no") + "\r\n";
  }
  folder.write("t.csv", text);
  for (const char *missing : {"mean", "drop"}) {
    json named = {{"target", "y"}, {"drop", "note"}, {"categorical", "city"}, {"missing", {{"name", missing}}}};
    json data = {{"train", call("csv", {"t.csv"}, named)},
                 {"validation", call("split", {0.2}, {{"stratified", true}})},
                 {"normalize", {{"name", "standardize"}}}};
    const auto load = [&] {
      return load_data(program(tensor_field("x", {18}), class_field("y", 2), data), all_modules(),
                       {folder.path(), 3, true, {}});
    };
    auto in_memory = load();
    data["stream"] = true;
    data["buffer"] = {{"value", 0.0625}, {"unit", "MB"}};
    auto streamed = load();
    ASSERT_TRUE(in_memory) << message(in_memory);
    ASSERT_TRUE(streamed) << message(streamed);
    EXPECT_GT(streamed->train.samples->stream->blocks(), 30);
    EXPECT_EQ(to_json(streamed->preparation), to_json(in_memory->preparation));
    EXPECT_EQ(streamed->train.rows, in_memory->train.rows);
    Batches one(in_memory->validation, {.batch_size = 64}), two(streamed->validation, {.batch_size = 64});
    while (const Batch *batch = one.next().value()) {
      const Batch *same = two.next().value();
      ASSERT_TRUE(same);
      EXPECT_EQ(std::memcmp(batch->arguments[0], same->arguments[0], static_cast<size_t>(batch->size) * 18 * 4), 0);
      EXPECT_EQ(std::memcmp(batch->arguments[1], same->arguments[1], static_cast<size_t>(batch->size) * 4), 0);
    }
  }
}

}  // namespace
}  // namespace netc::runtime
