// Products of pairs of bf16 (codegen/contraction/paired.h): which processors they are for, and the loop that comes out.
// What they compute says bf16_test.cpp.
#include <gtest/gtest.h>

#include <sstream>

#include "codegen/target.h"
#include "ir/builder.h"
#include "test/unit/codegen/harness.h"

namespace netc::test {
namespace {

using Integers = std::vector<int64_t>;

bool pairs(const std::string &cpu, const std::string &features = "") {
  TargetOptions options{.triple = "x86_64-linux-gnu", .cpu = cpu, .features = features};
  auto target = make_target(options);
  EXPECT_TRUE(target) << cpu;
  return target && target->bf16_pairs;
}

TEST(Bf16Pairs, ForProcessorsThatMultiplyThemFast) {
  EXPECT_TRUE(pairs("znver4"));
  EXPECT_TRUE(pairs("znver5"));
  EXPECT_TRUE(pairs("x86-64-v4", "+avx512bf16"));
  EXPECT_FALSE(pairs("x86-64-v4"));
  EXPECT_FALSE(pairs("znver3"));
  EXPECT_FALSE(pairs("cooperlake"));                             // Intel's: slower than f32
  EXPECT_FALSE(pairs("sapphirerapids", "-amx-bf16,-amx-tile"));  // the same
  EXPECT_FALSE(pairs("sapphirerapids"));                         // the matrix unit does more
  EXPECT_FALSE(pairs("x86-64-v4", "+avx512bf16,+amx-tile,+amx-bf16"));
}

// What the compiler makes of a contraction of two inputs.
std::string assembly(const std::string &cpu, const Type &a, const Type &b, const std::string &op,
                     const Attributes &attributes, Halo halo = {}) {
  Module module;
  Builder builder(&module, "f", Mode::training);
  ValueId x = builder.argument("x", a), y = builder.argument("y", b);
  ValueId image = builder.emit("negative", {x});
  module.functions.push_back(builder.finish({builder.emit(op, {image, y}, attributes)}, {"result"}));
  module.functions[0].values[image].halo = halo;
  place_everything(module);
  Metadata metadata;
  metadata.json = "{}";
  auto text = generate(module, metadata, {.triple = "x86_64-linux-gnu", .cpu = cpu, .winograd = false}, Emit::assembly);
  EXPECT_TRUE(text) << cpu;
  return text ? *text : "";
}

size_t count(const std::string &text, const std::string &word) {
  size_t found = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

// The loop with the most products: from its label to the branch back.
std::vector<std::string> busiest_loop(const std::string &text, const std::string &product) {
  std::vector<std::string> best, block;
  size_t most = 0;
  std::string label;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(".L") && line.find(':') != std::string::npos) {
      label = line.substr(0, line.find(':'));
      block.clear();
      continue;
    }
    block.push_back(line);
    if (line.find("\tj") == std::string::npos || line.find(label) == std::string::npos) continue;
    size_t products = 0;
    for (const std::string &each : block) products += count(each, product);
    if (products > most) most = products, best = block;
    block.clear();
  }
  return best;
}

struct Loop {
  size_t products = 0, broadcasts = 0, stack = 0, others = 0;
};
Loop look_at(const std::vector<std::string> &lines, const std::string &product) {
  Loop loop;
  for (const std::string &line : lines) {
    bool multiplies = line.find(product) != std::string::npos;
    bool broadcasts = line.find("broadcast") != std::string::npos || line.find("{1to16}") != std::string::npos;
    loop.products += multiplies;
    loop.broadcasts += broadcasts;
    loop.stack += line.find("(%rsp") != std::string::npos || line.find("(%rbp") != std::string::npos;
    loop.others += !multiplies && !broadcasts && (line.find("zmm") != std::string::npos);
  }
  return loop;
}

// The loop over pairs is that over f32 with another instruction: sums stay in registers, an element of A is one load.
void expect_the_same_loop(const std::string &op, const Attributes &attributes, const Shape &a, const Shape &b,
                          const Shape &half_a, const Shape &half_b, Halo halo = {}) {
  std::string narrow = assembly("znver4", {DType::bf16, a}, {DType::bf16, b}, op, attributes, halo);
  std::string wide = assembly("znver4", {DType::f32, half_a}, {DType::f32, half_b}, op, attributes, halo);
  Loop pairs = look_at(busiest_loop(narrow, "vdpbf16ps"), "vdpbf16ps");
  Loop floats = look_at(busiest_loop(wide, "vfmadd"), "vfmadd");
  EXPECT_GE(pairs.products, 24);
  EXPECT_EQ(pairs.products, floats.products);
  EXPECT_LE(pairs.stack, floats.stack);
  EXPECT_LE(pairs.broadcasts, floats.broadcasts);
  EXPECT_LE(pairs.others, floats.others);
}

TEST(Bf16Pairs, TheLoopIsThatOfFloats) {
  auto product = [](bool transpose_a, bool transpose_b) {
    return Attributes{{"transpose_a", transpose_a}, {"transpose_b", transpose_b}};
  };
  expect_the_same_loop("matmul", product(false, false), {kBatch, {512}}, {{512}, {128}}, {kBatch, {256}},
                       {{256}, {128}});
  expect_the_same_loop("matmul", product(false, true), {kBatch, {512}}, {{128}, {512}}, {kBatch, {256}},
                       {{128}, {256}});
  expect_the_same_loop("matmul", product(true, false), {kBatch, {128}}, {kBatch, {128}}, {kBatch, {128}},
                       {kBatch, {128}});
  Attributes window{{"strides", Integers{1, 1}},
                    {"padding", Integers{1, 1, 1, 1}},
                    {"dilation", Integers{1, 1}},
                    {"groups", int64_t{1}}};
  Attributes forward = window, backward = window;
  forward["input_dilation"] = Integers{1, 1};
  backward["kernel_size"] = Integers{3, 3};
  Shape image{kBatch, {14}, {14}, {64}}, kernel{{3}, {3}, {64}, {64}};
  expect_the_same_loop("conv2d", forward, image, kernel, {kBatch, {14}, {14}, {32}}, {{3}, {3}, {32}, {64}},
                       {1, 1, 1, 1});
  expect_the_same_loop("conv2d_backward_weights", backward, image, image, image, image, {1, 1, 1, 1});
}

}  // namespace
}  // namespace netc::test
