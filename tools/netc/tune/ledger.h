// The results of a study on disk, trials.jsonl: a line for each time a trial was trained some way, appended and synced
// before anything depends on it. A line that was cut short by a kill, or does not match its checksum, counts as not
// written: the trial's run directory still has the result, and asking for it again costs little.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/netc/tune/space.h"

namespace netc::tune {

struct Record {
  int64_t trial = 0;  // from 0
  Values values;
  std::vector<double> figures;  // of the objective, after each epoch so far; may be no number
  bool over = false;            // no further training would change anything
  std::string failure;          // why it failed, or ""
  double seconds = 0;           // of training, of this trial in all
  int64_t edition = 0;          // how often the study was continued after a change (study.h)
};

struct LedgerContent {
  std::vector<Record> records;
  std::vector<int64_t> damaged;  // numbers of lines, from 1; an incomplete last line is none of them
};

class Ledger {
 public:
  explicit Ledger(std::filesystem::path path) : path_(std::move(path)) {}
  // Nothing in it when there is no file. Removes an incomplete last line from it.
  Result<LedgerContent> read() const;
  // On the disk when it returns. After an error (no space) the file is what it was.
  Result<void> append(const Record &record) const;

 private:
  std::filesystem::path path_;
};

}  // namespace netc::tune
