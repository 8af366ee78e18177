#include "runtime/report/inspection.h"

#include <nlohmann/json.hpp>

#include "runtime/io/file.h"
#include "runtime/io/json.h"
#include "runtime/page/page.h"
#include "runtime/train/run_directory.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

constexpr uint64_t kLargestFile = uint64_t{1} << 26;
constexpr size_t kMostPictureBytes = size_t{4} << 20;  // of all pictures

std::string text_of(const std::string &path) {
  return file_exists(path) ? read_file(path, kLargestFile).value_or("") : "";
}

json json_of(const std::string &path) { return parse_json(text_of(path)); }

// The whole lines of the file. An epoch that was trained again after a kill counts as it was the last time.
void write_diagnostics(JsonText &out, const std::string &path, std::vector<EpochDiagnostics> &epochs) {
  std::string text = text_of(path);
  std::vector<std::string> lines;
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    std::string line = text.substr(begin, end - begin);
    auto epoch = diagnostics_from_json(parse_json(line));
    if (!epoch) continue;
    while (!epochs.empty() && epochs.back().epoch >= epoch->epoch) {
      epochs.pop_back();
      lines.pop_back();
    }
    epochs.push_back(std::move(*epoch));
    lines.push_back(std::move(line));
  }
  out.key("diagnostics");
  out.open('[');
  for (const std::string &line : lines) out.raw(line);
  out.close(']');
}

void write_pictures(JsonText &out, const std::string &folder) {
  out.key("activations");
  out.open('[');
  size_t bytes = 0;
  for (const json &entry : json_of(folder + "index.json")) {
    auto file = entry.find("file");
    if (file == entry.end() || !file->is_string()) continue;
    std::string name = *file;
    std::string picture = text_of(folder + name.substr(name.rfind('/') + 1));
    bytes += picture.size();
    if (picture.empty() || bytes > kMostPictureBytes) continue;
    std::string text = entry.dump();
    text.pop_back();
    out.raw(text);
    out.member("image", data_uri("image/png", picture));
    out.close('}');
  }
  out.close(']');
}

}  // namespace

Inspection write_inspection(JsonText &out, const std::string &folder) {
  Inspection result;
  write_diagnostics(out, folder + "/diagnostics.jsonl", result.diagnostics);
  write_pictures(out, folder + "/activations/");
  json test = json_of(folder + "/find-lr.json");
  if (!test.is_object()) return result;
  out.key("find_lr");
  out.raw(test.dump());
  if (auto suggested = test.find("suggested"); suggested != test.end() && suggested->is_number())
    result.suggested_rate = suggested->get<double>();
  return result;
}

}  // namespace netc::runtime
