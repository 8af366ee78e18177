#include "tools/netc/tune/study.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "runtime/io/file.h"
#include "support/utf8.h"
#include "tools/netc/tune/fingerprint.h"

namespace netc::tune {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kFormat = 1;

// The name and the arguments that decide the trials, but for the number of them where that may grow.
json search_json(const SearchSettings &search) {
  json result{{"method", method_name(search.method)}, {"epochs", search.epochs}, {"seed", search.seed}};
  if (search.method == Method::grid) result["steps"] = search.steps;
  if (search.method == Method::halving) result["trials"] = search.trials;
  if (search.method == Method::halving || search.method == Method::hyperband) result["factor"] = search.factor;
  if (search.method == Method::tpe) result["startup"] = search.startup;
  if (search.method == Method::tpe || search.median) result["parallel"] = search.parallel;
  if (search.median) result["prune"] = "median";
  return result;
}

json space_json(const json &parameters) {
  json spaces = json::object();
  for (const json &parameter : parameters)
    if (!parameter["space"].is_null())
      spaces[parameter["name"].get<std::string>()] = {
          {"space", parameter["space"]}, {"condition", parameter["condition"]}, {"value", parameter["value"]}};
  return spaces;
}

// Whether everything that is read of study.json is there, each of its type.
bool is_sound(const json &stored) try {
  auto is_text = [](const json &object, const char *key) { return object.at(key).is_string(); };
  const json &print = stored.at("fingerprint");
  for (const json &entry : print.at("data"))
    if (!is_text(entry, "path") || !is_text(entry, "hash") || !entry.at("size").is_number_integer() ||
        !entry.at("changed").is_number_integer())
      return false;
  return stored.at("format") == kFormat && stored.at("settings").at("search").is_object() &&
         print.at("data").is_array() && is_text(print, "file") && is_text(print, "netc") &&
         is_text(print, "processor") && stored.at("extent").is_number_integer() && stored.at("editions").is_array();
} catch (const json::exception &) {
  return false;
}

Result<json> read_settings(const fs::path &path) {
  auto text = runtime::read_file(path.string());
  if (!text) return tl::unexpected(text.error());
  json stored = json::parse(*text, nullptr, false);
  if (!is_sound(stored))
    return fail(path.string() + " is damaged or of another version of netc", "begin a new study: --study FOLDER");
  return stored;
}

std::string setting_text(const json &setting) {
  return setting.is_string() ? setting.get<std::string>() : setting.dump();
}

// The settings in which two studies differ, in words.
std::string conflicts(const json &stored, const json &now) {
  std::string text;
  for (const auto &[key, value] : now.items()) {
    json other = stored.value(key, json());
    if (other == value) continue;
    if (key == "search") {
      bool same_method = other.value("method", "") == value["method"];
      text += (same_method ? conflicts(other, value)
                           : fmt::format("search {} there, {} here", setting_text(other.value("method", json())),
                                         setting_text(value["method"]))) +
              "; ";
      continue;
    }
    text += key == "space" ? "the params or their spaces are others; "
                           : fmt::format("{} {} there, {} here; ", key, setting_text(other), setting_text(value));
  }
  return text.substr(0, text.empty() ? 0 : text.size() - 2);
}

Result<void> write_settings(const fs::path &path, const json &content) {
  return runtime::write_file_atomically(path.string(), content.dump(2) + "\n");
}

std::string joined(const std::vector<std::string> &words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
  return text;
}

}  // namespace

const char *method_name(Method method) {
  static constexpr const char *names[] = {"random", "grid", "halving", "hyperband", "tpe"};
  return names[static_cast<size_t>(method)];
}

int64_t &extent_of(SearchSettings &search) {
  return search.method == Method::hyperband ? search.rounds : search.trials;
}

double Objective::score(double figure_value) const {
  if (!std::isfinite(figure_value)) return std::numeric_limits<double>::infinity();
  return higher_is_better ? -figure_value : figure_value;
}

json to_json(const StudySettings &settings) {
  return {{"file", as_utf8(fs::absolute(settings.file).lexically_normal().string())},
          {"objective", settings.objective.text()},
          {"search", search_json(settings.search)},
          {"sample", settings.sample},
          {"fixed", settings.fixed},
          {"space", space_json(settings.parameters)}};
}

Result<Study> Study::open(const fs::path &folder, const StudySettings &settings, const json &fingerprint,
                          bool continue_anyway) {
  std::error_code code;
  fs::create_directories(folder / "trials", code);
  if (code) return fail(fmt::format("cannot make the folder {}: {}", folder.string(), code.message()));
  std::string name = (folder / "lock").string();
  int lock = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock < 0) return fail(fmt::format("cannot write in {}: {}", folder.string(), std::strerror(errno)));
  Study study(folder, lock);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0)
    return fail("the study in " + folder.string() + " is in use by another netc", "wait for it, or --study FOLDER");
  if (auto done = study.read_or_write_settings(settings, fingerprint, continue_anyway); !done)
    return tl::unexpected(done.error());
  if (auto done = study.read_records(); !done) return tl::unexpected(done.error());
  return study;
}

json Study::stored_fingerprint(const fs::path &folder) {
  auto stored = read_settings(folder / "study.json");
  return stored ? (*stored)["fingerprint"] : json();
}

Result<void> Study::read_or_write_settings(const StudySettings &settings, const json &fingerprint,
                                           bool continue_anyway) {
  fs::path path = folder_ / "study.json";
  json now = to_json(settings);
  SearchSettings search = settings.search;
  extent_ = extent_of(search);
  json content{{"format", kFormat},
               {"settings", now},
               {"fingerprint", fingerprint},
               {"extent", extent_},
               {"editions", json::array()}};
  std::error_code code;
  existed_ = fs::exists(path, code);
  if (!existed_) return write_settings(path, content);
  auto stored = read_settings(path);
  if (!stored) return tl::unexpected(stored.error());
  if (std::string text = conflicts((*stored)["settings"], now); !text.empty())
    return fail(fmt::format("the study in {} is another one: {}", folder_.string(), text),
                "begin a new study: --study FOLDER");
  content["editions"] = (*stored)["editions"];
  extent_ = std::max((*stored)["extent"].get<int64_t>(), extent_);
  content["extent"] = extent_;
  std::vector<std::string> changed =
      differences((*stored)["fingerprint"], fingerprint, settings.file.filename().string());
  if (!changed.empty() && !continue_anyway)
    return fail(fmt::format("the study in {} is of another state of things: {} changed since it began",
                            folder_.string(), joined(changed) + (changed.size() == 1 ? " has" : " have")),
                "begin a new study: --study FOLDER; or go on with what was measured before, as if nothing had "
                "changed: --continue-anyway");
  if (!changed.empty()) {
    content["editions"].push_back(joined(changed));
    notes_.push_back(
        fmt::format("the trials so far are from before {} changed, and stay as they are", joined(changed)));
  }
  edition_ = static_cast<int64_t>(content["editions"].size());
  return content == *stored ? Result<void>{} : write_settings(path, content);
}

Result<void> Study::read_records() {
  auto content = Ledger(folder_ / "trials.jsonl").read();
  if (!content) return tl::unexpected(content.error());
  for (Record &record : content->records) keep(std::move(record));
  for (int64_t line : content->damaged)
    notes_.push_back(fmt::format("line {} of {} is damaged: what it told is asked of the trial again", line,
                                 (folder_ / "trials.jsonl").string()));
  return {};
}

void Study::keep(Record record) {
  auto place =
      std::find_if(records_.begin(), records_.end(), [&](const Record &other) { return other.trial >= record.trial; });
  if (place != records_.end() && place->trial == record.trial)
    *place = std::move(record);
  else
    records_.insert(place, std::move(record));
}

const Record *Study::record(size_t trial) const {
  for (const Record &record : records_)
    if (record.trial == static_cast<int64_t>(trial)) return &record;
  return nullptr;
}

Result<void> Study::add(Record record) {
  record.edition = edition_;
  if (auto written = Ledger(folder_ / "trials.jsonl").append(record); !written) return written;
  keep(std::move(record));
  return {};
}

fs::path Study::trial_folder(size_t trial) const { return folder_ / "trials" / fmt::format("{:04}", trial + 1); }

Study::Study(Study &&other) noexcept
    : folder_(std::move(other.folder_)),
      lock_(std::exchange(other.lock_, -1)),
      existed_(other.existed_),
      edition_(other.edition_),
      extent_(other.extent_),
      records_(std::move(other.records_)),
      notes_(std::move(other.notes_)) {}

Study::~Study() {
  if (lock_ >= 0) close(lock_);
}

}  // namespace netc::tune
