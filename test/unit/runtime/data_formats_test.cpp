// Readers of arrays in npz, safetensors and raw files, and of folders of pictures: what is in the file is what comes
// out, from memory and streamed.
#include <cstdio>

#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "runtime/data/batches.h"
#include "runtime/data/resize.h"
#include "runtime/io/safetensors.h"
#include "test/unit/runtime/data_support.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

std::string little_endian(uint64_t value, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i, value >>= 8) text += static_cast<char>(value);
  return text;
}

template <typename T>
std::string bytes_of(const std::vector<T> &values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)};
}

std::string npy_file(const std::string &type, const std::string &shape, const std::string &bytes) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  return "\x93NUMPY\x01" + std::string(1, '\0') + little_endian(header.size(), 2) + header + bytes;
}

std::string deflated(const std::string &bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  std::string packed(bytes.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef *>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

enum class Zip { stored, deflated, large };  // large: sizes and places in the fields of 64 bits

std::string zip_file(const std::vector<std::pair<std::string, std::string>> &files, Zip kind) {
  std::string file, directory;
  const std::string all_ones(4, '\xff');
  for (const auto &[name, bytes] : files) {
    std::string packed = kind == Zip::deflated ? deflated(bytes) : bytes;
    uint64_t begin = file.size();
    bool large = kind == Zip::large;
    std::string numbers =
        little_endian(::crc32(0, reinterpret_cast<const Bytef *>(bytes.data()), bytes.size()), 4) +
        (large ? all_ones + all_ones : little_endian(packed.size(), 4) + little_endian(bytes.size(), 4));
    std::string extra = little_endian(bytes.size(), 8) + little_endian(packed.size(), 8);
    std::string head = little_endian(20, 2) + little_endian(0, 2) + little_endian(kind == Zip::deflated ? 8 : 0, 2) +
                       little_endian(0, 4) + numbers + little_endian(name.size(), 2);
    file += "PK\x03\x04" + head + little_endian(large ? 20 : 0, 2) + name +
            (large ? little_endian(1, 2) + little_endian(16, 2) + extra : "") + packed;
    extra += little_endian(begin, 8);
    directory += "PK\x01\x02" + little_endian(20, 2) + head + little_endian(large ? 28 : 0, 2) +
                 little_endian(0, 2 + 2 + 2 + 4) + (large ? all_ones : little_endian(begin, 4)) + name +
                 (large ? little_endian(1, 2) + little_endian(24, 2) + extra : "");
  }
  uint64_t begin = file.size();
  file += directory;
  if (kind == Zip::large) {
    uint64_t record = file.size();
    file += "PK\x06\x06" + little_endian(44, 8) + little_endian(45, 2) + little_endian(45, 2) + little_endian(0, 8) +
            little_endian(files.size(), 8) + little_endian(files.size(), 8) + little_endian(directory.size(), 8) +
            little_endian(begin, 8);
    file += "PK\x06\x07" + little_endian(0, 4) + little_endian(record, 8) + little_endian(1, 4);
  }
  bool large = kind == Zip::large;
  return file + "PK\x05\x06" + little_endian(0, 4) + little_endian(files.size(), 2) + little_endian(files.size(), 2) +
         (large ? all_ones + all_ones : little_endian(directory.size(), 4) + little_endian(begin, 4)) +
         little_endian(0, 2);
}

const std::vector<float> features = {1, 2, 3, 4, 5, 6, 7, 8.5f};
const std::vector<uint8_t> labels = {2, 0, 1, 2};

Result<DataSets> load_pair(const Folder &folder, json train, bool stream = false) {
  json data = {{"train", std::move(train)}};
  if (stream) data["stream"] = true;
  return load_data(program(tensor_field("x", {2}), class_field("y", 3), data), all_modules(),
                   {folder.path(), 1, true, {}});
}

// Features and labels as they come out of batches, in order.
void expect_pair(const Result<DataSets> &sets) {
  ASSERT_TRUE(sets) << message(sets);
  Batches batches(sets->train, {.batch_size = 3});
  std::vector<float> found;
  std::vector<uint8_t> classes;
  while (const Batch *batch = batches.next().value())
    for (int64_t i = 0; i < batch->size; ++i) {
      const float *row = static_cast<const float *>(batch->arguments[0]) + 2 * i;
      found.insert(found.end(), row, row + 2);
      classes.push_back(static_cast<uint8_t>(static_cast<const int32_t *>(batch->arguments[1])[i]));
    }
  EXPECT_EQ(found, features);
  EXPECT_EQ(classes, labels);
}

TEST(Npz, StoredDeflatedAndWithSizesOf64Bits) {
  Folder folder;
  std::vector<std::pair<std::string, std::string>> files = {{"a.npy", npy_file("<f4", "(4, 2)", bytes_of(features))},
                                                            {"b.npy", npy_file("|u1", "(4,)", bytes_of(labels))}};
  json train = call("npz", {"x.npz"}, {{"features", "a"}, {"targets", "b"}});
  for (Zip kind : {Zip::stored, Zip::deflated, Zip::large}) {
    folder.write("x.npz", zip_file(files, kind));
    expect_pair(load_pair(folder, train));
    if (kind != Zip::deflated) expect_pair(load_pair(folder, train, true));
  }
  folder.write("x.npz", zip_file(files, Zip::deflated));
  EXPECT_EQ(message(load_pair(folder, train, true)), "x.npz: a: packed, which cannot be streamed");
  auto sets = load_pair(folder, train);
  ASSERT_TRUE(sets);
  auto metadata = program(tensor_field("x", {2}), class_field("y", 3), {{"train", train}});
  auto samples = load_for_predict(metadata, all_modules(), sets->preparation, {folder.path("x.npz")});
  ASSERT_TRUE(samples) << message(samples);
  EXPECT_EQ(reals(samples->dataset.samples->inputs[0]), features);
}

TEST(SafetensorsReader, NamedTensors) {
  Folder folder;
  std::vector<uint16_t> brain;
  for (float value : features) brain.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16));
  std::string bytes = bytes_of(brain);
  std::vector<int64_t> wide(labels.begin(), labels.end());
  std::string wide_bytes = bytes_of(wide);
  std::vector<TensorToWrite> tensors = {{"x", "BF16", {4, 2}, bytes}, {"y", "I64", {4}, wide_bytes}};
  ASSERT_TRUE(write_safetensors(folder.path("d.safetensors"), tensors, {}));
  json train = call("safetensors", {"d.safetensors"}, {{"features", "x"}, {"targets", "y"}});
  expect_pair(load_pair(folder, train));
  expect_pair(load_pair(folder, train, true));
}

TEST(Raw, TypesOrdersAndOffsets) {
  Folder folder;
  folder.write("y.bin", "??" + bytes_of(labels));
  const auto raw = [](json named) {
    named["target_offset"] = 2;
    return call("raw", {"x.bin", "y.bin"}, named);
  };
  folder.write("x.bin", "head" + bytes_of(features));
  expect_pair(load_pair(folder, raw({{"dtype", "f32"}, {"offset", 4}})));
  expect_pair(load_pair(folder, raw({{"dtype", {{"name", "f32"}}}, {"offset", 4}, {"shape", {2}}}), true));
  std::string big;
  for (float value : features) {
    std::string number = little_endian(std::bit_cast<uint64_t>(static_cast<double>(value)), 8);
    big.append(number.rbegin(), number.rend());
  }
  folder.write("x.bin", big);
  expect_pair(load_pair(folder, raw({{"dtype", "f64"}, {"byte_order", "big"}})));
}

std::string png_bytes(uint32_t height, uint32_t width, int channels, const std::vector<uint8_t> &pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr);
  std::string bytes(size, '\0');
  EXPECT_TRUE(png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr));
  bytes.resize(size);
  return bytes;
}

std::string jpeg_bytes(uint32_t height, uint32_t width, int channels, const std::vector<uint8_t> &pixels) {
  jpeg_compress_struct state{};
  jpeg_error_mgr errors;
  state.err = jpeg_std_error(&errors);
  jpeg_create_compress(&state);
  unsigned char *memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&state, &memory, &size);
  state.image_width = width;
  state.image_height = height;
  state.input_components = channels;
  state.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&state);
  jpeg_set_quality(&state, 95, TRUE);
  jpeg_start_compress(&state, TRUE);
  for (uint32_t row = 0; row < height; ++row) {
    auto *line = const_cast<uint8_t *>(pixels.data() + row * width * static_cast<uint32_t>(channels));
    jpeg_write_scanlines(&state, &line, 1);
  }
  jpeg_finish_compress(&state);
  std::string bytes(reinterpret_cast<char *>(memory), size);
  jpeg_destroy_compress(&state);
  std::free(memory);
  return bytes;
}

struct Zoo {
  Folder folder;
  Zoo() {
    folder.write("zoo/cat/b.png", png_bytes(2, 2, 1, {10, 20, 30, 40}));
    folder.write("zoo/cat/a.PNG", png_bytes(2, 2, 1, {50, 60, 70, 80}));
    folder.write("zoo/cat/more/c.jpg", jpeg_bytes(16, 16, 3, std::vector<uint8_t>(768, 200)));
    folder.write("zoo/ant/z.jpeg", jpeg_bytes(8, 8, 1, std::vector<uint8_t>(64, 100)));
    folder.write("zoo/ant/notes.txt", "left out");
    folder.write("zoo/.hidden/x.png", "left out");
  }
  Result<DataSets> load(int64_t channels, bool stream = false) const {
    json data = {{"train", call("images", {"zoo"})}, {"stream", stream}};
    return load_data(program(tensor_field("x", {2, 2, channels}), class_field("y", 2), data), all_modules(),
                     {folder.path(), 1, true, {}});
  }
};

TEST(Images, FoldersAreClassesAndFilesComeInOrder) {
  Zoo zoo;
  auto sets = zoo.load(1);
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(sets->preparation.schema.classes, (std::vector<std::string>{"ant", "cat"}));
  const Samples &samples = *sets->train.samples;
  EXPECT_EQ(whole(samples.targets[0]), (std::vector<int32_t>{0, 1, 1, 1}));
  EXPECT_EQ(std::get<1>(samples.inputs[0].values), (std::vector<uint8_t>{100, 100, 100, 100, 50, 60, 70, 80,  //
                                                                         10, 20, 30, 40, 200, 200, 200, 200}));
  auto colour = zoo.load(3);
  ASSERT_TRUE(colour) << message(colour);
  const auto &pixels = std::get<1>(colour->train.samples->inputs[0].values);
  EXPECT_EQ(std::vector<uint8_t>(pixels.begin() + 12, pixels.begin() + 18),
            (std::vector<uint8_t>{50, 50, 50, 60, 60, 60}));
}

TEST(Images, StreamGivesTheSame) {
  Zoo zoo;
  auto whole = zoo.load(3), streamed = zoo.load(3, true);
  ASSERT_TRUE(streamed) << message(streamed);
  Batches one(whole->train, {.batch_size = 3}), two(streamed->train, {.batch_size = 3});
  while (const Batch *batch = one.next().value()) {
    const Batch *same = two.next().value();
    ASSERT_TRUE(same);
    for (size_t i : {0, 1})
      EXPECT_EQ(std::memcmp(batch->arguments[i], same->arguments[i], batch->size * (i ? 4 : 48)), 0);
  }
}

TEST(Images, PredictResizes) {
  Zoo zoo;
  auto sets = zoo.load(3);
  ASSERT_TRUE(sets) << message(sets);
  auto metadata = program(tensor_field("x", {2, 2, 3}), class_field("y", 2), {{"train", call("images", {"zoo"})}});
  auto samples = load_for_predict(metadata, all_modules(), sets->preparation,
                                  {zoo.folder.path("zoo/cat/more/c.jpg"), zoo.folder.path("zoo/cat/b.png")});
  ASSERT_TRUE(samples) << message(samples);
  EXPECT_EQ(samples->dataset.size(), 2);
  EXPECT_EQ(std::get<1>(samples->dataset.samples->inputs[0].values)[0], 200);
}

// At (i + 1/2) scale - 1/2, as tf.image.resize does without antialiasing; halves are rounded up.
TEST(Resize, BilinearAtHalfPixels) {
  Array picture{{2, 2, 1}, std::vector<uint8_t>{0, 100, 200, 40}, 1};
  EXPECT_EQ(std::get<1>(resized(picture, 2, 4).values), (std::vector<uint8_t>{0, 25, 75, 100, 200, 160, 80, 40}));
  EXPECT_EQ(std::get<1>(resized(picture, 1, 1).values), (std::vector<uint8_t>{85}));
  Array wide{{1, 6, 1}, std::vector<uint8_t>{10, 20, 30, 40, 50, 60}, 1};
  EXPECT_EQ(std::get<1>(resized(wide, 1, 2).values), (std::vector<uint8_t>{20, 50}));
  EXPECT_EQ(std::get<1>(resized(wide, 1, 4).values), (std::vector<uint8_t>{13, 28, 43, 58}));
}

TEST(Missing, PoliciesFillWithTheTrainingSplit) {
  Folder folder;
  folder.write("t.csv", "a,y\n1,0\n2,0\n2,0\n9,0\n,0\n");
  const auto fill = [&](json policy) {
    json train = call("csv", {"t.csv"}, {{"target", "y"}, {"missing", policy}});
    auto sets = load_data(program(tensor_field("x", {1}), class_field("y", 1), {{"train", train}}), all_modules(),
                          {folder.path(), 1, true, {}});
    EXPECT_TRUE(sets) << message(sets);
    return reals(sets->train.samples->inputs[0])[4];
  };
  EXPECT_EQ(fill({{"name", "mean"}}), 3.5f);
  EXPECT_EQ(fill({{"name", "median"}}), 2.0f);
  EXPECT_EQ(fill({{"name", "most_frequent"}}), 2.0f);
  EXPECT_EQ(fill(-1), -1.0f);
}

}  // namespace
}  // namespace netc::runtime
