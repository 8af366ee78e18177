// From files to datasets: what the readers make of good files, splits, normalisation, predict.
#include <png.h>
#include <zlib.h>

#include <cmath>
#include <cstring>
#include <set>

#include "runtime/data/batches.h"
#include "runtime/data/normalise.h"
#include "test/unit/runtime/data_support.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

Result<DataSets> load(const Folder &folder, const json &metadata, std::optional<Preparation> preparation = {},
                      bool train = true) {
  return load_data(metadata, all_modules(), {folder.path(), 42, train, std::move(preparation)});
}

std::string idx(unsigned char type, std::vector<uint32_t> shape, const std::string &data) {
  std::string bytes{'\0', '\0', static_cast<char>(type), static_cast<char>(shape.size())};
  for (uint32_t size : shape)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift);
  return bytes + data;
}

std::string npy(const std::string &type, const std::string &shape, const std::string &data) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size() & 255) +
         static_cast<char>(header.size() >> 8) + header + data;
}

template <typename T>
std::string raw(std::vector<T> values) {
  return std::string(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
}

void write_gzip(const std::string &path, const std::string &content) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
}

TEST(Csv, TextClassesAndColumnsInTheirOrder) {
  Folder folder;
  folder.write("a.csv", "\xef\xbb\xbfid,\"x, y\",z,kind\r\n1,1.5,+2,\"b \"\"q\"\"\"\r\n\r\n2,-3e1, 4 ,a\r\n");
  json data = {{"train", call("csv", {"a.csv"}, {{"target", "kind"}, {"drop", {"id"}}})}};
  auto sets = load(folder, program(tensor_field("x", {2}), class_field("y", 2), data));
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(sets->preparation.schema.classes, (std::vector<std::string>{"a", "b \"q\""}));
  EXPECT_EQ(sets->preparation.schema.features, (std::vector<std::string>{"x, y", "z"}));
  EXPECT_EQ(reals(sets->train.samples->inputs[0]), (std::vector<float>{1.5f, 2, -30, 4}));
  EXPECT_EQ(whole(sets->train.samples->targets[0]), (std::vector<int32_t>{1, 0}));
}

TEST(Csv, SeveralTargetsWeightsAndNoHeader) {
  Folder folder;
  folder.write("a.tsv", "1\t2\t3\t0.5\n4\t5\t6\t2\n");
  json named = {{"target", {"c1", "c2"}}, {"weight", "c3"}, {"header", false}};
  auto sets =
      load(folder, program(tensor_field("x", {1}), tensor_field("y", {2}), {{"train", call("tsv", {"a.tsv"}, named)}}));
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(reals(sets->train.samples->targets[0]), (std::vector<float>{2, 3, 5, 6}));
  EXPECT_EQ(sets->train.samples->weights, (std::vector<float>{0.5f, 2}));
}

TEST(Csv, MissingValuesAreDroppedOrFilledFromTheTrainingSplit) {
  Folder folder;
  folder.write("a.csv", "x,y\n1,0\n?,1\n5,0\nNA,1\n");
  folder.write("t.csv", "x,y\n,0\n");
  json data = {{"train", call("csv", {"a.csv"}, {{"target", "y"}, {"missing", "drop"}})}};
  auto dropped = load(folder, program(tensor_field("x", {1}), class_field("y", 2), data));
  ASSERT_TRUE(dropped) << message(dropped);
  EXPECT_EQ(dropped->train.size(), 2);
  EXPECT_EQ(whole(dropped->train.samples->targets[0]), (std::vector<int32_t>{0, 0}));
  json named = {{"target", "y"}, {"missing", {{"name", "mean"}}}};
  data = {{"train", call("csv", {"a.csv"}, named)}, {"test", call("csv", {"t.csv"}, named)}};
  auto filled = load(folder, program(tensor_field("x", {1}), class_field("y", 2), data));
  ASSERT_TRUE(filled) << message(filled);
  EXPECT_EQ(reals(filled->train.samples->inputs[0]), (std::vector<float>{1, 3, 5, 3}));
  EXPECT_EQ(reals(filled->test.samples->inputs[0]), (std::vector<float>{3}));
}

TEST(Csv, CategoriesBecomeFeatures) {
  Folder folder;
  folder.write("a.csv", "colour,x,y\nred,1,0\nblue,2,1\nred,3,1\n");
  json named = {{"target", "y"}, {"categorical", {"colour"}}};
  json metadata = program(tensor_field("x", {3}), class_field("y", 2),
                          {{"train", call("csv", {"a.csv"}, named)}, {"normalize", {{"name", "mean"}}}});
  auto sets = load(folder, metadata);
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(reals(sets->train.samples->inputs[0]), (std::vector<float>{0, 1, 1, 1, 0, 2, 0, 1, 3}));
  EXPECT_EQ(sets->preparation.normalisations[0].offset, (std::vector<float>{0, 0, 2}));  // categories stay 0 and 1
  folder.write("new.csv", "x,colour\n7,blue\n");
  auto predict = load_for_predict(metadata, all_modules(), sets->preparation, {folder.path("new.csv")});
  ASSERT_TRUE(predict) << message(predict);
  EXPECT_EQ(reals(predict->dataset.samples->inputs[0]), (std::vector<float>{1, 0, 7}));
}

TEST(Csv, SeveralInputsTakeColumnsInTurn) {
  Folder folder;
  folder.write("a.csv", "a,k,b,y\n1,2,3,0\n4,0,6,1\n");
  json metadata =
      program(tensor_field("x", {1}), class_field("y", 2), {{"train", call("csv", {"a.csv"}, {{"target", "y"}})}});
  metadata["network"]["inputs"].push_back(class_field("k", 3));
  metadata["network"]["inputs"].push_back(tensor_field("b", {1}));
  auto sets = load(folder, metadata);
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(reals(sets->train.samples->inputs[0]), (std::vector<float>{1, 4}));
  EXPECT_EQ(whole(sets->train.samples->inputs[1]), (std::vector<int32_t>{2, 0}));
  EXPECT_EQ(reals(sets->train.samples->inputs[2]), (std::vector<float>{3, 6}));
}

TEST(Idx, PicturesStayBytesAndTakeTheDeclaredShape) {
  Folder folder;
  write_gzip(folder.path("images.gz"),
             idx(0x08, {3, 2, 2}, raw<uint8_t>({0, 1, 2, 3, 4, 5, 6, 7, 250, 251, 252, 253})));
  folder.write("labels", idx(0x08, {3}, raw<uint8_t>({2, 0, 1})));
  auto sets = load(folder, program(tensor_field("x", {2, 2, 1}), class_field("y", 3),
                                   {{"train", call("idx", {"images.gz", "labels"})}}));
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(std::get<1>(sets->train.samples->inputs[0].values)[11], 253);
  EXPECT_EQ(sets->train.samples->inputs[0].shape, (std::vector<int64_t>{2, 2, 1}));
  EXPECT_EQ(whole(sets->train.samples->targets[0]), (std::vector<int32_t>{2, 0, 1}));
}

TEST(Idx, BigEndianNumbersOfEveryType) {
  Folder folder;
  folder.write("x", idx(0x0D, {2, 1}, std::string("\x3f\xc0\0\0\xc0\0\0\0", 8)));  // 1.5, -2
  folder.write("y", idx(0x0B, {2}, std::string("\xff\xfe\x01\0", 4)));             // -2, 256
  auto sets =
      load(folder, program(tensor_field("x", {1}), tensor_field("y", {1}), {{"train", call("idx", {"x", "y"})}}));
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(reals(sets->train.samples->inputs[0]), (std::vector<float>{1.5f, -2}));
  EXPECT_EQ(reals(sets->train.samples->targets[0]), (std::vector<float>{-2, 256}));
}

TEST(Npy, TypesAndByteOrders) {
  Folder folder;
  folder.write("y.npy", npy("<i8", "(2,)", raw<int64_t>({1, 0})));
  struct Case {
    std::string type, data;
  };
  for (const Case &c :
       {Case{"<f8", raw<double>({1.5, -2})}, Case{"<f4", raw<float>({1.5f, -2})},
        Case{">f4", std::string("\x3f\xc0\0\0\xc0\0\0\0", 8)}, Case{"<f2", std::string("\0\x3e\0\xc0", 4)}}) {
    folder.write("x.npy", npy(c.type, "(2, 1)", c.data));
    auto sets = load(
        folder, program(tensor_field("x", {1}), class_field("y", 2), {{"train", call("npy", {"x.npy", "y.npy"})}}));
    ASSERT_TRUE(sets) << c.type << message(sets);
    EXPECT_EQ(reals(sets->train.samples->inputs[0]), (std::vector<float>{1.5f, -2})) << c.type;
    EXPECT_EQ(whole(sets->train.samples->targets[0]), (std::vector<int32_t>{1, 0}));
  }
}

TEST(Cifar, PlanesBecomeChannels) {
  Folder folder;
  std::string record(3073, '\0');
  record[0] = 7;
  record[1] = 11;             // red of pixel 0
  record[1 + 1024] = 22;      // green
  record[1 + 2048 + 1] = 33;  // blue of pixel 1
  folder.write("a.bin", record + record);
  json metadata = program(tensor_field("x", {32, 32, 3}), class_field("y", 10),
                          {{"train", call("cifar10", {"a.bin", "a.bin"})}, {"normalize", {{"name", "standardize"}}}});
  auto sets = load(folder, metadata);
  ASSERT_TRUE(sets) << message(sets);
  const auto &pixels = std::get<1>(sets->train.samples->inputs[0].values);
  EXPECT_EQ(sets->train.size(), 4);
  EXPECT_EQ(pixels[0], 11);
  EXPECT_EQ(pixels[1], 22);
  EXPECT_EQ(pixels[5], 33);
  EXPECT_EQ(whole(sets->train.samples->targets[0])[3], 7);
  EXPECT_EQ(sets->preparation.normalisations[0].offset.size(), 3u);  // per channel
}

json table(json validation, json normalize = nullptr) {
  return program(tensor_field("x", {1}), class_field("y", 2),
                 {{"train", call("csv", {"a.csv"}, {{"target", "y"}})},
                  {"validation", std::move(validation)},
                  {"normalize", std::move(normalize)}});
}

void write_table(const Folder &folder, int rows, int every = 5) {
  std::string text = "x,y\n";
  for (int i = 0; i < rows; ++i) text += std::to_string(i) + "," + (i % every == 0 ? "1" : "0") + "\n";
  folder.write("a.csv", text);
}

TEST(Split, IsStratifiedAndDependsOnTheSeedAlone) {
  Folder folder;
  write_table(folder, 100);
  auto one = load(folder, table(call("split", {0.25}, {{"stratified", true}})));
  auto two = load(folder, table(call("split", {0.25}, {{"stratified", true}})));
  auto other = load(folder, table(call("split", {0.25}, {{"stratified", true}, {"seed", 1}})));
  ASSERT_TRUE(one && two && other) << message(one);
  EXPECT_EQ(one->validation.rows, two->validation.rows);
  EXPECT_NE(one->validation.rows, other->validation.rows);
  ASSERT_EQ(one->validation.size(), 25);
  EXPECT_EQ(one->train.size(), 75);
  int ones = 0;
  for (int64_t row : one->validation.rows) ones += row % 5 == 0;
  EXPECT_EQ(ones, 5);
  std::set<int64_t> all(one->train.rows.begin(), one->train.rows.end());
  all.insert(one->validation.rows.begin(), one->validation.rows.end());
  EXPECT_EQ(all.size(), 100u);
}

TEST(Split, KeepsGroupsTogether) {
  Folder folder;
  std::string text = "x,who,y\n";
  for (int i = 0; i < 60; ++i) text += std::to_string(i) + ",p" + std::to_string(i % 12) + ",0\n";
  folder.write("a.csv", text + "60,p0,1\n");
  json metadata = table(call("split", {0.25}));
  metadata["data"]["train"]["named"]["group"] = "who";
  auto sets = load(folder, metadata);
  ASSERT_TRUE(sets) << message(sets);
  std::set<int64_t> left, right;
  for (int64_t row : sets->train.rows) left.insert(row % 12);
  for (int64_t row : sets->validation.rows) right.insert(row % 12);
  for (int64_t group : right) EXPECT_FALSE(left.contains(group));
  EXPECT_GE(sets->validation.size(), 15);
}

// The mean of the training rows, not of all.
TEST(Normalisation, IsFittedOnTheTrainingSplitAlone) {
  Folder folder;
  write_table(folder, 100);
  auto sets = load(folder, table(call("split", {0.25}), {{"name", "standardize"}}));
  ASSERT_TRUE(sets) << message(sets);
  double sum = 0, squares = 0;
  for (int64_t row : sets->train.rows) sum += static_cast<double>(row);
  double mean = sum / 75;
  for (int64_t row : sets->train.rows) squares += (static_cast<double>(row) - mean) * (static_cast<double>(row) - mean);
  EXPECT_EQ(sets->preparation.normalisations[0].offset[0], static_cast<float>(mean));
  EXPECT_EQ(sets->preparation.normalisations[0].scale[0], static_cast<float>(1 / std::sqrt(squares / 75)));
}

TEST(Normalisation, EveryKind) {
  Array array{{2}, std::vector<float>{1, 5, 3, 5}, 2};
  const auto fit = [&](json normalize, json rescale = nullptr) {
    auto choice = normalisation_choice({{"normalize", normalize}, {"rescale", rescale}});
    EXPECT_TRUE(choice) << message(choice);
    NormalisationFit fit(*choice, 2, {});
    for (int pass = 0; pass < fit.passes(array); ++pass) {  // in two parts
      fit.add(pass, array, {0});
      fit.add(pass, array, {1});
    }
    return fit.result();
  };
  EXPECT_TRUE(fit(nullptr).offset.empty());
  EXPECT_EQ(fit({{"name", "mean"}}).offset, (std::vector<float>{2, 5}));
  EXPECT_EQ(fit({{"name", "standardize"}}).scale, (std::vector<float>{1, 1}));  // a constant column stays finite
  EXPECT_EQ(fit({{"name", "min_max"}}).scale, (std::vector<float>{0.5f, 1}));
  EXPECT_EQ(fit({{"name", "min_max"}}).offset, (std::vector<float>{1, 5}));
  EXPECT_EQ(fit({{"name", "deviation"}}).offset, (std::vector<float>{0, 0}));
  EXPECT_EQ(fit(call("scale", {4})).scale, (std::vector<float>{0.25f}));
  EXPECT_EQ(fit(nullptr, 0.5).scale, (std::vector<float>{0.5f}));
}

TEST(Preparation, SurvivesTheCheckpointAndIsUsedByEvaluate) {
  Folder folder;
  folder.write("a.csv", "x,kind\n0.1,b\n0.7,a\n0.3,b\n0.9,a\n");
  folder.write("t.csv", "kind,x\na,0.25\n");
  json metadata = program(tensor_field("x", {1}), class_field("y", 2),
                          {{"train", call("csv", {"a.csv"}, {{"target", "kind"}})},
                           {"test", call("csv", {"t.csv"}, {{"target", "kind"}})},
                           {"normalize", {{"name", "standardize"}}}});
  auto trained = load(folder, metadata);
  ASSERT_TRUE(trained) << message(trained);
  auto stored = preparation_from_json(json::parse(to_json(trained->preparation).dump()));
  ASSERT_TRUE(stored) << message(stored);
  EXPECT_EQ(stored->normalisations[0].offset, trained->preparation.normalisations[0].offset);
  EXPECT_EQ(stored->normalisations[0].scale, trained->preparation.normalisations[0].scale);
  std::filesystem::remove(folder.path("a.csv"));  // evaluate does not need it
  auto evaluated = load(folder, metadata, *stored, false);
  ASSERT_TRUE(evaluated) << message(evaluated);
  EXPECT_EQ(whole(evaluated->test.samples->targets[0]), (std::vector<int32_t>{0}));
  Batches batches(evaluated->test, {});
  Batches same(trained->test, {});
  EXPECT_EQ(static_cast<const float *>(batches.next().value()->arguments[0])[0],
            static_cast<const float *>(same.next().value()->arguments[0])[0]);
}

TEST(Load, WarnsOfTestSamplesInTheTrainingData) {
  Folder folder;
  write_table(folder, 10);
  folder.write("t.csv", "x,y\n3,0\n50,0\n");
  json metadata = table(nullptr);
  metadata["data"]["test"] = call("csv", {"t.csv"}, {{"target", "y"}});
  auto sets = load(folder, metadata);
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(sets->warnings, std::vector<std::string>{"1 of 2 test samples is in the training data, too"});
}

TEST(Load, BalancedClassWeights) {
  Folder folder;
  write_table(folder, 10);  // 2 of class 1, 8 of class 0
  json metadata = table(nullptr);
  metadata["train"] = {{"class_weight", {{"name", "balanced"}}}};
  auto sets = load(folder, metadata);
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(sets->train.class_weights, (std::vector<float>{0.625f, 2.5f}));
}

TEST(Predict, PicturesAndArrays) {
  Folder folder;
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = 3;
  image.height = 2;
  image.format = PNG_FORMAT_GRAY;
  uint8_t pixels[6] = {0, 50, 100, 150, 200, 250};
  ASSERT_TRUE(png_image_write_to_file(&image, folder.path("a.png").c_str(), 0, pixels, 0, nullptr));
  folder.write("b.npy", npy("<f4", "(1, 2, 3)", raw<float>({1, 2, 3, 4, 5, 6})));
  json metadata = program(tensor_field("x", {2, 3, 1}), class_field("y", 2), {{"train", call("idx", {"a", "b"})}});
  Preparation preparation;
  preparation.normalisations = {{{0.0f}, {2.0f}}};
  auto samples = load_for_predict(metadata, all_modules(), preparation, {folder.path("a.png"), folder.path("b.npy")});
  ASSERT_TRUE(samples) << message(samples);
  EXPECT_EQ(samples->path_of_sample, (std::vector<std::string>{folder.path("a.png"), folder.path("b.npy")}));
  Batches batches(samples->dataset, {});
  const Batch *batch = batches.next().value();
  ASSERT_EQ(batch->size, 2);
  ASSERT_EQ(batch->arguments.size(), 2u);  // input and sample weight
  const float *values = static_cast<const float *>(batch->arguments[0]);
  EXPECT_EQ(values[5], 500.0f);
  EXPECT_EQ(values[11], 12.0f);
}

}  // namespace
}  // namespace netc::runtime
