#include "runtime/train/sanity.h"

#include <algorithm>
#include <cmath>

#include "runtime/data/some_samples.h"
#include "runtime/train/measure.h"

namespace netc::runtime {
namespace {

constexpr int64_t kSamples = 1024;
constexpr double kGoodAccuracy = 0.99, kGoodShareOfLoss = 0.05;

// Loss without penalties, and accuracy, out of measured values.
struct Figures {
  double loss = 0;
  std::optional<double> accuracy;
};

Result<Figures> figures_of(Program &program, const Result<std::vector<double>> &values) {
  if (!values) return tl::unexpected(values.error());
  Figures figures{(*values)[0] - (*values)[1], std::nullopt};
  std::vector<std::string> names = measured_names(program);
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == "accuracy") figures.accuracy = (*values)[i];
  return figures;
}

Result<Figures> inference_figures(Program &program, Batches &batches) {
  auto values = evaluate_all(program, batches);
  if (!values) return tl::unexpected(values.error());
  return figures_of(program, std::move(**values));
}

bool reaches(const MemoryGoal &goal, const Figures &figures) {
  return (!goal.accuracy || (figures.accuracy && *figures.accuracy >= *goal.accuracy)) &&
         (!goal.loss || figures.loss <= *goal.loss);
}

}  // namespace

Result<double> initial_loss(Program &program, const Settings &settings, const DataSets &data) {
  Batches batches(some_samples(data.train, std::min(data.train.size(), kSamples)),
                  {.batch_size = settings.batch_size.value});
  auto figures = inference_figures(program, batches);
  if (!figures) return tl::unexpected(figures.error());
  return figures->loss;
}

Result<Memory> memorise(Program &program, const Settings &settings, const DataSets &data, MemoryGoal goal) {
  Memory memory{.samples = std::min(goal.samples, data.train.size())};
  Dataset few = some_samples(data.train, memory.samples);
  Batches measured(few, {.batch_size = settings.batch_size.value});
  Batches training(
      few, {.batch_size = settings.batch_size.value, .shuffle = true, .seed = settings.seed.value, .augmentation = {}});
  auto now = inference_figures(program, measured);
  if (!now) return tl::unexpected(now.error());
  if (goal.accuracy && !now->accuracy)
    return fail("overfit is to reach an accuracy, which is not measured",
                "metrics = [accuracy], or overfit(loss = ...)");
  memory.first_loss = memory.loss = now->loss;
  memory.accuracy = now->accuracy;
  if (!goal.accuracy && !goal.loss) {
    if (now->accuracy)
      goal.accuracy = kGoodAccuracy;
    else
      goal.loss = kGoodShareOfLoss * now->loss;
  }
  memory.goal = goal;
  const Function &train_step = *program.function("train_step");
  for (uint32_t epoch = 0; memory.steps < goal.within && !memory.reached; ++epoch) {
    Sums sums;
    training.start(epoch);
    while (memory.steps < goal.within) {
      auto batch = training.next();
      if (!batch) return tl::unexpected(batch.error());
      if (!*batch) break;
      program.set_step(memory.steps++);
      Results results(train_step, (*batch)->size);
      auto done = program.call(train_step, (*batch)->arguments, results.pointers(), (*batch)->size);
      if (!done) return tl::unexpected(done.error());
      sums.add(results, (*batch)->size);
    }
    auto trained = figures_of(program, measured_values(program, sums));
    if (!trained) return tl::unexpected(trained.error());
    now = inference_figures(program, measured);
    if (!now) return tl::unexpected(now.error());
    memory.loss = std::min(now->loss, trained->loss);
    if (now->accuracy) memory.accuracy = std::max({*memory.accuracy, *now->accuracy, *trained->accuracy});
    memory.reached = reaches(goal, *now) || reaches(goal, *trained);
    if (!std::isfinite(trained->loss)) {
      memory.loss = trained->loss;
      break;
    }
  }
  return memory;
}

}  // namespace netc::runtime
