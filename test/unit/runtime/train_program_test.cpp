// A whole program, run in processes of their own: train, kill, resume, evaluate, predict.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "runtime/cli/commands.h"
#include "runtime/io/safetensors.h"
#include "test/unit/runtime/toy_program.h"

namespace netc::runtime {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Words = std::vector<std::string>;

std::string content(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class TrainProgram : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "netc-train-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    write_toy_data(folder_, 203);  // the last batch is smaller
  }
  void TearDown() override { fs::remove_all(folder_); }

  pid_t start(const ToyProgram &program, const Words &words) {
    std::fflush(nullptr);
    pid_t child = fork();
    if (child != 0) return child;
    int out = -1;
    if (chdir(folder_.c_str()) == 0) out = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file_limit_ > 0) {  // as if the disk were full
      rlimit limit{file_limit_, file_limit_};
      setrlimit(RLIMIT_FSIZE, &limit);
      signal(SIGXFSZ, SIG_IGN);
    }
    if (out < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(99);
    int code = run_command_line(program.program(), "./toy", words);
    std::fflush(nullptr);
    _exit(code);
  }
  static int wait(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  int run(const Words &words, const ToyProgram &program = ToyProgram()) { return wait(start(program, words)); }
  std::string output() { return content(folder_ / "out"); }
  std::string file(const std::string &name) { return content(folder_ / name); }
  void expect_same_run(const std::string &a, const std::string &b) {
    for (const char *name : {"history.csv", "checkpoints/last.safetensors", "checkpoints/best.safetensors"}) {
      ASSERT_FALSE(file(a + "/" + name).empty()) << a << "/" << name;
      ASSERT_TRUE(file(a + "/" + name) == file(b + "/" + name)) << name << " of " << a << " and " << b << " differ";
    }
  }

  fs::path folder_;
  rlim_t file_limit_ = 0;  // the greatest size of a file the program can write
};

TEST_F(TrainProgram, TrainsAndTells) {
  ASSERT_EQ(run({"train", "--threads", "2", "--epochs", "8"}), 0) << output();
  std::string text = output();
  for (const char *part : {"toy: 15 parameters, seed 7, 2 threads", "162 training, 41 validation, 203 test",
                           "epoch 8/8: loss ", "test: loss ", "sample 0: ", "run directory: runs/toy-001"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
  }
  std::string history = file("runs/toy-001/history.csv");
  EXPECT_TRUE(history.starts_with("epoch,loss,penalty,accuracy,val_loss,val_penalty,val_accuracy,learning_rate\n1,"))
      << history;
  EXPECT_EQ(std::count(history.begin(), history.end(), '\n'), 9);
  std::istringstream last(history.substr(history.rfind("\n8,") + 1));
  std::vector<double> row;
  for (std::string cell; std::getline(last, cell, ',');) row.push_back(std::stod(cell));
  EXPECT_LT(row[1], 0.6) << "it does not learn";
  EXPECT_GT(row[3], 0.7) << "it does not learn";
  auto config = json::parse(file("runs/toy-001/config.json"));
  EXPECT_EQ(config["epochs"], 8);
  EXPECT_EQ(config["parameters"]["lr"], 0.05);
  // A second run gets a folder of its own.
  ASSERT_EQ(run({"train"}), 0);
  EXPECT_TRUE(fs::exists(folder_ / "runs/toy-002/checkpoints/best.safetensors"));
  ASSERT_EQ(run({"evaluate"}), 0);
  EXPECT_NE(output().find("weights: runs/toy-002/checkpoints/best.safetensors\ntest (203 samples): loss "),
            std::string::npos)
      << output();
  // evaluate says what the training said at its end.
  std::string measured = text.substr(text.find("test: loss ") + 6);
  measured = measured.substr(0, measured.find("  (weights"));
  ASSERT_EQ(run({"evaluate", "--run", "runs/toy-001", "--threads", "3"}), 0);
  EXPECT_NE(output().find(measured), std::string::npos) << output() << measured;
}

TEST_F(TrainProgram, ThreadsChangeNothing) {
  ASSERT_EQ(run({"train", "--threads", "1", "--run", "one"}), 0) << output();
  for (const char *threads : {"2", "3", "8"}) {
    ASSERT_EQ(run({"train", "--threads", threads, "--run", threads}), 0) << output();
    expect_same_run("one", threads);
  }
  // And the comparison can fail: another seed gives other weights.
  ASSERT_EQ(run({"train", "--run", "other", "--seed", "8"}), 0) << output();
  EXPECT_NE(file("one/history.csv"), file("other/history.csv"));
}

// Kills at random moments, again and again until the run is over.
TEST_F(TrainProgram, ResumesBitIdenticallyAfterKills) {
  json metadata = toy_metadata();
  metadata["train"]["epochs"] = 10;
  metadata["train"]["callbacks"] = {
      {{"call", "reduce_lr_on_plateau"}, {"args", json::array()}, {"named", {{"patience", 2}, {"factor", 0.5}}}}};
  ToyProgram program(metadata);
  auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(run({"train", "--run", "whole", "--checkpoint-every", "3 steps"}, program), 0) << output();
  auto whole = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin).count();
  std::mt19937 random(5);
  int kills = 0;
  for (int trial = 0; kills < 50; ++trial) {
    std::string name = "killed-" + std::to_string(trial);
    bool over = false;
    for (int attempt = 0; !over; ++attempt) {
      bool begun = fs::exists(folder_ / name / "config.json");
      const char *threads = attempt % 2 ? "1" : "2";
      pid_t child = start(program, {"train", begun ? "--resume" : "--run", name, "--checkpoint-every", "3 steps",
                                    "--threads", threads});
      usleep(static_cast<useconds_t>(random() % static_cast<unsigned>(whole / 3 + 1)));
      if (attempt < 12) kill(child, SIGKILL);  // then let it come to its end
      int code = wait(child);
      ASSERT_TRUE(code == 0 || code == -SIGKILL) << code << output();
      kills += code == -SIGKILL;
      over = code == 0;
    }
    ASSERT_NO_FATAL_FAILURE(expect_same_run("whole", name));
  }
}

TEST_F(TrainProgram, InterruptSavesAndResumes) {
  json metadata = toy_metadata();
  metadata["train"]["epochs"] = 400;
  ToyProgram program(metadata);
  ASSERT_EQ(run({"train", "--run", "whole"}, program), 0) << output();
  for (int signal : {SIGINT, SIGTERM}) {
    std::string name = "signal-" + std::to_string(signal);
    pid_t child = start(program, {"train", "--run", name, "--checkpoint-every", "1 steps"});
    while (!fs::exists(folder_ / name / "checkpoints/last.safetensors")) usleep(200);
    kill(child, signal);
    int code = wait(child);
    ASSERT_EQ(code, 128 + signal) << output();
    EXPECT_NE(output().find("continue with: ./toy train --resume " + name), std::string::npos) << output();
    ASSERT_EQ(run({"train", "--resume", name}, program), 0) << output();
    expect_same_run("whole", name);
  }
}

TEST_F(TrainProgram, RunDirectoriesAreProtected) {
  ASSERT_EQ(run({"train", "--run", "mine"}), 0) << output();
  std::string before = file("mine/history.csv");
  EXPECT_EQ(run({"train", "--run", "mine", "--seed", "1"}), 1);
  EXPECT_NE(output().find("holds a run already"), std::string::npos) << output();
  EXPECT_EQ(file("mine/history.csv"), before);
  // Resuming what is over changes nothing.
  EXPECT_EQ(run({"train", "--resume", "mine"}), 0) << output();
  EXPECT_NE(output().find("this run is over"), std::string::npos) << output();
  EXPECT_EQ(file("mine/history.csv"), before);
  // More epochs go on.
  EXPECT_EQ(run({"train", "--resume", "mine", "--epochs", "5"}), 0) << output();
  EXPECT_TRUE(file("mine/history.csv").starts_with(before));
  EXPECT_EQ(run({"train", "--resume", "nowhere"}), 2);
  // Two at once.
  json metadata = toy_metadata();
  metadata["train"]["epochs"] = 100000;
  pid_t child = start(ToyProgram(metadata), {"train", "--run", "busy", "--checkpoint-every", "1 steps"});
  while (!fs::exists(folder_ / "busy/checkpoints/last.safetensors")) usleep(500);
  EXPECT_EQ(run({"train", "--resume", "busy"}), 2);
  EXPECT_NE(output().find("is in use by process " + std::to_string(child)), std::string::npos) << output();
  kill(child, SIGKILL);
  wait(child);
}

TEST_F(TrainProgram, AFullDiskLeavesTheLastStateWhole) {
  ASSERT_EQ(run({"train", "--run", "r"}), 0) << output();
  std::string last = file("r/checkpoints/last.safetensors");
  ASSERT_GT(last.size(), 1500u);
  file_limit_ = 1200;
  EXPECT_EQ(run({"train", "--resume", "r", "--epochs", "6"}), 1) << output();
  EXPECT_NE(output().find("error: cannot write"), std::string::npos) << output();
  EXPECT_EQ(file("r/checkpoints/last.safetensors"), last);
  for (const auto &entry : fs::directory_iterator(folder_ / "r/checkpoints")) {
    EXPECT_EQ(entry.path().extension(), ".safetensors") << "a temporary file is left: " << entry.path();
  }
  file_limit_ = 0;
  EXPECT_EQ(run({"train", "--resume", "r", "--epochs", "6"}), 0) << output();
}

TEST_F(TrainProgram, EarlyStoppingKeepsTheBestWeights) {
  json metadata = toy_metadata();
  metadata["train"]["epochs"] = 200;
  metadata["train"]["callbacks"] = {
      {{"call", "early_stopping"},
       {"args", json::array()},
       {"named", {{"monitor", {{"name", "val_loss"}}}, {"patience", 3}, {"restore_best_weights", true}}}}};
  ASSERT_EQ(run({"train", "--run", "r"}, ToyProgram(metadata)), 0) << output();
  EXPECT_NE(output().find("early stopping: val_loss has not improved"), std::string::npos) << output();
  std::istringstream history(file("r/history.csv"));
  std::vector<double> losses;
  std::string line;
  std::getline(history, line);
  while (std::getline(history, line)) {
    std::istringstream cells(line);
    std::string cell;
    for (int i = 0; i < 5; ++i) std::getline(cells, cell, ',');
    losses.push_back(std::stod(cell));
  }
  size_t best = std::min_element(losses.begin(), losses.end()) - losses.begin();
  ASSERT_LT(losses.size(), 200u);
  EXPECT_EQ(losses.size(), best + 1 + 3);
  auto checkpoint = read_safetensors((folder_ / "r/checkpoints/best.safetensors").string());
  ASSERT_TRUE(checkpoint.has_value());
  EXPECT_EQ(checkpoint->metadata["netc.epoch"], std::to_string(best + 1));
  EXPECT_FALSE(checkpoint->tensors.contains("dense.kernel.momentum"));
  EXPECT_NE(output().find("(weights of epoch " + std::to_string(best + 1) + ")"), std::string::npos) << output();
}

TEST_F(TrainProgram, WritesEventsForTensorBoard) {
  json metadata = toy_metadata();
  metadata["train"]["callbacks"] = {{{"name", "tensorboard"}}};
  ASSERT_EQ(run({"train", "--run", "r"}, ToyProgram(metadata)), 0) << output();
  ASSERT_EQ(run({"train", "--resume", "r", "--epochs", "5"}, ToyProgram(metadata)), 0) << output();
  std::string events;
  for (const auto &entry : fs::directory_iterator(folder_ / "r")) {
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) events += content(entry.path());
  }
  size_t count = 0;
  for (size_t at = events.find("val_accuracy"); at != std::string::npos; at = events.find("val_accuracy", at + 1))
    ++count;
  EXPECT_EQ(count, 5u);  // each epoch once
}

TEST_F(TrainProgram, DivergenceEndsWithItsOwnCode) {
  json metadata = toy_metadata();
  metadata["train"]["callbacks"] = {{{"name", "terminate_on_nan"}}};
  EXPECT_EQ(run({"train", "--set", "lr=1e6", "--epochs", "500"}, ToyProgram(metadata)), 4) << output();
  EXPECT_NE(output().find("training has diverged: the loss of step"), std::string::npos) << output();
}

TEST_F(TrainProgram, StartsFromOtherWeights) {
  ASSERT_EQ(run({"train", "--run", "a"}), 0) << output();
  ASSERT_EQ(run({"train", "--from", "a/checkpoints/best.safetensors", "--run", "b"}), 0) << output();
  EXPECT_NE(output().find("weights: 2 of a/checkpoints/best.safetensors"), std::string::npos) << output();
  EXPECT_EQ(run({"train", "--from", "missing.safetensors"}), 3);
  std::ofstream(folder_ / "damaged.safetensors") << "not safetensors";
  EXPECT_EQ(run({"train", "--from", "damaged.safetensors"}), 3);
  EXPECT_EQ(run({"evaluate", "--weights", "damaged.safetensors"}), 3);
}

TEST_F(TrainProgram, PredictsRawRows) {
  ASSERT_EQ(run({"train", "--epochs", "20"}), 0) << output();
  std::ofstream(folder_ / "new.csv") << "a,b,c,d\n2,10,20,30\n0,12,20,30\n";
  ASSERT_EQ(run({"predict", "new.csv"}), 0) << output();
  EXPECT_NE(output().find("new.csv:0: red "), std::string::npos) << output();
  EXPECT_NE(output().find("new.csv:1: green "), std::string::npos) << output();
  ASSERT_EQ(run({"predict", "new.csv", "--json", "--top", "2"}), 0) << output();
  std::istringstream lines(output());
  std::string line;
  std::getline(lines, line);  // which weights
  std::getline(lines, line);
  auto first = json::parse(line);
  EXPECT_EQ(first["file"], "new.csv");
  EXPECT_EQ(first["y"].size(), 2u);
  EXPECT_EQ(first["y"][0]["class"], "red");
  EXPECT_GT(first["y"][0]["probability"], 0.5);
  EXPECT_EQ(run({"predict", "none.csv"}), 3);
  EXPECT_EQ(run({"predict"}), 2);
}

TEST_F(TrainProgram, ChecksGradients) {
  EXPECT_EQ(run({"gradcheck"}), 0) << output();
  EXPECT_NE(output().find("dense.kernel"), std::string::npos) << output();
  EXPECT_EQ(run({"gradcheck", "--samples", "7"}, ToyProgram(toy_metadata(), true)), 5) << output();
  EXPECT_NE(output().find("FAILED"), std::string::npos) << output();
  EXPECT_EQ(run({"gradcheck", "--tolerance", "1e-2"}, ToyProgram(toy_metadata(), true)), 0) << output();
}

TEST_F(TrainProgram, SummaryAndInfo) {
  ASSERT_EQ(run({"summary", "--config", "--set", "lr=0.25"}), 0) << output();
  std::string text = output();
  EXPECT_NE(text.find("param lr     0.25"), std::string::npos) << text;
  EXPECT_NE(text.find("command line"), std::string::npos) << text;
  EXPECT_NE(text.find("15 trained"), std::string::npos) << text;
  ASSERT_EQ(run({"info"}), 0) << output();
  EXPECT_NE(output().find("toy.net"), std::string::npos);
}

TEST_F(TrainProgram, UsageErrors) {
  struct Case {
    Words words;
    const char *message;
  };
  for (const Case &one : std::vector<Case>{{{"trian"}, "did you mean train?"},
                                           {{"train", "--epoch", "3"}, "did you mean --epochs?"},
                                           {{"train", "--epochs", "0"}, "from 1 on"},
                                           {{"train", "--epochs", "3x"}, "got '3x'"},
                                           {{"train", "--epochs"}, "needs a value"},
                                           {{"train", "--set", "lt=3"}, "did you mean lr?"},
                                           {{"train", "--set", "lr=abc"}, "takes a number of kind real"},
                                           {{"train", "--set", "lr=1e-9"}, "outside of 0.0001 .. 1e+06"},
                                           {{"train", "--set", "units=4"}, "netc -D units=4"},
                                           {{"train", "--checkpoint-every", "5 bananas"}, "500 steps"},
                                           {{"train", "extra"}, "takes no argument"},
                                           {{"--epochs", "3"}, "expected a command"},
                                           {{}, "expected a command"}}) {
    EXPECT_EQ(run(one.words), 2) << one.message;
    EXPECT_NE(output().find(one.message), std::string::npos) << output();
  }
  json metadata = toy_metadata();
  metadata["train"]["callbacks"] = {{{"name", "early_stoping"}}};
  EXPECT_EQ(run({"train"}, ToyProgram(metadata)), 2);
  EXPECT_FALSE(fs::exists(folder_ / "runs"));
  EXPECT_EQ(run({"train", "--data", "nowhere"}), 3) << output();
  EXPECT_EQ(run({"train", "--help"}), 0);
  EXPECT_NE(output().find("--resume DIR"), std::string::npos);
}

}  // namespace
}  // namespace netc::runtime
