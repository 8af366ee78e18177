// Streamed sets: the same samples as in memory, through a buffer that is smaller than they are.
#include <algorithm>
#include <cstring>

#include "runtime/data/batches.h"
#include "test/unit/runtime/data_support.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

std::string npy(const std::string &type, const std::string &shape, const std::string &bytes) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header + bytes;
}

constexpr int64_t rows = 3000, width = 64;

// 3000 samples of 64 floats, 768 kB, whose first element is the number of the sample, with the class number % 5.
struct Files {
  Folder folder;
  Files() {
    std::vector<float> features;
    std::string labels;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t e = 0; e < width; ++e)
        features.push_back(e == 0 ? static_cast<float>(row) : static_cast<float>((row * 31 + e * 17) % 97) / 7);
      labels += static_cast<char>(row % 5);
    }
    std::string bytes(features.size() * 4, '\0');
    std::memcpy(bytes.data(), features.data(), bytes.size());
    folder.write("x.npy", npy("<f4", "(3000, 64)", bytes));
    folder.write("y.npy", npy("|u1", "(3000,)", labels));
  }
  Result<DataSets> load(bool stream, json more = json::object()) const {
    json data = {{"train", call("npy", {"x.npy", "y.npy"})},
                 {"test", call("split", {0.1})},
                 {"validation", call("split", {0.1}, {{"stratified", true}})},
                 {"normalize", {{"name", "standardize"}}}};
    if (stream) {
      data["stream"] = true;
      data["buffer"] = {{"value", 0.0625}, {"unit", "MB"}};  // 256 samples of the 2430
    }
    data.update(more);
    return load_data(program(tensor_field("x", {width}), class_field("y", 5), data), all_modules(),
                     {folder.path(), 7, true, {}});
  }
};

struct Sample {
  float number;
  int32_t label;
  auto operator<=>(const Sample &) const = default;
};

// The samples of an epoch, told by their first element.
std::vector<Sample> epoch(Batches &batches, const Normalisation &n, uint32_t number, int64_t first = 0) {
  std::vector<Sample> samples;
  batches.start(number, first);
  while (const Batch *batch = batches.next().value())
    for (int64_t i = 0; i < batch->size; ++i) {
      float value = static_cast<const float *>(batch->arguments[0])[i * width] / n.scale[0] + n.offset[0];
      samples.push_back({std::round(value), static_cast<const int32_t *>(batch->arguments[1])[i]});
    }
  return samples;
}

TEST(Stream, GivesWhatMemoryGives) {
  Files files;
  auto streamed = files.load(true), whole = files.load(false);
  ASSERT_TRUE(streamed) << message(streamed);
  ASSERT_TRUE(whole) << message(whole);
  ASSERT_TRUE(streamed->train.samples->stream);
  EXPECT_TRUE(reals(streamed->train.samples->inputs[0]).empty());
  EXPECT_GT(streamed->train.samples->stream->blocks(), 40);
  // The statistics are the same bits, the splits the same samples.
  const Normalisation &n = whole->preparation.normalisations[0];
  EXPECT_EQ(streamed->preparation.normalisations[0].offset, n.offset);
  EXPECT_EQ(streamed->preparation.normalisations[0].scale, n.scale);
  EXPECT_EQ(streamed->train.rows, whole->train.rows);
  for (auto split : {&DataSets::validation, &DataSets::test}) {
    Batches one((*streamed).*split, {.batch_size = 50}), two((*whole).*split, {.batch_size = 50});
    EXPECT_EQ(epoch(one, n, 0), epoch(two, n, 0));
    EXPECT_EQ(epoch(one, n, 1), epoch(two, n, 1));
  }
  Batches one(streamed->train, {.batch_size = 50, .shuffle = true}),
      two(whole->train, {.batch_size = 50, .shuffle = true});
  auto a = epoch(one, n, 3), b = epoch(two, n, 3);
  EXPECT_NE(a, b);  // the orders differ,
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  EXPECT_EQ(a, b);  // the samples do not
}

TEST(Stream, OrderDependsOnSeedAndEpochAlone) {
  Files files;
  auto sets = files.load(true);
  ASSERT_TRUE(sets) << message(sets);
  const Normalisation &n = sets->preparation.normalisations[0];
  BatchOptions options{.batch_size = 50, .shuffle = true, .seed = 9};
  Batches threaded(sets->train, options);
  options.background = false;
  Batches plain(sets->train, options);
  options.seed = 10;
  Batches other(sets->train, options);
  auto first = epoch(threaded, n, 0), second = epoch(threaded, n, 1);
  EXPECT_NE(first, second);
  EXPECT_EQ(epoch(plain, n, 1), second);
  EXPECT_EQ(epoch(plain, n, 0), first);
  EXPECT_NE(epoch(other, n, 0), first);
  // Resumed at any batch, also one whose samples lie in two windows.
  for (int64_t batch : {1, 5, 6, 30, 48})
    EXPECT_EQ(epoch(plain, n, 1, batch), std::vector<Sample>(second.begin() + batch * 50, second.end())) << batch;
  // Batches of another size cut the same order.
  options = {.batch_size = 7, .shuffle = true, .seed = 9};
  Batches small(sets->train, options);
  EXPECT_EQ(epoch(small, n, 0), first);
  options.batch_size = 5000;
  Batches one(sets->train, options);
  EXPECT_EQ(epoch(one, n, 0), first);
}

TEST(Stream, MixesTheWholeFile) {
  Files files;
  auto sets = files.load(true);
  ASSERT_TRUE(sets) << message(sets);
  Batches batches(sets->train, {.batch_size = 50, .shuffle = true, .seed = 1});
  auto order = epoch(batches, sets->preparation.normalisations[0], 0);
  // The first batch has samples of all quarters of the file.
  int quarters[4] = {};
  for (size_t i = 0; i < 50; ++i) ++quarters[static_cast<int64_t>(order[i].number) * 4 / rows];
  for (int quarter : quarters) EXPECT_GT(quarter, 0);
}

TEST(Stream, FillsMissingValuesWithTheMean) {
  Files files;
  std::string bytes = files.folder.read("x.npy");
  uint32_t nan = 0x7fc00000;
  std::memcpy(bytes.data() + bytes.size() - 4, &nan, 4);
  files.folder.write("x.npy", bytes);
  EXPECT_EQ(message(files.load(true)), "x.npy: sample 2999, element 63: not a number (NaN)");
  auto mean = call("npy", {"x.npy", "y.npy"}, {{"missing", {{"name", "mean"}}}});
  auto streamed = files.load(true, {{"train", mean}}), whole = files.load(false, {{"train", mean}});
  ASSERT_TRUE(streamed) << message(streamed);
  EXPECT_EQ(streamed->preparation.fill, whole->preparation.fill);
  EXPECT_EQ(streamed->preparation.normalisations[0].scale, whole->preparation.normalisations[0].scale);
}

TEST(Stream, CifarFilesOneAfterAnother) {
  Folder folder;
  json files = json::array();
  for (int number = 0; number < 2; ++number) {
    std::string bytes;
    for (int record = 0; record < 7; ++record)
      bytes += std::string(1, static_cast<char>(record)) + std::string(3072, static_cast<char>(10 * number + record));
    files.push_back("b" + std::to_string(number) + ".bin");
    folder.write(files.back(), bytes);
  }
  json data = {{"train", call("cifar10", files)}, {"stream", true}, {"buffer", {{"value", 0.25}, {"unit", "MB"}}}};
  auto sets = load_data(program(tensor_field("x", {32, 32, 3}), class_field("y", 10), data), all_modules(),
                        {folder.path(), 7, true, {}});
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(sets->train.samples->stream->blocks(), 14);
  Batches batches(sets->train, {.batch_size = 14});
  const Batch *batch = batches.next().value();
  for (int i = 0; i < 14; ++i) {
    EXPECT_EQ(static_cast<const float *>(batch->arguments[0])[3072 * i + 5], static_cast<float>(i / 7 * 10 + i % 7));
    EXPECT_EQ(static_cast<const int32_t *>(batch->arguments[1])[i], i % 7);
  }
}

TEST(Stream, FileThatShrinksIsAnError) {
  Files files;
  auto sets = files.load(true);
  ASSERT_TRUE(sets) << message(sets);
  std::filesystem::resize_file(files.folder.path("x.npy"), 100000);
  Batches batches(sets->train, {.batch_size = 50});
  std::string error;
  for (;;) {
    auto batch = batches.next();
    error = message(batch);
    if (!batch || !*batch) break;
  }
  EXPECT_TRUE(error.starts_with("x.npy: the file has become shorter while it was read: it ends at byte 100000"))
      << error;
}

}  // namespace
}  // namespace netc::runtime
