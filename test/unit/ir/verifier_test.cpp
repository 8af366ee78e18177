// The verifier finds each kind of broken module; the modules are made by breaking a sound one.
#include <gtest/gtest.h>

#include "ir/op.h"
#include "ir/text.h"
#include "ir/verifier.h"

namespace netc::test {
namespace {

std::vector<std::string> problems_of(const std::string &ops, const std::string &result = "%x") {
  std::string text = "module \"m\" {\nweight @w: f32[3] trainable\nfunc @f(%x: f32[B, 3]) -> (" + result +
                     ") mode training {\n" + ops + "\n}\n}";
  SourceMap sources;
  Diagnostics diagnostics;
  auto module = parse_module(sources, sources.add("test.graph", text), diagnostics);
  if (!module) return {"parse: " + diagnostics.all()[0].message};
  return verify(*module);
}
using Problems = std::vector<std::string>;

TEST(Verifier, FindsWrongTypesAndCounts) {
  EXPECT_EQ(problems_of("%y: f32[B, 3] = exp(%x)", "%y"), Problems{});
  EXPECT_EQ(problems_of("%y: f32[B, 4] = exp(%x)"), Problems{"@f: %y = exp: is f32[B, 4], should be f32[B, 3]"});
  EXPECT_EQ(problems_of("exp(%x)"), Problems{"@f: exp: has 0 results, should have 1"});
  EXPECT_EQ(problems_of("%y: f32[B, 3] = add(%x)"), Problems{"@f: %y = add: add takes 2 operands, got 1"});
  EXPECT_EQ(problems_of("%y: f32[3] = read() {weight = \"v\"}"),
            Problems{"@f: %y = read: read: there is no weight \"v\""});
}

TEST(Verifier, FindsReadsAfterWrites) {
  std::string read = "%a: f32[3] = read() {weight = \"w\"}\n", write = "write(%a) {weight = \"w\"}\n";
  EXPECT_EQ(problems_of(read + write), Problems{});
  EXPECT_EQ(problems_of(read + write + "%b: f32[3] = read() {weight = \"w\"}"),
            Problems{"@f: %b = read: the weight w was written before"});
  EXPECT_EQ(problems_of(read + write + write), Problems{"@f: write: the weight w was written before"});
}

TEST(Verifier, HoldsBodiesWithPoolingToOneKindOfWindows) {
  auto fused = [](const std::string &kind, const std::string &ops, const std::string &type) {
    return "%k: f32[B, 1, 1, 3] = reshape(%x) {shape = [B, 1, 1, 3]}\n"
           "%i: f32[B, 4, 4, 3] = broadcast_to(%k) {shape = [B, 4, 4, 3]}\n%y: " +
           type + " = fused(%i) {kind = \"" + kind + "\"} body(%a: f32[B, 4, 4, 3]) -> (%r) {\n" + ops + "\n}";
  };
  std::string halves = " {pool_size = [2, 2], strides = [2, 2]}\n",
              columns = " {pool_size = [4, 1], strides = [4, 1]}\n";
  std::string pooled = "%p: f32[B, 2, 2, 3] = max_pool2d(%a)" + halves;
  EXPECT_EQ(problems_of(fused("map", pooled + "%r: f32[B, 2, 2, 3] = exp(%p)", "f32[B, 2, 2, 3]")), Problems{});
  EXPECT_EQ(problems_of(fused("map", pooled + "%r: f32[B, 1, 4, 3] = max_pool2d(%a)" + columns, "f32[B, 1, 4, 3]")),
            Problems{"@f: %y = fused: the windows of the body differ or do not tile"});
  EXPECT_EQ(problems_of(fused("map", "%r: f32[B, 3, 2, 3] = max_pool2d(%a) {pool_size = [2, 2], strides = [1, 2]}",
                              "f32[B, 3, 2, 3]")),
            Problems{"@f: %y = fused: the windows of the body differ or do not tile"});
  std::string sum = "%r: f32[B, 4, 3] = reduce_sum(%a) {axes = [1]}";
  EXPECT_EQ(problems_of(fused("reduce", pooled + sum, "f32[B, 4, 3]")),
            Problems{"@f: %y = fused: a reduction of a body with pooling leaves an axis of the windows"});
}

TEST(Verifier, HoldsBodiesToTheirKind) {
  auto fused = [](const std::string &kind, const std::string &ops, const std::string &type) {
    return "%y: " + type + " = fused(%x) {kind = \"" + kind + "\"} body(%a: f32[B, 3]) -> (%r) {\n" + ops + "\n}";
  };
  EXPECT_EQ(problems_of(fused("map", "%r: f32[B, 3] = exp(%a)", "f32[B, 3]")), Problems{});
  EXPECT_EQ(problems_of(fused("map", "%r: f32[B] = reduce_sum(%a) {axes = [1]}", "f32[B]")),
            Problems{"@f: %y = fused: reduce_sum may not stand in a body of kind map"});
  EXPECT_EQ(problems_of(fused("reduce", "%r: f32[B] = reduce_sum(%a) {axes = [1]}", "f32[B]")), Problems{});
  EXPECT_EQ(problems_of(fused("reduce", "%s: f32[B] = reduce_sum(%a) {axes = [1]}\n%r: f32[B] = exp(%s)", "f32[B]")),
            Problems{"@f: %y = fused: a reduction is not at the end of the body"});
  EXPECT_EQ(
      problems_of(fused("reduce", "%s: f32[3] = reduce_sum(%a) {axes = [0]}\n%r: f32[B] = reduce_max(%a) {axes = [1]}",
                        "f32[B]")),
      Problems{"@f: %y = fused: the reductions of the body differ in shape or axes"});
  EXPECT_EQ(
      problems_of(fused("contraction", "%r: f32[B, B] = matmul(%a, %a) {transpose_b = true}", "f32[B, 3]")).empty(),
      false);
  EXPECT_EQ(
      problems_of(fused("contraction", "%b: f32[B, 3] = exp(%a)\n%r: f32[3, 3] = matmul(%b, %a) {transpose_a = true}",
                        "f32[3, 3]")),
      Problems{"@f: %y = fused: the contraction of the body reads more than arguments"});
  EXPECT_EQ(problems_of(fused("tile", "%r: f32[B, 3] = exp(%a)", "f32[B, 3]")),
            Problems{"@f: %y = fused: fused: there is no kind \"tile\""});
}

// What the text form cannot say.
TEST(Verifier, FindsBrokenGraphs) {
  SourceMap sources;
  Diagnostics diagnostics;
  auto module = parse_module(sources, sources.add("test.graph", R"(module "m" {
    func @f(%x: f32[B]) -> (%z) mode inference { %y: f32[B] = exp(%x) %z: f32[B] = exp(%y) }
  })"),
                             diagnostics);
  ASSERT_TRUE(module);
  ASSERT_TRUE(verify(*module).empty());
  auto broken = [&](auto change) {
    Module copy = *module;
    change(copy.functions[0]);
    return !verify(copy).empty();
  };
  EXPECT_TRUE(broken([](Function &f) { std::swap(f.ops[0], f.ops[1]); }));
  EXPECT_TRUE(broken([](Function &f) { f.ops.push_back(f.ops[0]); }));
  EXPECT_TRUE(broken([](Function &f) { f.ops.pop_back(); }));
  EXPECT_TRUE(broken([](Function &f) { f.ops[0].operands[0] = 99; }));
  EXPECT_TRUE(broken([](Function &f) { f.results[0] = 99; }));
  EXPECT_TRUE(broken([](Function &f) { f.values[1].name = f.values[2].name; }));
  EXPECT_TRUE(broken([](Function &f) { f.result_names = {"a", "b"}; }));
  EXPECT_TRUE(broken([](Function &f) { f.ops[0].attributes["no"] = true; }));
  EXPECT_TRUE(broken([](Function &f) { f.ops[0].def = nullptr; }));
  EXPECT_TRUE(broken([](Function &f) { f.ops[0].def = find_op("reduce_sum"); }));
}

}  // namespace
}  // namespace netc::test
