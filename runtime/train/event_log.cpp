#include "runtime/train/event_log.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>

namespace netc::runtime {
namespace {

template <typename T>
std::string little_endian(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);  // all targets are little-endian
  return bytes;
}

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

// A field of a message. Its first byte holds the number and the wire type: 0 varint, 1 eight bytes, 2 length and bytes,
// 5 four.
std::string bytes_field(int number, const std::string &bytes) {
  return static_cast<char>(number << 3 | 2) + varint(bytes.size()) + bytes;
}

// Event: 1 wall_time (double), 2 step, 3 file_version, 5 summary.
std::string event(uint64_t step, const std::string &rest) {
  return '\x09' + little_endian(static_cast<double>(std::time(nullptr))) + '\x10' + varint(step) + rest;
}

// Summary: 1 value, each with 1 tag and 2 simple_value (float).
std::string summary(const History &history, size_t epoch) {
  std::string values;
  for (size_t i = 0; i < history.columns.size(); ++i) {
    auto number = little_endian(static_cast<float>(history.epochs[epoch][i]));
    values += bytes_field(1, bytes_field(1, history.columns[i]) + '\x15' + number);
  }
  return bytes_field(5, values);
}

void remove_event_files(const std::string &folder) {
  std::error_code error;
  for (const auto &entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().filename().string().starts_with("events.out.tfevents."))
      std::filesystem::remove(entry.path(), error);
  }
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78 : 0);
  }
  return ~crc;
}

std::string tfrecord(std::string_view bytes) {
  auto masked = [](std::string_view data) {
    uint32_t crc = crc32c(data);
    return little_endian((crc >> 15 | crc << 17) + 0xA282EAD8);
  };
  std::string length = little_endian(static_cast<uint64_t>(bytes.size()));
  return length + masked(length) + std::string(bytes) + masked(bytes);
}

Result<void> EventLog::write(const History &history) {
  std::string text;
  if (path_.empty()) {
    remove_event_files(folder_);
    path_ = folder_ + "/events.out.tfevents." + std::to_string(std::time(nullptr)) + ".netc";
    text = tfrecord(event(0, bytes_field(3, "brain.Event:2")));
  }
  for (; written_ < history.epochs.size(); ++written_)
    text += tfrecord(event(written_ + 1, summary(history, written_)));
  std::FILE *file = std::fopen(path_.c_str(), "ab");
  bool done = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  int reason = errno;
  if (file && std::fclose(file) != 0 && done) {  // what the buffer held is written here
    done = false;
    reason = errno;
  }
  if (!done) return fail("cannot write " + path_ + ": " + std::strerror(reason));
  return {};
}

}  // namespace netc::runtime
