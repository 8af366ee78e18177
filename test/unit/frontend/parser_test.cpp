// The shape of the syntax tree, seen through dump_ast; the wrong files are in test/errors.
#include <gtest/gtest.h>

#include "frontend/frontend.h"

namespace netc {
namespace {

struct Parsed {
  SourceMap sources;
  Diagnostics diagnostics;
  std::optional<ast::File> file;
  std::string text;  // the tree, or the diagnostics
};

Parsed parse(std::string source) {
  Parsed result;
  FileId id = result.sources.add("t.net", std::move(source));
  result.file = parse_file(result.sources, id, result.diagnostics);
  result.text = result.file ? dump_ast(*result.file) : render_text(result.diagnostics, result.sources, false);
  return result;
}

// The tree of one statement.
std::string statement(const std::string &source) {
  std::string text = parse("block b(x) {\n" + source + "\n}\n").text;
  std::string head = "block b\n  parameter x\n";
  return text.starts_with(head) ? text.substr(head.size()) : text;
}

TEST(Parser, Precedence) {
  EXPECT_EQ(statement("1 + 2 * 3 - 4"), "  (- (+ 1 (* 2 3)) 4)\n");
  EXPECT_EQ(statement("a or b and not c == d + 1"), "  (or a (and b (not (== c (+ d 1)))))\n");
  EXPECT_EQ(statement("y = -a ^ 2"), "  y = (- (^ a 2))\n");
  EXPECT_EQ(statement("a ^ -b ^ c"), "  (^ a (- (^ b c)))\n");
  EXPECT_EQ(statement("a ^ b ^ c"), "  (^ a (^ b c))\n");
  EXPECT_EQ(statement("a - b - c"), "  (- (- a b) c)\n");
  EXPECT_EQ(statement("a // b % c / d"), "  (/ (% (// a b) c) d)\n");
  EXPECT_EQ(statement("2 * -a"), "  (* 2 (- a))\n");
  EXPECT_EQ(statement("(a + b) * c"), "  (* (+ a b) c)\n");
  EXPECT_EQ(statement("a + b -> f -> g(c) as y -> h"), "  (-> (as (-> (-> (+ a b) f) (call g c)) y) h)\n");
  EXPECT_EQ(statement("(x -> f) + y"), "  (+ (-> x f) y)\n");
}

TEST(Parser, PostfixesAndLiterals) {
  EXPECT_EQ(statement("x.shape[-1].y(1, k = \"a\\n\\u{e9}\", true,)"),
            "  (call (. (at (. x shape) (- 1)) y) 1 k=\"a\\n\xC3\xA9\" true)\n");
  EXPECT_EQ(statement("f([1, 2.5, 1e-3, [],], {a, 2}, 0 ..< n, log 1 .. 2)"),
            "  (call f [1, 2.5, 0.001, []] {a, 2} (..< 0 n) (log.. 1 2))\n");
  EXPECT_EQ(statement("f(log(2), log)"), "  (call f (call log 2) log)\n");
}

TEST(Parser, UnitsAndPercent) {
  EXPECT_EQ(statement("f(10%, 1 epoch, 500 steps, 2h, 10 deg)"), "  (call f 10% 1 epochs 500 steps 2 h 10 deg)\n");
  EXPECT_EQ(statement("10 % 3"), "  (% 10 3)\n");
  EXPECT_EQ(statement("10%n"), "  (% 10 n)\n");
  // A unit stands in the line of its number, and is none where a key begins.
  EXPECT_EQ(parse("train n on d { batch_size = 64\n epochs = 20 }").text,
            "section train network n data d\n  batch_size = 64\n  epochs = 20\n");
  EXPECT_EQ(parse("train n on d { a = 64 epochs = 20 }").text,
            "section train network n data d\n  a = 64\n  epochs = 20\n");
}

// The one place where layout counts: how a line begins directly inside braces.
TEST(Parser, LinesThatBeginAStatement) {
  EXPECT_EQ(statement("y = x\n-y"), "  y = x\n  (- y)\n");
  EXPECT_EQ(statement("y = x\n- y"), "  y = (- x y)\n");
  EXPECT_EQ(statement("y = x -\ny"), "  y = (- x y)\n");
  EXPECT_EQ(statement("y = x\n(y)"), "  y = x\n  y\n");
  EXPECT_EQ(statement("y = x\n[y]"), "  y = x\n  [y]\n");
  EXPECT_EQ(statement("y = x (1)"), "  y = (call x 1)\n");
  EXPECT_EQ(statement("y = x\n-> f"), "  y = (-> x f)\n");
  EXPECT_EQ(statement("y = x\n+ z"), "  y = (+ x z)\n");
  EXPECT_EQ(statement("f(a\n-b)"), "  (call f (- a b))\n");
  EXPECT_EQ(statement("f(a\n(b))"), "  (call f (call a b))\n");
  EXPECT_EQ(statement("if c { -x } else { (x) }"), "  (if c {(- x)} {x})\n");
  EXPECT_EQ(statement("if c { x }\n(y)"), "  (if c {x})\n  y\n");
}

TEST(Parser, Statements) {
  EXPECT_EQ(statement("mean, variance = moments(x)"), "  mean, variance = (call moments x)\n");
  EXPECT_EQ(statement("weight k: f32[x.shape[-1], n] = he { regularizer = l2(1), constraint = none }"),
            "  weight k: f32[(at (. x shape) (- 1)), n] = he { regularizer = (call l2 1), constraint = none }\n");
  EXPECT_EQ(statement("update m = 0.9 * m"), "  update m = (* 0.9 m)\n");
  EXPECT_EQ(statement("repeat i in 0 ..< 3 { x = x -> f }"), "  repeat i in (..< 0 3)\n    x = (-> x f)\n");
  EXPECT_EQ(statement("y = if a { 1 } else if b { 2 } else { 3 }"), "  y = (if a {1} {(if b {2} {3})})\n");
  // Words that are special in one place are names elsewhere.
  EXPECT_EQ(statement("weight = 1\nupdate = 2\nlog = 3\ndata = weight"),
            "  weight = 1\n  update = 2\n  log = 3\n  data = weight\n");
}

TEST(Parser, Parts) {
  EXPECT_EQ(parse("param lr = 1e-3 in log 1e-4 .. 1e-2\nimport \"a.net\"\n").text,
            "param lr = 0.001 in (log.. 0.0001 0.01)\nimport \"a.net\"\n");
  EXPECT_EQ(parse("param m = 0.9 in 0.5 .. 1.0 if rule == \"sgd\" and not wide\nparam b = 1").text,
            "param m = 0.9 in (.. 0.5 1) if (and (== rule \"sgd\") (not wide))\nparam b = 1\n");
  EXPECT_EQ(parse("network n(a: f32[3], b: i32) -> (p: f32[3], class[10]) { a }").text,
            "network n\n  parameter a: f32[3]\n  parameter b: i32\n  output p: f32[3]\n  output class[10]\n  a\n");
  EXPECT_EQ(parse("train tune: n on data { }\ndefaults { conv2d(padding = same) }").text,
            "section train tune network n data data\nsection defaults\n  (call conv2d padding=same)\n");
  EXPECT_EQ(parse("").text, "");
  EXPECT_EQ(parse("\xEF\xBB\xBFparam a = 1").text, "param a = 1\n");
}

TEST(Parser, Documentation) {
  EXPECT_EQ(parse("block b(x) {\n  ## One.\n  ## Two: \"x\".\n  x # no\n  ## not this\n}").text,
            "block b\n  doc \"One.\\nTwo: \\\"x\\\".\"\n  parameter x\n  x\n");
  EXPECT_EQ(parse("## Far.\n\n## Near.\nblock b(x) { x }").text, "block b\n  doc \"Near.\"\n  parameter x\n  x\n");
  EXPECT_EQ(parse("##### title #####\nblock b(x) { x }").text, "block b\n  parameter x\n  x\n");
}

TEST(Parser, SpansCoverTheText) {
  std::string source = "block b(x) {\n  y = x -> dense(10) as z\n}";
  Parsed result = parse(source);
  ASSERT_TRUE(result.file) << result.text;
  auto &block = std::get<ast::BlockDecl>(result.file->items[0].node);
  auto &assign = std::get<ast::Assign>(block.body.statements[0].node);
  auto text = [&](Span span) { return source.substr(span.begin, span.end - span.begin); };
  EXPECT_EQ(text(result.file->items[0].span), source);
  EXPECT_EQ(text(block.body.statements[0].span), "y = x -> dense(10) as z");
  EXPECT_EQ(text(assign.value->span), "x -> dense(10) as z");
  EXPECT_EQ(text(std::get<ast::As>(assign.value->node).value->span), "x -> dense(10)");
}

// Bounds: each of these inputs is refused quickly, by a message.
TEST(Parser, HostileInput) {
  auto repeated = [](std::string_view part, size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += part;
    return text;
  };
  const std::vector<std::string> inputs = {
      repeated("(", 100'000),
      "block b(x) { " + repeated("(", 100'000) + "x" + repeated(")", 100'000) + "}",
      "block b(x) { x" + repeated(" -> f", 100'000) + "}",
      "block b(x) { 1" + repeated("+1", 100'000) + "}",
      "block b(x) { 1" + repeated("^1", 100'000) + "}",
      "block b(x) { x" + repeated(".y", 100'000) + "}",
      "block b(x) { x" + repeated("(1)", 80'000) + "}",
      "block b(x) { " + repeated("not ", 100'000) + "x}",
      "block b(x) { y = " + repeated("- ", 100'000) + "x}",
      "block b(x) { if a { b } " + repeated("else if a { b } ", 30'000) + "}",
      repeated("block b(x) { if a { ", 10'000),
      repeated("x ", 260'000),
      repeated(") ", 30'000),
      repeated("} ", 30'000),
      repeated("= ", 100'000),
      repeated("\"", 99'999),
      repeated("/*", 200'000),
      "\"\"\"" + repeated("x", 200'000),
      "'" + repeated("\\", 100'000),
      repeated("\xC3\xA9", 100'000) + "!",
      std::string("param a = 1\0param b = 2", 23),
      "param a = \"\xFF\"",
      "\xED\xA0\x80",
      std::string(17u << 20, ' '),
  };
  for (const std::string &input : inputs) {
    Parsed result = parse(input);
    EXPECT_FALSE(result.file) << input.substr(0, 30);
    EXPECT_TRUE(result.diagnostics.has_errors()) << input.substr(0, 30);
  }
}

TEST(Parser, ChainsUpToTheBoundAreRead) {
  std::string sum = "block b(x) { x";
  for (int i = 0; i < 900; ++i) sum += " + x";
  EXPECT_TRUE(parse(sum + " }").file);
  std::string nested = "block b(x) { " + std::string(190, '(') + "x" + std::string(190, ')') + " }";
  EXPECT_TRUE(parse(nested).file);
}

TEST(Parser, TokensAreDumpedWithTheKindTheParserSees) {
  SourceMap sources;
  FileId id = sources.add("t.net", "param a = 5 epochs");
  EXPECT_EQ(dump_tokens(sources, id),
            "1:1 PARAM param\n1:7 NAME a\n1:9 ASSIGN =\n1:11 NUMBER 5\n1:13 UNIT epochs\n1:19 EOF \n");
}

}  // namespace
}  // namespace netc
