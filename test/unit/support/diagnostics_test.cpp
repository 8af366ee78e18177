// What a person and an editor see of diagnostics: places, carets, order, duplicates, odd lines; the nearest name.
#include "support/diagnostics.h"

#include <gtest/gtest.h>

namespace netc {
namespace {

TEST(Diagnostics, TextIsThatOfTheLanguagePage) {
  SourceMap sources;
  FileId file = sources.add("a.net", "first\n    -> dense(128) -> relu\n");
  Diagnostics diagnostics;
  diagnostics.error({file, 13, 23}, "dense needs a vector per sample, got f32[7, 7, 64]")
      .note("image f32[28, 28, 1] -> max_pool2d f32[7, 7, 64]")
      .help("flatten it first: -> flatten -> dense(128)");
  EXPECT_EQ(render_text(diagnostics, sources, false),
            "a.net:2:8: error: dense needs a vector per sample, got f32[7, 7, 64]\n"
            "   2 |     -> dense(128) -> relu\n"
            "     |        ^~~~~~~~~~\n"
            "note: image f32[28, 28, 1] -> max_pool2d f32[7, 7, 64]\n"
            "help: flatten it first: -> flatten -> dense(128)\n");
}

TEST(Diagnostics, SortedByPlaceAndSaidOnce) {
  SourceMap sources;
  FileId file = sources.add("a.net", "a b c\n");
  Diagnostics diagnostics;
  diagnostics.error({file, 4, 5}, "late");
  diagnostics.warning({file, 0, 1}, "early");
  diagnostics.error({file, 4, 5}, "late");
  diagnostics.error(Span{}, "of no place");
  EXPECT_EQ(render_text(diagnostics, sources, false),
            "error: of no place\n"
            "a.net:1:1: warning: early\n   1 | a b c\n     | ^\n"
            "a.net:1:5: error: late\n   1 | a b c\n     |     ^\n");
  EXPECT_EQ(diagnostics.error_count(), 3u);
}

TEST(Diagnostics, CaretCountsCharactersAndStaysOnItsLine) {
  SourceMap sources;
  FileId file = sources.add("a.net", "\t\xC3\xA9 \x01x and\nmore");
  Diagnostics diagnostics;
  diagnostics.error({file, 5, 15}, "here");  // x to the end, and into the next line
  EXPECT_EQ(render_text(diagnostics, sources, false),
            "a.net:1:6: error: here\n   1 |  \xC3\xA9 ?x and\n     |     ^~~~~\n");
}

TEST(Diagnostics, LongLinesAreCutAroundTheCaret) {
  SourceMap sources;
  FileId file = sources.add("a.net", std::string(100000, 'x') + "!" + std::string(100000, 'y'));
  Diagnostics diagnostics;
  diagnostics.error({file, 100000, 200000}, "here");
  std::string text = render_text(diagnostics, sources, false);
  EXPECT_LT(text.size(), 500u);
  EXPECT_NE(text.find("...xxx"), std::string::npos);
  size_t line = text.find("   1 | "), caret = text.find("     | ");
  EXPECT_EQ(text.find('!') - line, text.find('^') - caret);
}

TEST(Diagnostics, PlacesPastTheEndAreHarmless) {
  SourceMap sources;
  FileId file = sources.add("a.net", "");
  Diagnostics diagnostics;
  diagnostics.error({file, 0, 0}, "empty");
  EXPECT_EQ(render_text(diagnostics, sources, false), "a.net:1:1: error: empty\n   1 | \n     | ^\n");
}

TEST(Diagnostics, ColoursOnlyWhenAsked) {
  SourceMap sources;
  FileId file = sources.add("a.net", "x");
  Diagnostics diagnostics;
  diagnostics.error({file, 0, 1}, "m");
  EXPECT_NE(render_text(diagnostics, sources, true).find("\x1b["), std::string::npos);
  EXPECT_EQ(render_text(diagnostics, sources, false).find("\x1b["), std::string::npos);
}

TEST(Diagnostics, JsonIsOneObjectALine) {
  SourceMap sources;
  FileId file = sources.add("a \"b\".net", "one\ntwo");
  Diagnostics diagnostics;
  diagnostics.error({file, 4, 7}, "m\n").note("n").help("h");
  EXPECT_EQ(
      render_json(diagnostics, sources),
      R"({"file":"a \"b\".net","line":2,"column":1,"end_line":2,"end_column":4,"severity":"error","message":"m\u000a",)"
      R"("notes":[{"file":null,"line":0,"column":0,"end_line":0,"end_column":0,"message":"n"}],"help":["h"]})"
      "\n");
}

TEST(Diagnostics, JsonIsUtf8WhateverAFileIsCalled) {
  SourceMap sources;
  FileId file = sources.add("\xC3\xBC\xFF\xE2\x82.net", "");
  Diagnostics diagnostics;
  diagnostics.error({file, 0, 0}, "\xC0\xAF\xED\xA0\x80\xF4\x8F\xBF\xBF");
  std::string text = render_json(diagnostics, sources);
  const std::string none = "\xEF\xBF\xBD";
  EXPECT_NE(text.find("\"file\":\"\xC3\xBC" + none + none + none + ".net\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"" + none + none + none + none + none + "\xF4\x8F\xBF\xBF\""), std::string::npos) << text;
}

TEST(NearestName, FindsWhatWasMeantAndNothingElse) {
  std::vector<std::string> names = {"dense", "dropout", "conv2d", "batch_norm", "epochs", "relu"};
  EXPECT_EQ(nearest_name("densse", names), "dense");
  EXPECT_EQ(nearest_name("dnese", names), "dense");
  EXPECT_EQ(nearest_name("Dense", names), "dense");
  EXPECT_EQ(nearest_name("RELU", names), "relu");
  EXPECT_EQ(nearest_name("epoks", names), "epochs");
  EXPECT_EQ(nearest_name("conv3d", names), "conv2d");
  EXPECT_EQ(nearest_name("attention", names), "");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name("x", names), "");
  EXPECT_EQ(nearest_name(std::string(100000, 'd'), names), "");
}

}  // namespace
}  // namespace netc
