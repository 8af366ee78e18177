// RunDirectory: the folder of one training.
//
//   config.json                  the resolved configuration
//   history.csv, history.jsonl   what was measured, an epoch a line
//   checkpoints/last.safetensors, best.safetensors, ...
//   lock                         locked (flock) by the training that is using it; the system frees it when that dies
//
// A folder that holds a run is never written by another run: a new run gets a new folder.
#pragma once

#include <optional>
#include <string>

#include "support/result.h"

namespace netc::runtime {

class RunDirectory {
 public:
  // A new folder: `path`, or runs/NAME-001, -002, ... when it is empty. It is an error when `path` holds a run.
  static Result<RunDirectory> create(const std::string &program, const std::string &path);
  // The folder of a run that is to be continued. An error when it holds none or is in use. Files that a killed process
  // has not finished writing are removed.
  static Result<RunDirectory> open(const std::string &path);

  RunDirectory(RunDirectory &&other) noexcept;
  RunDirectory &operator=(RunDirectory &&) = delete;
  ~RunDirectory();

  const std::string &path() const { return path_; }
  std::string file(const std::string &name) const { return path_ + "/" + name; }
  std::string checkpoint(const std::string &name) const { return path_ + "/checkpoints/" + name; }

 private:
  RunDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  static Result<RunDirectory> lock(const std::string &path);
  std::string path_;
  int lock_ = -1;
};

bool file_exists(const std::string &path);
// The run of this program with the highest number in ./runs that has a best checkpoint, or "".
std::string newest_run(const std::string &program);

}  // namespace netc::runtime
