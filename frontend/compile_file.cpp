// Reads a file and what it imports, each file once, imports before the file that names them.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "frontend/elaborate/elaborate.h"
#include "frontend/frontend.h"
#include "support/read_source.h"

namespace netc {
namespace {

constexpr size_t kMaxFiles = 100;

struct Importer {
  SourceMap &sources;
  Diagnostics &diagnostics;
  std::vector<std::unique_ptr<ast::File>> files;
  std::vector<std::filesystem::path> open;  // being read: a cycle of imports comes back to one of them
  std::vector<std::filesystem::path> done;

  // `from` is the import that names the file; unknown for the file given to netc.
  void read(const std::filesystem::path &path, Span from) {
    std::error_code failure;
    std::filesystem::path canonical = std::filesystem::weakly_canonical(path, failure);
    if (std::find(done.begin(), done.end(), canonical) != done.end()) return;
    if (std::find(open.begin(), open.end(), canonical) != open.end()) {
      std::string cycle;
      for (const auto &file : open) cycle += file.filename().string() + " -> ";
      diagnostics.error(from, "imports go in a circle: " + cycle + canonical.filename().string());
      return;
    }
    if (open.size() + done.size() >= kMaxFiles) {
      diagnostics.error(from, fmt::format("a program has at most {} files", kMaxFiles));
      return;
    }
    auto text = read_source(path);
    if (!text) {
      auto &error = diagnostics.error(from, text.error().message);
      if (!text.error().help.empty()) error.help(text.error().help);
      return;
    }
    FileId id = sources.add(path.string(), std::move(*text));
    auto file = parse_file(sources, id, diagnostics);
    if (!file) return;
    open.push_back(canonical);
    for (const ast::Item &item : file->items)
      if (const auto *import = std::get_if<ast::Import>(&item.node)) read(path.parent_path() / import->path, item.span);
    open.pop_back();
    done.push_back(canonical);
    files.push_back(std::make_unique<ast::File>(std::move(*file)));
  }
};

}  // namespace

bool read_sources(const std::filesystem::path &path, SourceMap &sources, Diagnostics &diagnostics) {
  Importer importer{sources, diagnostics, {}, {}, {}};
  importer.read(path, Span{});
  return !diagnostics.has_errors();
}

std::optional<Program> compile_file(const std::filesystem::path &path, const FrontendOptions &options,
                                    SourceMap &sources, Diagnostics &diagnostics) {
  Importer importer{sources, diagnostics, {}, {}, {}};
  importer.read(path, Span{});
  if (diagnostics.has_errors() || importer.files.empty()) return std::nullopt;
  auto program = elaborate::elaborate(importer.files, options, sources, diagnostics);
  if (!program) return std::nullopt;
  std::error_code failure;
  (*program->metadata)["data_root"] = std::filesystem::absolute(path, failure).parent_path().string();
  return program;
}

}  // namespace netc
