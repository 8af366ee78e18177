#include "tools/netc/tune/ledger.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "runtime/io/checksum.h"
#include "runtime/io/file.h"

namespace netc::tune {
namespace {

using nlohmann::json;

json number_json(double value) {
  if (std::isnan(value)) return "nan";
  return std::isinf(value) ? json(value > 0 ? "inf" : "-inf") : json(value);
}
double number_of(const json &value) {
  if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (value.is_string()) return value == "inf" ? INFINITY : -INFINITY;
  return value.get<double>();
}

std::string sum_of(const json &record) { return fmt::format("{:08x}", runtime::crc32(0, record.dump())); }

std::string line_of(const Record &record) {
  json figures = json::array();
  for (double figure : record.figures) figures.push_back(number_json(figure));
  json line{{"trial", record.trial + 1}, {"values", record.values},   {"figures", figures},       {"over", record.over},
            {"failure", record.failure}, {"seconds", record.seconds}, {"edition", record.edition}};
  line["sum"] = sum_of(line);
  return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::optional<Record> record_of(const std::string &text) try {
  json line = json::parse(text);
  std::string sum = line.at("sum");
  line.erase("sum");
  if (sum != sum_of(line)) return std::nullopt;
  Record record;
  record.trial = line.at("trial").get<int64_t>() - 1;
  record.values = line.at("values").get<Values>();
  for (const json &figure : line.at("figures")) record.figures.push_back(number_of(figure));
  record.over = line.at("over");
  record.failure = line.at("failure");
  record.seconds = line.at("seconds");
  record.edition = line.at("edition");
  return record.trial >= 0 ? std::optional(record) : std::nullopt;
} catch (const json::exception &) {
  return std::nullopt;
}

tl::unexpected<Error> cannot_write(const std::filesystem::path &path) {
  return fail(fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)),
              "nothing is lost: make room and run the same command again");
}

}  // namespace

Result<LedgerContent> Ledger::read() const {
  std::error_code code;
  if (!std::filesystem::exists(path_, code)) return LedgerContent{};
  auto text = runtime::read_file(path_.string());
  if (!text) return tl::unexpected(text.error());
  LedgerContent content;
  size_t begin = 0;
  int64_t number = 0;
  for (size_t end; (end = text->find('\n', begin)) != std::string::npos; begin = end + 1) {
    ++number;
    if (auto record = record_of(text->substr(begin, end - begin)))
      content.records.push_back(std::move(*record));
    else
      content.damaged.push_back(number);
  }
  if (begin < text->size() && truncate(path_.c_str(), static_cast<off_t>(begin)) != 0) return cannot_write(path_);
  return content;
}

Result<void> Ledger::append(const Record &record) const {
  int file = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) return cannot_write(path_);
  off_t before = lseek(file, 0, SEEK_END);
  std::string line = line_of(record);
  ssize_t written = write(file, line.data(), line.size());
  if (written >= 0 && written < static_cast<ssize_t>(line.size())) errno = ENOSPC;
  bool whole = written == static_cast<ssize_t>(line.size()) && fdatasync(file) == 0;
  int error = errno;
  if (!whole && written > 0 && ftruncate(file, before) != 0) error = errno;
  close(file);
  errno = error;
  return whole ? Result<void>{} : cannot_write(path_);
}

}  // namespace netc::tune
