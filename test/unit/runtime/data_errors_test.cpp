// The corpus of wrong data: test/errors_data/*.json, each with files, a data section and the exact message they must
// cause.
//
//   "files"     {name: text, or {"hex": digits}, or {"gzip": text, "keep": bytes}}: made in an empty folder
//   "network"   {"input": shape, "classes": n} or {"input": shape, "output": shape}; or "inputs", "outputs": fields
//   what runs   "data": the section is loaded; with "predict": [paths] too, these are loaded with its preparation;
//               "safetensors": name, that file is read
//   "error", "help"   exactly, without the folder
//
// NETC_UPDATE=1 rewrites "error" and "help": read the difference before you keep it.
#include <zlib.h>

#include <algorithm>
#include <cstdlib>

#include "runtime/io/safetensors.h"
#include "test/unit/runtime/data_support.h"

namespace netc::runtime {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

std::string from_hex(const std::string &digits) {
  std::string bytes, pair;
  for (char c : digits) {
    if (c == ' ') continue;
    pair += c;
    if (pair.size() < 2) continue;
    bytes += static_cast<char>(std::stoi(pair, nullptr, 16));
    pair.clear();
  }
  return bytes;
}

std::string gzipped(const std::string &text) {
  Folder folder;
  gzFile file = gzopen(folder.path("x").c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return folder.read("x");
}

std::string content_of(const ordered_json &file) {
  if (file.is_string()) return file.get<std::string>();
  if (file.contains("hex")) {
    std::string bytes = from_hex(file["hex"].get<std::string>());
    bytes.append(file.value("zeros", size_t{0}), '\0');
    return bytes;
  }
  return gzipped(file["gzip"].get<std::string>()).substr(0, file.value("keep", size_t{1000000}));
}

nlohmann::json metadata_of(const ordered_json &test) {
  nlohmann::json network = nlohmann::json::object();
  if (test.contains("network")) network = nlohmann::json::parse(test["network"].dump());
  if (network.contains("inputs")) return {{"network", network}, {"data", nlohmann::json::parse(test["data"].dump())}};
  nlohmann::json output = network.contains("classes")
                              ? class_field("y", network["classes"].get<int64_t>())
                              : tensor_field("y", network.value("output", std::vector<int64_t>{1}));
  return program(tensor_field("x", network.value("input", std::vector<int64_t>{1})), output,
                 nlohmann::json::parse(test["data"].dump()));
}

Result<void> run(const ordered_json &test, const Folder &folder) {
  if (test.contains("safetensors")) {
    auto file = read_safetensors(folder.path(test["safetensors"].get<std::string>()));
    return file ? Result<void>() : tl::unexpected(file.error());
  }
  nlohmann::json metadata = metadata_of(test);
  auto sets = load_data(metadata, all_modules(), {folder.path(), 1, true, {}});
  if (!sets) return tl::unexpected(sets.error());
  if (!test.contains("predict")) return {};
  std::vector<std::string> paths;
  for (const auto &path : test["predict"]) paths.push_back(folder.path(path.get<std::string>()));
  auto samples = load_for_predict(metadata, all_modules(), sets->preparation, paths);
  return samples ? Result<void>() : tl::unexpected(samples.error());
}

std::string without(std::string text, const std::string &folder) {
  for (size_t at; (at = text.find(folder)) != std::string::npos;) text.erase(at, folder.size());
  return text;
}

const fs::path corpus = fs::path(NETC_SOURCE_DIR) / "test/errors_data";

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const auto &entry : fs::directory_iterator(corpus))
    if (entry.path().extension() == ".json") found.push_back(entry.path().stem().string());
  std::sort(found.begin(), found.end());
  return found;
}

class WrongData : public testing::TestWithParam<std::string> {};

TEST_P(WrongData, GivesTheMessage) {
  fs::path path = corpus / (GetParam() + ".json");
  ordered_json test = ordered_json::parse(std::ifstream(path));
  Folder folder;
  for (const auto &[name, file] : test["files"].items()) folder.write(name, content_of(file));
  auto result = run(test, folder);
  std::string error = result ? "none" : without(result.error().message, folder.path() + "/");
  std::string help = result ? "" : without(result.error().help, folder.path() + "/");
  if (std::getenv("NETC_UPDATE")) {
    test["error"] = error;
    test["help"] = help;
    std::ofstream(path) << test.dump(2) << "\n";
  }
  EXPECT_FALSE(result);
  EXPECT_EQ(error, test.value("error", ""));
  EXPECT_EQ(help, test.value("help", ""));
}

INSTANTIATE_TEST_SUITE_P(Corpus, WrongData, testing::ValuesIn(names()), [](const auto &info) { return info.param; });

}  // namespace
}  // namespace netc::runtime
