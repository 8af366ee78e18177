// Texts: tokens, the vocabulary of the training split, the three ways of reading them.
#include "runtime/data/text_tokens.h"
#include "test/unit/runtime/data_support.h"

namespace netc::runtime {
namespace {

using nlohmann::json;
using Texts = std::vector<std::string>;

TEST(Tokens, WordsAndCharacters) {
  EXPECT_EQ(tokens_of("  Don't stop,\tNOW!\n", {}), (Texts{"dont", "stop", "now"}));
  EXPECT_EQ(tokens_of("A-b", {.lower = false, .strip_punctuation = false}), (Texts{"A-b"}));
  EXPECT_EQ(tokens_of("Za\xc3\xa4 !", {.characters = true}), (Texts{"z", "a", "\xc3\xa4", " "}));
  EXPECT_EQ(tokens_of("", {}), Texts{});
}

TEST(Tokens, VocabularyIsInTheOrderOfFrequency) {
  Texts texts = {"b a c", "a b", "never", "d"};
  EXPECT_EQ(fitted_vocabulary(texts, {0, 1, 3}, {}, 10), (Texts{"b", "a", "d", "c"}));
  EXPECT_EQ(fitted_vocabulary(texts, {0, 1, 3}, {}, 2), (Texts{"b", "a"}));
}

TEST(Tokens, Vectorised) {
  Texts texts = {"a b a x", "b"}, vocabulary = {"b", "a"};
  EXPECT_EQ(whole(vectorised(texts, vocabulary, {{}, TextOutput::numbers, 3})),
            (std::vector<int32_t>{3, 2, 3, 2, 0, 0}));
  EXPECT_EQ(whole(vectorised({"x"}, vocabulary, {{}, TextOutput::numbers, 2})), (std::vector<int32_t>{1, 0}));
  EXPECT_EQ(std::get<1>(vectorised(texts, vocabulary, {{}, TextOutput::multi_hot, 4}).values),
            (std::vector<uint8_t>{1, 1, 1, 0, 0, 1, 0, 0}));
  EXPECT_EQ(reals(vectorised(texts, vocabulary, {{}, TextOutput::count, 3})), (std::vector<float>{1, 1, 2, 0, 1, 0}));
}

json words(int64_t length) { return {{"name", "words"}, {"kind", "tensor"}, {"dtype", "i32"}, {"shape", {length}}}; }

struct Reviews {
  Folder folder;
  json network = {{"inputs", {words(4)}}, {"outputs", {class_field("y", 2)}}};

  Result<DataSets> load(const std::string &path, json named = json::object(), json more = json::object()) {
    named["max_tokens"] = 6;
    json data = {{"train", call("text", {path}, named)}};
    data.update(more);
    metadata = {{"network", network}, {"data", data}};
    return load_data(metadata, all_modules(), {folder.path(), 1, true, {}});
  }
  json metadata;
};

TEST(Text, LinesTablesAndFoldersAreTheSame) {
  Reviews reviews;
  reviews.folder.write("r.txt", "bad\tBad, bad film\r\n\r\ngood\tA good film\n");
  reviews.folder.write("r.csv", "stars,review\nbad,\"Bad, bad film\"\ngood,A good film\n");
  reviews.folder.write("all/bad/1.txt", "Bad, bad\nfilm");
  reviews.folder.write("all/good/1.txt", "A good film");
  auto lines = reviews.load("r.txt"), table = reviews.load("r.csv", {{"text", "review"}, {"target", "stars"}}),
       files = reviews.load("all");
  for (const auto *sets : {&lines, &table, &files}) {
    ASSERT_TRUE(*sets) << message(*sets);
    EXPECT_EQ((*sets)->preparation.schema.vocabulary, (Texts{"film", "bad", "good", "a"}));
    EXPECT_EQ((*sets)->preparation.schema.classes, (Texts{"bad", "good"}));
    EXPECT_EQ(whole((*sets)->train.samples->inputs[0]), (std::vector<int32_t>{3, 3, 2, 0, 5, 4, 2, 0}));
    EXPECT_EQ(whole((*sets)->train.samples->targets[0]), (std::vector<int32_t>{0, 1}));
  }
  // A model of files predicts a file, one of lines its lines.
  reviews.folder.write("new.txt", "good\nworse film");
  const auto predicted = [&](const Preparation &preparation) {
    auto stored = preparation_from_json(json::parse(to_json(preparation).dump()));
    auto samples = load_for_predict(reviews.metadata, all_modules(), *stored, {reviews.folder.path("new.txt")});
    EXPECT_TRUE(samples) << message(samples);
    return whole(samples->dataset.samples->inputs[0]);
  };
  EXPECT_EQ(predicted(files->preparation), (std::vector<int32_t>{4, 1, 2, 0}));
  EXPECT_EQ(predicted(lines->preparation), (std::vector<int32_t>{4, 0, 0, 0, 1, 2, 0, 0}));
}

TEST(Text, VocabularyIsThatOfTheTrainingSplit) {
  Reviews reviews;
  std::string text;
  for (int i = 0; i < 20; ++i) text += std::string(i % 2 ? "a" : "b") + "\tword" + std::to_string(i) + "\n";
  reviews.folder.write("r.txt", text);
  json named = {{"max_tokens", 100}};
  reviews.metadata = {{"network", reviews.network},
                      {"data", {{"train", call("text", {"r.txt"}, named)}, {"validation", call("split", {0.5})}}}};
  auto sets = load_data(reviews.metadata, all_modules(), {reviews.folder.path(), 1, true, {}});
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(sets->preparation.schema.vocabulary.size(), 10u);
  for (int64_t row : sets->validation.rows)
    EXPECT_EQ(whole(sets->train.samples->inputs[0])[static_cast<size_t>(row) * 4], 1) << row;  // unknown
}

TEST(Text, BagsOfWordsAreReals) {
  Reviews reviews;
  reviews.network["inputs"] = {tensor_field("words", {6})};
  reviews.network["outputs"] = {tensor_field("y", {1})};
  reviews.folder.write("r.txt", "0.5\ta b a\n2\tb\n");
  auto sets = reviews.load("r.txt", {{"output_mode", "count"}});
  ASSERT_TRUE(sets) << message(sets);
  EXPECT_EQ(reals(sets->train.samples->inputs[0]), (std::vector<float>{0, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0}));
  EXPECT_EQ(reals(sets->train.samples->targets[0]), (std::vector<float>{0.5f, 2}));
}

}  // namespace
}  // namespace netc::runtime
