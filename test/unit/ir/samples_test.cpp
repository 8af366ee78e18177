// Which functions keep the samples of a batch apart.
#include <gtest/gtest.h>

#include "ir/samples.h"
#include "ir/text.h"

namespace netc::test {
namespace {

bool apart(const std::string &ops, const std::string &type, const std::string &arguments = "%x: f32[B, 4, 4, 3]") {
  std::string text = "module \"m\" {\nweight @w: f32[3, 5] trainable\nweight @k: f32[3, 3, 3, 5] trainable\nfunc @f(" +
                     arguments + ") -> (%y) mode inference {\n" + ops + "\n}\n}";
  SourceMap sources;
  Diagnostics diagnostics;
  auto module = parse_module(sources, sources.add("test.graph", text), diagnostics);
  EXPECT_TRUE(module) << (module ? "" : diagnostics.all()[0].message);
  if (!module) return false;
  const Function &function = module->functions[0];
  EXPECT_EQ(to_string(function.type(function.results[0])), type);
  return keeps_samples_apart(function);
}

TEST(Samples, LayersKeepThemApart) {
  EXPECT_TRUE(apart("%y: f32[B, 4, 4, 3] = exp(%x)", "f32[B, 4, 4, 3]"));
  EXPECT_TRUE(
      apart("%k: f32[3, 3, 3, 5] = read() {weight = \"k\"}\n%y: f32[B, 2, 2, 5] = conv2d(%x, %k)", "f32[B, 2, 2, 5]"));
  EXPECT_TRUE(apart("%y: f32[B] = reduce_sum(%x) {axes = [1, 2, 3]}", "f32[B]"));
  EXPECT_TRUE(apart("%y: f32[B, 48] = reshape(%x) {shape = [B, 48]}", "f32[B, 48]"));
  // Every pixel a row of its own: the rows of a sample still lie together.
  EXPECT_TRUE(
      apart("%w: f32[3, 5] = read() {weight = \"w\"}\n%r: f32[16*B, 3] = reshape(%x) {shape = [16*B, 3]}\n"
            "%y: f32[16*B, 5] = matmul(%r, %w)",
            "f32[16*B, 5]"));
  EXPECT_TRUE(apart("%y: f32[B, 3, 4, 4] = transpose(%x) {permutation = [0, 3, 1, 2]}", "f32[B, 3, 4, 4]"));
  EXPECT_TRUE(apart("%y: f32[B, 4, 4, 3] = reverse(%x) {axes = [1]}", "f32[B, 4, 4, 3]"));
  EXPECT_TRUE(apart("%y: f32[B, 4, 4, 6] = concatenate(%x, %x) {axis = 3}", "f32[B, 4, 4, 6]"));
}

TEST(Samples, WhatMixesThemIsFound) {
  EXPECT_FALSE(apart("%y: f32[4, 4, 3] = reduce_sum(%x) {axes = [0]}", "f32[4, 4, 3]"));
  EXPECT_FALSE(
      apart("%s: f32[1, 4, 4, 3] = reduce_max(%x) {axes = [0], keep_dims = true}\n"
            "%y: f32[B, 4, 4, 3] = subtract(%x, %s)",
            "f32[B, 4, 4, 3]"));
  EXPECT_FALSE(apart("%y: f32[B, 4, 4, 3] = reverse(%x) {axes = [0]}", "f32[B, 4, 4, 3]"));
  EXPECT_FALSE(apart("%y: f32[2*B, 4, 4, 3] = concatenate(%x, %x) {axis = 0}", "f32[2*B, 4, 4, 3]"));
  EXPECT_FALSE(apart("%y: f32[4, B, 4, 3] = transpose(%x) {permutation = [1, 0, 2, 3]}", "f32[4, B, 4, 3]"));
  EXPECT_FALSE(
      apart("%r: f32[B, 3] = random_uniform() {shape = [B, 3], stream = 0}\n%y: f32[B, 3] = exp(%r)", "f32[B, 3]"));
  EXPECT_FALSE(
      apart("%n: f32[B] = iota() {shape = [B]}\n%s: f32[B] = reduce_sum(%x) {axes = [1]}\n"
            "%y: f32[B] = add(%n, %s)",
            "f32[B]", "%x: f32[B, 3]"));
}

TEST(Samples, InsideFusedOps) {
  auto fused = [](const std::string &reduction, const std::string &type) {
    return "%y: " + type + " = fused(%x) {kind = \"reduce\"} body(%a: f32[B, 3]) -> (%r) {\n%e: f32[B, 3] = exp(%a)\n" +
           "%r: " + type + " = reduce_sum(%e) {axes = [" + reduction + "]}\n}";
  };
  EXPECT_TRUE(apart(fused("1", "f32[B]"), "f32[B]", "%x: f32[B, 3]"));
  EXPECT_FALSE(apart(fused("0", "f32[3]"), "f32[3]", "%x: f32[B, 3]"));
}

}  // namespace
}  // namespace netc::test
