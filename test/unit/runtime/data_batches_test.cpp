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
  auto list = read_augmentation({call("flip", {{{"name", "both"}}}), call("rotate", {{{"value", 9}, {"unit", "deg"}}}),
                                 call("noise", {0.1}), call("erase", {0.2}), call("cutmix", {1})},
                                all_modules());
  ASSERT_TRUE(list) << message(list);
  BatchOptions options{.batch_size = 16, .shuffle = true, .seed = 7, .augmentation = *list};
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

// What a batch of mixed samples holds, sample by sample.
struct Mixed {
  std::vector<float> values;
  int32_t target, other;
  float weight, other_weight;
};
std::vector<Mixed> mixed_epoch(const Dataset &dataset, const Augmentation &augmentation, int64_t batch_size) {
  Batches batches(dataset, {.batch_size = batch_size, .shuffle = true, .seed = 7, .augmentation = augmentation});
  std::vector<Mixed> all;
  batches.start(3);
  while (const Batch *batch = batches.next().value()) {
    EXPECT_EQ(batch->arguments.size(), 5u);
    for (int64_t i = 0; i < batch->size; ++i) {
      const float *values = static_cast<const float *>(batch->arguments[0]) + 16 * i;
      all.push_back({{values, values + 16},
                     static_cast<const int32_t *>(batch->arguments[1])[i],
                     static_cast<const int32_t *>(batch->arguments[3])[i],
                     static_cast<const float *>(batch->arguments[2])[i],
                     static_cast<const float *>(batch->arguments[4])[i]});
    }
  }
  return all;
}

TEST(Batches, MixedSamplesCarryBothTargetsWhateverTheBatch) {
  Dataset dataset = pictures(30);
  dataset.class_weights = {1, 10, 100};
  auto mixup = read_augmentation(call("mixup", {1}), all_modules());
  ASSERT_TRUE(mixup);
  auto mixed = mixed_epoch(dataset, *mixup, 8);
  ASSERT_EQ(mixed.size(), 30u);
  auto order = shuffled_order(30, 7, 3);
  int swapped = 0;
  for (size_t i = 0; i < 30; ++i) {
    int64_t own = order[i], other = order[(i + 1) % 30];
    auto [step, draws] = choose_mix(*mixup, 7, 3, own);
    float share = step->mix(*step, draws).share, own_weight = share * dataset.class_weights[own % 3],
          other_weight = (1 - share) * dataset.class_weights[other % 3];
    swapped += share < 0.5f;
    EXPECT_EQ(mixed[i].target, (share < 0.5f ? other : own) % 3);
    EXPECT_EQ(mixed[i].other, (share < 0.5f ? own : other) % 3);
    EXPECT_FLOAT_EQ(mixed[i].weight, share < 0.5f ? other_weight : own_weight);
    EXPECT_FLOAT_EQ(mixed[i].other_weight, share < 0.5f ? own_weight : other_weight);
    const auto &pixels = std::get<1>(dataset.samples->inputs[0].values);
    for (int64_t e = 0; e < 16; ++e)
      EXPECT_NEAR(mixed[i].values[e], (share * pixels[own * 16 + e] + (1 - share) * pixels[other * 16 + e] - 10) * 0.5,
                  1e-3);
  }
  EXPECT_GT(swapped, 5);
  for (int64_t batch_size : {1, 7, 30, 100}) {
    auto again = mixed_epoch(dataset, *mixup, batch_size);
    for (size_t i = 0; i < 30; ++i) EXPECT_EQ(again[i].values, mixed[i].values);
  }
}

TEST(Batches, WithoutAugmentationThePairOfASampleIsItself) {
  Dataset dataset = pictures(3);
  dataset.in_pairs = true;
  Batches batches(dataset, {.batch_size = 8});
  const Batch *batch = batches.next().value();
  ASSERT_EQ(batch->arguments.size(), 5u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(static_cast<const int32_t *>(batch->arguments[3])[i], i);
    EXPECT_EQ(static_cast<const float *>(batch->arguments[2])[i], 1.0f);
    EXPECT_EQ(static_cast<const float *>(batch->arguments[4])[i], 0.0f);
  }
}

}  // namespace
}  // namespace netc::runtime
