// Batches: the order of an epoch, resuming, the background thread, augmentation, weights.
#include "runtime/data/batches.h"

#include <cstring>
#include <numeric>
#include <set>

#include "test/unit/runtime/data_support.h"

namespace netc::runtime {
namespace {

// `count` pictures u8 [height, width, 1] whose pixels tell the sample and the place, with the class i % 3.
Dataset pictures(int64_t count, int64_t height = 4, int64_t width = 4) {
  auto samples = std::make_shared<Samples>();
  Array images{{height, width, 1}, std::vector<uint8_t>(), count}, classes{{}, std::vector<int32_t>(), count};
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t e = 0; e < height * width; ++e) std::get<1>(images.values).push_back(static_cast<uint8_t>(i * 31 + e));
    std::get<2>(classes.values).push_back(static_cast<int32_t>(i % 3));
  }
  samples->inputs = {images};
  samples->targets = {classes};
  samples->normalisations = {{{10.0f}, {0.5f}}};
  Dataset dataset{samples, std::vector<int64_t>(static_cast<size_t>(count)), {}};
  std::iota(dataset.rows.begin(), dataset.rows.end(), 0);
  return dataset;
}

// Everything an epoch gives, as bytes.
std::string bytes_of_epoch(Batches &batches, int64_t elements, uint32_t epoch, int64_t first = 0) {
  std::string bytes;
  batches.start(epoch, first);
  while (const Batch *batch = batches.next().value()) {
    bytes.append(static_cast<const char *>(batch->arguments[0]), static_cast<size_t>(batch->size * elements * 4));
    bytes.append(static_cast<const char *>(batch->arguments[1]), static_cast<size_t>(batch->size * 4));
    bytes.append(static_cast<const char *>(batch->arguments[2]), static_cast<size_t>(batch->size * 4));
  }
  return bytes;
}

TEST(ShuffledOrder, IsAPermutationThatDependsOnSeedAndEpoch) {
  auto order = shuffled_order(1000, 42, 3);
  EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 1000u);
  EXPECT_EQ(order, shuffled_order(1000, 42, 3));
  EXPECT_NE(order, shuffled_order(1000, 42, 4));
  EXPECT_NE(order, shuffled_order(1000, 43, 3));
}

TEST(Batches, LastBatchIsSmallerAndValuesAreNormalised) {
  Batches batches(pictures(10), {.batch_size = 4});
  EXPECT_EQ(batches.batches_per_epoch(), 3);
  std::vector<int64_t> sizes;
  batches.start(0);
  while (const Batch *batch = batches.next().value()) {
    EXPECT_EQ(batch->index, static_cast<int64_t>(sizes.size()));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(batch->arguments[0]) % 64, 0u);
    if (batch->index == 0) {
      const float *image = static_cast<const float *>(batch->arguments[0]);
      EXPECT_EQ(image[0], (0 - 10) * 0.5f);
      EXPECT_EQ(image[16 + 2], (31 + 2 - 10) * 0.5f);
      EXPECT_EQ(static_cast<const int32_t *>(batch->arguments[1])[2], 2);
      EXPECT_EQ(static_cast<const float *>(batch->arguments[2])[3], 1.0f);
    }
    sizes.push_back(batch->size);
  }
  EXPECT_EQ(sizes, (std::vector<int64_t>{4, 4, 2}));
}

TEST(Batches, BackgroundThreadChangesNoBit) {
  // 40x40 pictures in batches of 16: 100 KB, enough for the thread.
  Augmentation moves{.flip_horizontal = true, .translate_y = 0.1f, .translate_x = 0.1f};
  BatchOptions options{.batch_size = 16, .shuffle = true, .seed = 7, .augmentation = moves};
  Batches threaded(pictures(100, 40, 40), options);
  options.background = false;
  Batches plain(pictures(100, 40, 40), options);
  for (uint32_t epoch : {0u, 1u, 5u})
    EXPECT_EQ(bytes_of_epoch(threaded, 1600, epoch), bytes_of_epoch(plain, 1600, epoch));
}

TEST(Batches, ResumesAtAnyBatch) {
  BatchOptions options{.batch_size = 16, .shuffle = true, .seed = 7};
  Batches one(pictures(100, 40, 40), options), two(pictures(100, 40, 40), options);
  std::string whole = bytes_of_epoch(one, 1600, 2);
  std::string tail = bytes_of_epoch(two, 1600, 2, 3);
  size_t skipped = 3 * 16 * (1600 + 2) * 4;
  EXPECT_EQ(whole.substr(skipped), tail);
  // An epoch left in the middle disturbs nothing.
  two.start(9);
  two.next();
  EXPECT_EQ(bytes_of_epoch(two, 1600, 2), whole);
  two.start(0, 100);
  EXPECT_EQ(two.next().value(), nullptr);
}

TEST(Batches, WeightsOfSamplesAndClassesMultiply) {
  Dataset dataset = pictures(3);
  auto samples = std::make_shared<Samples>(*dataset.samples);
  samples->weights = {1, 2, 3};
  dataset.samples = samples;
  dataset.class_weights = {10, 100, 1000};
  dataset.rows = {2, 0};
  Batches batches(dataset, {.batch_size = 8});
  const Batch *batch = batches.next().value();
  ASSERT_NE(batch, nullptr);
  ASSERT_EQ(batch->size, 2);
  EXPECT_EQ(static_cast<const float *>(batch->arguments[2])[0], 3000.0f);
  EXPECT_EQ(static_cast<const float *>(batch->arguments[2])[1], 10.0f);
}

TEST(Augmentation, MovesPixelsWhereThePlacementSays) {
  EXPECT_EQ(source_coordinate(0, 0, true, 4, Fill::reflect), 3);
  EXPECT_EQ(source_coordinate(0, 2, false, 4, Fill::reflect), 1);   // b a | a b c d
  EXPECT_EQ(source_coordinate(3, -2, false, 4, Fill::reflect), 2);  // a b c d | d c
  EXPECT_EQ(source_coordinate(0, 2, false, 4, Fill::nearest), 0);
  EXPECT_EQ(source_coordinate(0, 2, false, 4, Fill::constant), -1);
  EXPECT_EQ(source_coordinate(3, 2, false, 4, Fill::constant), 1);
}

TEST(Augmentation, DecisionsDependOnSeedEpochAndSample) {
  Augmentation augmentation{.flip_horizontal = true, .translate_y = 0.25f, .translate_x = 0.25f};
  int flips = 0, differences = 0;
  int64_t least = 0, most = 0;
  for (int64_t sample = 0; sample < 1000; ++sample) {
    Placement first = place(augmentation, 1, 0, sample, 8, 8), second = place(augmentation, 1, 1, sample, 8, 8);
    flips += first.flip_horizontal;
    differences += first.shift_x != second.shift_x;
    least = std::min(least, first.shift_y);
    most = std::max(most, first.shift_y);
  }
  EXPECT_NEAR(flips, 500, 60);
  EXPECT_GT(differences, 600);
  EXPECT_EQ(least, -2);
  EXPECT_EQ(most, 2);
}

}  // namespace
}  // namespace netc::runtime
