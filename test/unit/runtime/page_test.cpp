// What pages are made of: JSON as text, data URIs, PNG pictures, templates.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/data/module.h"
#include "runtime/io/json_text.h"
#include "runtime/io/png_write.h"
#include "runtime/page/page.h"
#include "runtime/report/sample_view.h"

namespace netc::runtime {

extern const PageTemplate report_page;

namespace {

using nlohmann::json;

TEST(JsonText, IsWhatAParserReads) {
  JsonText out;
  out.open('{');
  out.member("plain", "a \"quoted\" \\ word\nnext \x01 line");
  out.member("number", 0.1);
  out.key("list");
  out.open('[');
  for (double value : {1.0, -2.5e-7, double{INFINITY}, -double{INFINITY}, -0.0}) out.number(value);
  out.open('[');
  out.close(']');
  out.string("é");
  out.raw("{\"a\":null}");
  out.close(']');
  out.close('}');
  json expected = {{"plain", "a \"quoted\" \\ word\nnext \x01 line"},
                   {"number", 0.1},
                   {"list", {1.0, -2.5e-7, "inf", "-inf", 0.0, json::array(), "é", {{"a", nullptr}}}}};
  EXPECT_EQ(json::parse(out.text()), expected) << out.text();
}

TEST(Page, HoldsItsDataWhateverThatIs) {
  std::string data = R"({"text":"</script><b>{{title}}"})", page = page_of(report_page, "a </title> & b", data);
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  EXPECT_EQ(page.find("{{data}}"), std::string::npos);
  EXPECT_NE(page.find("<title>a &lt;/title> & b</title>"), std::string::npos);
  const std::string begin = "<script id=\"data\" type=\"application/json\">";
  size_t from = page.find(begin) + begin.size();
  std::string found = page.substr(from, page.find("</script>", from) - from);
  EXPECT_EQ(json::parse(found), json::parse(data)) << found;
  for (const char *outside : {"http:", "https:", "src=\"", "href=", "@import", "url("}) {
    size_t at = page.find(outside);
    bool fine = at == std::string::npos || page.compare(at, 26, "http://www.w3.org/2000/svg") == 0;
    EXPECT_TRUE(fine) << page.substr(at, 60);
  }
}

TEST(Page, DataUris) {
  for (auto [bytes, text] :
       {std::pair{"", ""}, {"a", "YQ=="}, {"ab", "YWI="}, {"abc", "YWJj"}, {"\xff\xfe\xfd\xfc", "//79/A=="}})
    EXPECT_EQ(data_uri("text/x", bytes), std::string("data:text/x;base64,") + text);
}

TEST(PngWrite, IsReadBack) {
  for (int64_t channels : {1, 3, 4}) {
    std::vector<uint8_t> pixels;
    for (int64_t i = 0; i < 5 * 7 * channels; ++i)
      pixels.push_back(static_cast<uint8_t>(channels == 4 && i % 4 == 3 ? 255 : i * 37));
    auto array = nc_module_png.decode("x.png", png_bytes(pixels, 5, 7, channels), channels);
    ASSERT_TRUE(array) << array.error().message;
    EXPECT_EQ(array->shape, (std::vector<int64_t>{5, 7, channels}));
    EXPECT_EQ(std::get<std::vector<uint8_t>>(array->values), pixels);
  }
}

json view(const Field &input, const std::vector<double> &values, const Schema &schema = {}) {
  JsonText out;
  out.open('{');
  write_sample(out, input, schema, values, 0, 10);
  out.close('}');
  return json::parse(out.text());
}

TEST(SampleView, PicturesFeaturesAndSeries) {
  EXPECT_TRUE(view({"x", false, "f32", {2, 2, 1}}, {0, 5, 10, 20})["image"].get<std::string>().starts_with(
      "data:image/png;base64,"));
  EXPECT_EQ(view({"x", false, "f32", {2}}, {1.5, 2}, {{"a", "b"}, {}, {}})["features"], json({"a", 1.5, "b", 2.0}));
  EXPECT_EQ(view({"x", false, "f32", {3}}, {1, 2, 3})["series"], json({1.0, 2.0, 3.0}));
}

TEST(SampleView, LargePicturesAreAveragedDown) {
  std::vector<double> values(200 * 100, 0);
  std::string small = view({"x", false, "f32", {2, 2}}, {0, 5, 10, 20})["image"],
              large = view({"x", false, "f32", {200, 100}}, values)["image"];
  EXPECT_LT(large.size(), 3 * small.size());
}

TEST(SampleView, UndoesTheNormalisation) {
  std::vector<double> values = {0, 0, 1, -1};
  undo({{10, 100}, {0.5F, 2}}, values);
  EXPECT_EQ(values, (std::vector<double>{10, 100, 12, 99.5}));
}

}  // namespace
}  // namespace netc::runtime
