// EventLog: the history as TensorBoard reads it: a file of TFRecord frames, each an Event message of protocol buffers
// (tensorflow/core/util/event.proto and summary.proto; frames: tensorflow/core/lib/io/record_writer.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/train/history.h"
#include "support/result.h"

namespace netc::runtime {

class EventLog {
 public:
  // The folder of the run. Nothing is written yet.
  explicit EventLog(std::string folder) : folder_(std::move(folder)) {}
  // Adds the epochs that are not in the file yet. The first call begins a new file in place of those that an earlier
  // process left, so a resumed run shows each epoch once.
  Result<void> write(const History &history);

 private:
  std::string folder_;
  std::string path_;
  size_t written_ = 0;  // epochs
};

// One frame: length, its checksum, the bytes, their checksum.
std::string tfrecord(std::string_view bytes);
uint32_t crc32c(std::string_view bytes);

}  // namespace netc::runtime
