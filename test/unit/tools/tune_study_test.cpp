#include "tools/netc/tune/study.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <fstream>

#include "tools/netc/tune/fingerprint.h"

namespace netc::tune {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class TuneStudyTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("tune_study_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const char *name, const std::string &text) const { std::ofstream(folder_ / name) << text; }
  std::string text_of(const char *name) const {
    std::ifstream in(folder_ / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static StudySettings settings() {
    StudySettings result;
    result.file = "/somewhere/model.net";
    result.objective = {"val_loss", false};
    result.search = {.method = Method::random, .trials = 10, .epochs = 4};
    result.parameters = json::array({{{"name", "lr"},
                                      {"value", 0.1},
                                      {"kind", "real"},
                                      {"space", {{"kind", "choice"}, {"values", {0.1, 0.2}}}},
                                      {"condition", nullptr}}});
    return result;
  }
  static json print_of(const char *file = "f", const char *netc = "n", const char *data = "d") {
    return {{"file", file},
            {"netc", netc},
            {"processor", "x86-64-v3"},
            {"data", json::array({{{"path", "a.csv"}, {"size", 1}, {"changed", 2}, {"hash", data}}})}};
  }
  Result<Study> open(const StudySettings &wanted, const json &print = print_of(), bool anyway = false) const {
    return Study::open(folder_ / "study", wanted, print, anyway);
  }
  static std::string error_of(const Result<Study> &study) { return study ? "" : study.error().message; }
  static Record record(int64_t trial, std::vector<double> figures) {
    return {trial, {{"lr", 0.1}}, std::move(figures), false, "", 1.5, 0};
  }

  fs::path folder_;
};

TEST_F(TuneStudyTest, KeepsWhatWasRecorded) {
  {
    auto study = open(settings());
    ASSERT_TRUE(study) << error_of(study);
    EXPECT_FALSE(study->existed());
    ASSERT_TRUE(study->add(record(2, {0.5, NAN, INFINITY})));
    ASSERT_TRUE(study->add(record(0, {0.25})));
    ASSERT_TRUE(study->add({2, {{"lr", "text"}}, {1.0 / 3}, true, "the loss of step 3 is not finite", 2, 0}));
  }
  auto study = open(settings());
  ASSERT_TRUE(study) << error_of(study);
  EXPECT_TRUE(study->existed());
  ASSERT_EQ(study->records().size(), 2u);
  EXPECT_EQ(study->records()[0].trial, 0);
  const Record *last = study->record(2);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->figures, (std::vector<double>{1.0 / 3}));
  EXPECT_EQ(last->failure, "the loss of step 3 is not finite");
  EXPECT_TRUE(last->over);
  EXPECT_FALSE(study->record(1));
}

TEST_F(TuneStudyTest, NumbersThatAreNoneComeBack) {
  Ledger ledger(folder_ / "ledger");
  ASSERT_TRUE(ledger.append(record(0, {NAN, INFINITY, -INFINITY, 1})));
  auto content = ledger.read();
  ASSERT_TRUE(content);
  const std::vector<double> &figures = content->records.at(0).figures;
  EXPECT_TRUE(std::isnan(figures[0]));
  EXPECT_EQ(figures[1], INFINITY);
  EXPECT_EQ(figures[2], -INFINITY);
}

TEST_F(TuneStudyTest, ALineThatAKillCutIsDroppedWhereverItIsCut) {
  Ledger ledger(folder_ / "ledger");
  ASSERT_TRUE(ledger.append(record(0, {1})));
  std::string first = text_of("ledger");
  ASSERT_TRUE(ledger.append(record(1, {2})));
  std::string both = text_of("ledger");
  for (size_t size = first.size(); size < both.size(); ++size) {
    write("ledger", both.substr(0, size));
    auto content = ledger.read();
    ASSERT_TRUE(content);
    EXPECT_EQ(content->records.size(), 1u) << size;
    EXPECT_TRUE(content->damaged.empty());
    ASSERT_TRUE(ledger.append(record(1, {2})));
    EXPECT_EQ(text_of("ledger"), both);
  }
}

TEST_F(TuneStudyTest, DamagedLinesAreToldAndAskedForAgain) {
  {
    auto study = open(settings());
    for (int64_t trial : {0, 1, 2}) ASSERT_TRUE(study->add(record(trial, {0.125})));
  }
  std::string text = text_of("study/trials.jsonl");
  size_t second = text.find('\n') + 1;
  for (const char *damage : {"0.126", "{}", "\xff\xfe", "nonsense", ""}) {
    std::string damaged = text;
    size_t place = damaged.find("0.125", second);
    damaged.replace(place, 5, damage);
    write("study/trials.jsonl", damaged);
    auto study = open(settings());
    ASSERT_TRUE(study) << error_of(study);
    EXPECT_FALSE(study->record(1)) << damage;
    EXPECT_TRUE(study->record(2)) << damage;
    ASSERT_EQ(study->notes().size(), 1u);
    EXPECT_NE(study->notes()[0].find("line 2 of "), std::string::npos) << study->notes()[0];
  }
}

TEST_F(TuneStudyTest, AFullDiskLosesNothing) {
  auto study = open(settings());
  ASSERT_TRUE(study->add(record(0, {0.5})));
  std::string before = text_of("study/trials.jsonl");
  rlimit unlimited{};
  getrlimit(RLIMIT_FSIZE, &unlimited);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit = unlimited;
  limit.rlim_cur = before.size() + 10;
  setrlimit(RLIMIT_FSIZE, &limit);
  auto added = study->add(record(1, {0.5}));
  setrlimit(RLIMIT_FSIZE, &unlimited);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().message.find("cannot write "), std::string::npos);
  EXPECT_FALSE(study->record(1));
  EXPECT_EQ(text_of("study/trials.jsonl"), before);
  EXPECT_TRUE(study->add(record(1, {0.5})));
}

TEST_F(TuneStudyTest, OneNetcAtATime) {
  auto study = open(settings());
  ASSERT_TRUE(study);
  EXPECT_EQ(error_of(open(settings())), "the study in " + (folder_ / "study").string() + " is in use by another netc");
}

TEST_F(TuneStudyTest, AnotherSearchIsAnotherStudy) {
  ASSERT_TRUE(open(settings()));
  std::string place = "the study in " + (folder_ / "study").string() + " is another one: ";
  StudySettings other = settings();
  other.objective = {"val_accuracy", true};
  EXPECT_EQ(error_of(open(other)), place + "objective min(val_loss) there, max(val_accuracy) here");
  other = settings();
  other.search.epochs = 5;
  EXPECT_EQ(error_of(open(other)), place + "epochs 4 there, 5 here");
  other = settings();
  other.search.method = Method::tpe;
  EXPECT_EQ(error_of(open(other)), place + "search random there, tpe here");
  other = settings();
  other.sample = 0.2;
  other.search.seed = 3;
  EXPECT_EQ(error_of(open(other)), place + "sample 1.0 there, 0.2 here; seed 0 there, 3 here");
  other = settings();
  other.parameters[0]["space"]["values"].push_back(0.3);
  EXPECT_EQ(error_of(open(other)), place + "the params or their spaces are others");
}

TEST_F(TuneStudyTest, TrialsMayBecomeMoreAndNeverFewer) {
  StudySettings more = settings();
  more.search.trials = 20;
  ASSERT_TRUE(open(settings()));
  auto longer = open(more);
  ASSERT_TRUE(longer) << error_of(longer);
  EXPECT_EQ(longer->extent(), 20);
  longer = fail("closed");
  EXPECT_EQ(open(settings())->extent(), 20);
  more.search.method = Method::halving;
  EXPECT_FALSE(open(more));
}

TEST_F(TuneStudyTest, AChangeIsNeverPassedOver) {
  {
    auto study = open(settings());
    ASSERT_TRUE(study->add(record(0, {0.5})));
  }
  std::string place = "the study in " + (folder_ / "study").string() + " is of another state of things: ";
  EXPECT_EQ(error_of(open(settings(), print_of("g"))), place + "model.net has changed since it began");
  EXPECT_EQ(error_of(open(settings(), print_of("f", "m"))), place + "netc itself has changed since it began");
  EXPECT_EQ(error_of(open(settings(), print_of("g", "m", "e"))),
            place + "model.net, the data a.csv and netc itself have changed since it began");
  json print = print_of();
  print["data"][0]["changed"] = 77;  // touched, not changed
  print["data"][0]["size"] = 1;
  EXPECT_EQ(error_of(open(settings(), print)), "");
  {
    auto study = open(settings(), print_of("g"), true);
    ASSERT_TRUE(study) << error_of(study);
    EXPECT_EQ(study->edition(), 1);
    EXPECT_EQ(study->notes().size(), 1u);
    ASSERT_TRUE(study->add(record(1, {0.5})));
    EXPECT_EQ(study->record(0)->edition, 0);
    EXPECT_EQ(study->record(1)->edition, 1);
  }
  EXPECT_EQ(error_of(open(settings(), print_of("g"))), "");  // the new state is that of the study now
  EXPECT_NE(error_of(open(settings(), print_of("f"))), "");
}

TEST_F(TuneStudyTest, DamagedSettingsAreAnError) {
  ASSERT_TRUE(open(settings()));
  std::string text = text_of("study/study.json");
  std::vector<std::string> texts = {"", text.substr(0, text.size() / 2), "[1, 2]", "{\"format\": 1}",
                                    "{\"format\": 99}"};
  const json whole = json::parse(text);
  for (const char *place : {"/fingerprint/file", "/fingerprint/data", "/fingerprint/data/0/hash", "/extent",
                            "/editions", "/settings/search"}) {
    json other = whole, less = whole;
    other[json::json_pointer(place)] = nullptr;
    less[json::json_pointer(place).parent_pointer()].erase(json::json_pointer(place).back());
    texts.insert(texts.end(), {other.dump(), less.dump()});
  }
  for (const std::string &damaged : texts) {
    write("study/study.json", damaged);
    EXPECT_NE(error_of(open(settings())).find("is damaged or of another version of netc"), std::string::npos)
        << damaged;
    EXPECT_EQ(text_of("study/study.json"), damaged);
  }
}

TEST_F(TuneStudyTest, TheFingerprintIsOfWhatCounts) {
  const std::string body = "network n(x: f32[2]) -> class[2] { x -> dense(2) }\n";
  write("model.net", "param lr = 0.1 in 0.1 .. 0.2\n" + body);
  write("data.csv", "a,b\n1,2\n");
  json metadata{{"data", {{"train", {{"call", "csv"}, {"args", {"data.csv"}}}}}}, {"train", nullptr}};
  auto print = [&](const json &before = nullptr) {
    return *fingerprint(folder_ / "model.net", metadata, folder_.string(), before);
  };
  json first = print();
  ASSERT_EQ(first["data"].size(), 1u) << first.dump();
  EXPECT_EQ(first["data"][0]["path"], "data.csv");
  EXPECT_EQ(print(first), first);
  write("model.net", "# a comment\nparam lr = 0.1   in 0.1 .. 0.2\n" + body + "tune { search = random(trials = 5) }\n");
  EXPECT_EQ(print(first)["file"], first["file"]);
  write("model.net", "param lr = 0.15 in 0.1 .. 0.2\n" + body);
  EXPECT_EQ(differences(first, print(first), "model.net"), (std::vector<std::string>{"model.net"}));
  write("data.csv", "a,b\n1,3\n");
  fs::last_write_time(folder_ / "data.csv", fs::file_time_type::clock::now() + std::chrono::seconds(5));
  EXPECT_EQ(differences(first, print(first), "model.net"),
            (std::vector<std::string>{"model.net", "the data data.csv"}));
  fs::remove(folder_ / "data.csv");
  EXPECT_EQ(differences(first, print(first), "model.net"),
            (std::vector<std::string>{"model.net", "the data data.csv"}));
}

}  // namespace
}  // namespace netc::tune
