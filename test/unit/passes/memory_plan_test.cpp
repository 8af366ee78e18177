// The checker of the memory plan must find a broken plan, and the packing must be tight where the best answer is known.
#include <gtest/gtest.h>

#include "passes/packing.h"
#include "passes/passes.h"
#include "test/unit/passes/same_meaning.h"

namespace netc {
namespace {

Module planned() {
  Module module = module_from_text(R"(module "plan" {
    weight @w: f32[64] trainable
    func @f(%x: f32[B, 16], %g: f32[64]) -> (%e as "y") mode training {
      %w: f32[64] = read() {weight = "w"}
      %a: f32[B, 16] = reverse(%x) {axes = [1]}
      %b: f32[B, 16] = reverse(%a) {axes = [1]}
      %c: f32[B, 16] = add(%a, %b)
      %n: f32[64] = subtract(%w, %g)
      %r: f32[64] = reverse(%w) {axes = [0]}
      %s: f32[] = reduce_sum(%r) {axes = [0], keep_dims = false}
      %d: f32[B, 16] = add(%c, %s)
      %e: f32[B, 16] = reverse(%d) {axes = [1]}
      write(%n) {weight = "w"}
    }
  })");
  for (const char *pass : {"fuse", "halos", "order", "memory-plan"}) {
    auto done = run_pass(*find_pass(pass), module, {.verify_each = true});
    EXPECT_TRUE(done) << done.error().message;
  }
  return module;
}

Value &value_named(Module &module, std::string_view name) {
  for (Value &value : module.functions.front().values)
    if (value.name == name) return value;
  ADD_FAILURE() << "no value " << name;
  return module.functions.front().values.front();
}

TEST(MemoryCheck, AcceptsThePlan) { EXPECT_TRUE(check_memory_plan(planned()).empty()); }

TEST(MemoryCheck, FindsTwoLiveValuesAtOnePlace) {
  Module module = planned();
  value_named(module, "b").placement = value_named(module, "a").placement;
  EXPECT_FALSE(check_memory_plan(module).empty());
}

TEST(MemoryCheck, FindsPartialOverlap) {
  Module module = planned();
  value_named(module, "b").placement = value_named(module, "a").placement;
  value_named(module, "b").placement.offset += 32;
  EXPECT_FALSE(check_memory_plan(module).empty());
}

TEST(MemoryCheck, FindsAValueOutsideTheWorkspace) {
  Module module = planned();
  module.functions.front().batch_bytes -= 64;
  EXPECT_FALSE(check_memory_plan(module).empty());
}

TEST(MemoryCheck, FindsAWeightWrittenTooEarly) {
  Module module = planned();
  std::vector<Op> &ops = module.functions.front().ops;
  auto makes = [&](std::string_view name) {
    return std::find_if(ops.begin(), ops.end(), [&](const Op &op) {
      return !op.results.empty() && module.functions.front().value(op.results[0]).name == name;
    });
  };
  auto update = makes("n"), reader = makes("r");
  ASSERT_LT(reader, update);
  std::iter_swap(update, reader);
  EXPECT_FALSE(check_memory_plan(module).empty());
}

TEST(MemoryCheck, FindsAValueInTheWrongArena) {
  Module module = planned();
  value_named(module, "a").placement.space = Space::fixed;
  EXPECT_FALSE(check_memory_plan(module).empty());
}

TEST(Packing, ReachesTheSumOfWhatLivesTogether) {
  // Two short lives, one after the other, beside a long one.
  std::vector<Buffer> buffers{{128, 0, 9}, {256, 0, 4}, {192, 5, 9}, {64, 5, 9}};
  EXPECT_EQ(pack(buffers), 384);
}

TEST(Packing, SharesNothingBetweenAResultAndItsOperand) {
  std::vector<Buffer> buffers{{64, 0, 1}, {64, 1, 2}};
  EXPECT_EQ(pack(buffers), 128);
  EXPECT_NE(buffers[0].offset, buffers[1].offset);
}

TEST(Packing, OfNothingIsEmpty) {
  std::vector<Buffer> buffers;
  EXPECT_EQ(pack(buffers), 0);
}

}  // namespace
}  // namespace netc
