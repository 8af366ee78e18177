// A study: a search of one file, in a folder that survives kills at any moment.
//
//   study.json     what is searched and how, and the fingerprint of what the results depend on
//   trials.jsonl   the results (ledger.h)
//   trials.csv     the table of trials; the same bytes for the same study, however often it was killed
//   trials/0001/   the run directory of trial 1, and what its program said in log.txt
//   best.net, tune.html
//   lock           held by the netc that uses the folder
#pragma once

#include <optional>

#include "tools/netc/tune/ledger.h"
#include "tools/netc/tune/search.h"

namespace netc::tune {

struct Objective {
  std::string figure;  // a column of the history: "val_accuracy"
  bool higher_is_better = true;
  // What a search makes small: infinite when it is no number.
  double score(double figure) const;
  std::string text() const { return (higher_is_better ? "max(" : "min(") + figure + ")"; }
};

// What study.json holds, but for the fingerprint.
struct StudySettings {
  std::filesystem::path file;  // the `.net` file
  Objective objective;
  SearchSettings search;
  double sample = 1;
  std::map<std::string, std::string> fixed;  // params given on the command line
  nlohmann::json parameters;                 // of the metadata
};
nlohmann::json to_json(const StudySettings &settings);
// The part of the search that may grow: the trials of random and tpe, the rounds of hyperband.
int64_t &extent_of(SearchSettings &search);
const char *method_name(Method method);

class Study {
 public:
  // Opens the folder, or makes it. An error when another process uses it; when it holds a study of other params,
  // another search, objective and so on; when what its results depend on has changed, unless `continue_anyway`, which
  // begins a new edition. The number of trials may grow where the method allows it; it never shrinks.
  static Result<Study> open(const std::filesystem::path &folder, const StudySettings &settings,
                            const nlohmann::json &fingerprint, bool continue_anyway);
  // The fingerprint of the study in this folder, or null.
  static nlohmann::json stored_fingerprint(const std::filesystem::path &folder);

  Study(Study &&other) noexcept;
  Study &operator=(Study &&) = delete;
  ~Study();

  const std::filesystem::path &folder() const { return folder_; }
  std::filesystem::path trial_folder(size_t trial) const;
  const std::vector<Record> &records() const { return records_; }  // the newest of each trial that has one, in order
  const Record *record(size_t trial) const;
  int64_t edition() const { return edition_; }
  int64_t extent() const { return extent_; }  // trials (random, tpe) or rounds (hyperband) that were asked for
  bool existed() const { return existed_; }
  const std::vector<std::string> &notes() const { return notes_; }  // what the user should know about the folder
  Result<void> add(Record record);

 private:
  Study(std::filesystem::path folder, int lock) : folder_(std::move(folder)), lock_(lock) {}
  Result<void> read_or_write_settings(const StudySettings &settings, const nlohmann::json &fingerprint,
                                      bool continue_anyway);
  Result<void> read_records();
  void keep(Record record);

  std::filesystem::path folder_;
  int lock_ = -1;
  bool existed_ = false;
  int64_t edition_ = 0, extent_ = 0;
  std::vector<Record> records_;
  std::vector<std::string> notes_;
};

}  // namespace netc::tune
