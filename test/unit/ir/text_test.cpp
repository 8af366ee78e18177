// The text form: print, parse, print is the identity, also of modules no compiler would make; garbage gives a message.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ir/text.h"
#include "ir/verifier.h"
#include "test/unit/ir/op_cases.h"

namespace netc::test {
namespace {

std::optional<Module> parse(const std::string &text, std::string *message = nullptr) {
  SourceMap sources;
  Diagnostics diagnostics;
  auto module = parse_module(sources, sources.add("test.graph", text), diagnostics);
  EXPECT_EQ(module.has_value(), !diagnostics.has_errors());
  if (message && !module) {
    LineColumn at = sources.file(0).position(diagnostics.all()[0].span.begin);
    *message = std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + diagnostics.all()[0].message;
  }
  return module;
}

// Every case of every op as a function, with made-up names, places, halos and locations.
Module random_module(unsigned seed) {
  std::mt19937 random(seed);
  Module module;
  module.name = "a \"quoted\" \\ name\n";
  module.weight_bytes = seed % 2 ? 4096 : 0;
  auto file = std::make_shared<const std::string>("digits.net");
  module.weights.push_back({"conv2d.kernel", type("f32[3, 3, 1, 8]"), true, 64, {file, 3, 9}});
  module.weights.push_back({"odd name", type("f64[]"), false, 0, {}});
  std::vector<OpCase> cases = op_cases();
  for (int i = 0; i < 8; ++i) {
    Function function = function_of(cases[random() % cases.size()], random() % 2 ? Mode::training : Mode::inference);
    function.name = "f" + std::to_string(i);
    for (Value &value : function.values) {
      if (random() % 3 == 0) value.halo = {1, 2, 3, 4};
      value.placement = {static_cast<Space>(random() % 6), static_cast<int64_t>(random() % 100) * 64};
      if (value.placement.space == Space::none) value.placement.offset = 0;
    }
    for (Op &op : function.ops)
      if (random() % 2)
        op.location = {file, static_cast<uint32_t>(random() % 99), 1, random() % 2 ? file : nullptr, random() % 2 == 0};
    if (random() % 2) function.result_names.assign(function.results.size(), "result");
    function.fixed_bytes = static_cast<int64_t>(random() % 2) * 640;
    module.functions.push_back(std::move(function));
  }
  return module;
}

Module fused_module() {
  Module module{.name = "fused", .weights = {}, .functions = {}, .weight_bytes = 0};
  Builder body(nullptr, "", Mode::inference);
  ValueId a = body.argument("a", type("f32[B, 3]")), c = body.argument("c", type("f32[3]"));
  ValueId y = body.emit("relu", {body.emit("add", {a, c})});
  Function inner = body.finish({y, body.emit("multiply", {y, body.constant(0.1)})}, {});
  Builder b(&module, "f", Mode::inference);
  ValueId x = b.argument("x", type("f32[B, 3]")), bias = b.argument("bias", type("f32[3]"));
  auto results = b.fused("map", {x, bias}, std::move(inner));
  module.functions.push_back(b.finish(results, {"y", "scaled"}));
  return module;
}

TEST(Text, RoundTripIsTheIdentity) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    Module module = random_module(seed);
    std::string text = print(module), message;
    auto parsed = parse(text, &message);
    ASSERT_TRUE(parsed) << message << "\n" << text;
    ASSERT_EQ(print(*parsed), text);
    EXPECT_EQ(verify(*parsed), std::vector<std::string>{}) << text;
  }
  std::string text = print(fused_module());
  EXPECT_EQ(print(*parse(text)), text);
  EXPECT_EQ(verify(fused_module()), std::vector<std::string>{});
}

TEST(Text, NumbersReadBackAsTheSameDoubles) {
  std::vector<double> values = {0.1, -0.0, 1e-310, 1.7976931348623157e308, 1.0 / 3, -INFINITY, INFINITY, NAN, 16777217};
  Module module{.name = "n", .weights = {}, .functions = {}, .weight_bytes = 0};
  Builder b(&module, "f", Mode::inference);
  ValueId y = b.emit("constant", {}, {{"shape", type("f32[9]").shape}, {"values", values}});
  module.functions.push_back(b.finish({y}, {}));
  auto parsed = parse(print(module));
  ASSERT_TRUE(parsed);
  const auto &read = parsed->functions[0].ops[0].get<std::vector<double>>("values");
  ASSERT_EQ(read.size(), values.size());
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_TRUE(std::isnan(values[i]) ? std::isnan(read[i])
                                      : std::signbit(read[i]) == std::signbit(values[i]) && read[i] == values[i]);
}

TEST(Text, DefaultsMayBeLeftOutAndCommentsStand) {
  auto module = parse(R"(// a comment
module "m" {
  func @f(%x: f32[B, 2], %w: f32[2, 3]) -> (%y as "y") mode inference { // another
    %y: f32[B, 3] = matmul(%x, %w)
  }
})");
  ASSERT_TRUE(module);
  EXPECT_FALSE(module->functions[0].ops[0].get<bool>("transpose_a"));
  EXPECT_EQ(verify(*module), std::vector<std::string>{});
}

TEST(Text, SaysWhatIsWrongAndWhere) {
  auto message_of = [](const std::string &op_line) {
    std::string message;
    parse("module \"m\" {\nfunc @f(%x: f32[B]) -> (%x) mode inference {\n" + op_line + "\n}\n}", &message);
    return message;
  };
  EXPECT_EQ(message_of("%y: f32[B] = exq(%x)"), "3:14: there is no op \"exq\"");
  EXPECT_EQ(message_of("%y: f32[B] = exp(%z)"), "3:19: %z is not defined here");
  EXPECT_EQ(message_of("%y: f32[B] = exp(%y)"), "3:19: %y is not defined here");
  EXPECT_EQ(message_of("%x: f32[B] = exp(%x)").substr(0, 6), "3:12: ");
  EXPECT_EQ(message_of("%y: f99[B] = exp(%x)"), "3:5: there is no element type \"f99\"");
  EXPECT_EQ(message_of("%y: f32[0] = exp(%x)"), "3:9: a size must be at least 1, got 0");
  EXPECT_EQ(message_of("%y: f32[B] = exp(%x"), "4:1: expected ')'");
  EXPECT_EQ(message_of("%y: f32[] = reduce_sum(%x) {axes = [zero]}"), "3:37: expected an integer");
  EXPECT_EQ(message_of("%y: f32[] = reduce_sum(%x) {axis = [0]}"), "3:29: reduce_sum has no attribute \"axis\"");
  std::string message;
  parse("", &message);
  EXPECT_EQ(message, "1:1: expected 'module'");
}

// Bytes changed, cut out and doubled: a module or a message, never a crash; what parses prints and parses again.
TEST(Text, GarbageGivesAMessage) {
  std::mt19937 random(1);
  std::string good = print(random_module(7));
  std::string fused = print(fused_module());
  const std::string bytes = "{}()[]%@\"\\=:,*-.Bx0 9\n/";
  for (int round = 0; round < 3000; ++round) {
    std::string text = round % 2 ? good : fused;
    for (int edits = 1 + static_cast<int>(random() % 4); edits > 0 && !text.empty(); --edits) {
      size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = bytes[random() % bytes.size()];
          break;
        case 1:
          text.erase(at, random() % 20);
          break;
        case 2:
          text.insert(at, text.substr(random() % text.size(), random() % 40));
          break;
        default:
          text[at] = static_cast<char>(random());
          break;
      }
    }
    auto module = parse(text);
    if (!module) continue;
    verify(*module);
    std::string printed = print(*module);
    auto again = parse(printed);
    ASSERT_TRUE(again) << printed;
    ASSERT_EQ(print(*again), printed);
  }
}

}  // namespace
}  // namespace netc::test
