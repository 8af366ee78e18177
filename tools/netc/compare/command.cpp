#include "tools/netc/compare/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "runtime/io/file.h"
#include "runtime/page/page.h"
#include "tools/netc/compare/difference.h"

namespace netc::runtime {
extern const PageTemplate compare_page;
}

namespace netc::compare {
namespace {

using nlohmann::json;

constexpr size_t kWidestCell = 40;
constexpr size_t kMostSourceLines = 12;  // in the terminal

int complain(const Error &error, int code) {
  fmt::print(stderr, "netc compare: error: {}\n", error.message);
  if (!error.help.empty()) fmt::print(stderr, "  help: {}\n", error.help);
  return code;
}

// The number of characters of UTF-8 text.
size_t width_of(const std::string &text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string cut(const std::string &text) {
  return text.size() <= kWidestCell ? text : text.substr(0, kWidestCell - 3) + "...";
}

// A star marks the best value of a row.
void print_table(const std::vector<Run> &runs, const std::vector<Row> &rows) {
  std::vector<std::vector<std::string>> table(1, {""});
  for (const Run &run : runs) table[0].push_back(run.name);
  for (const Row &row : rows) {
    auto &cells = table.emplace_back(std::vector<std::string>{row.name});
    for (size_t i = 0; i < row.cells.size(); ++i)
      cells.push_back(cut(row.cells[i]) + (static_cast<int>(i) == row.best ? " *" : row.best >= 0 ? "  " : ""));
  }
  std::vector<size_t> widths(runs.size() + 1);
  for (const auto &cells : table)
    for (size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], width_of(cells[i]));
  for (const auto &cells : table) {
    std::string line = cells[0] + std::string(widths[0] - width_of(cells[0]), ' ');
    for (size_t i = 1; i < cells.size(); ++i)
      line += "  " + std::string(widths[i] - width_of(cells[i]), ' ') + cells[i];
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
}

void print_source_difference(const Run &first, const Run &second) {
  size_t told = 0;
  for (const SourceLine &line : source_difference(first.source, second.source)) {
    if (line.kind == ' ') continue;
    if (told == 0) fmt::print("\n{} beside {}\n", second.name, first.name);
    if (++told <= kMostSourceLines) fmt::print("  {} {}\n", line.kind, line.text);
  }
  if (told > kMostSourceLines) fmt::print("  and {} more lines\n", told - kMostSourceLines);
}

json rows_json(const std::vector<Row> &rows) {
  json list = json::array();
  for (const Row &row : rows) list.push_back({{"name", row.name}, {"cells", row.cells}, {"best", row.best}});
  return list;
}

json page_data(const std::vector<Run> &runs) {
  json data = {{"differences", rows_json(configuration_differences(runs))},
               {"figures", rows_json(figures(runs))},
               {"network", runs[0].network}};
  for (const Run &run : runs) {
    json lines = json::array();
    for (const SourceLine &line : source_difference(runs[0].source, run.source))
      lines.push_back({std::string(1, line.kind), line.text});
    data["runs"].push_back({{"name", run.name},
                            {"path", run.path},
                            {"status", run.status()},
                            {"best_epoch", run.best_epoch()},
                            {"history", run.history},
                            {"source", std::move(lines)}});
  }
  return data;
}

}  // namespace

int compare_command(int argc, char **argv) {
  std::vector<std::string> folders;
  std::string output = "compare.html";
  CLI::App app("Compares trainings: their curves on one page, what differed, and which was the best.", argv[0]);
  app.add_option("runs", folders, "run directories, two or more")->required();
  app.add_option("-o,--output", output, "the page to write")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (folders.size() < 2)
    return complain({"one run has nothing to be compared with", "netc compare runs/digits-001 runs/digits-002"}, 2);
  std::vector<Run> runs;
  for (const std::string &folder : folders) {
    auto run = read_run(folder);
    if (!run) return complain(run.error(), 2);
    runs.push_back(std::move(*run));
  }
  if (auto comparable = check_comparable(runs); !comparable) return complain(comparable.error(), 2);
  std::vector<Row> rows = configuration_differences(runs), measured = figures(runs);
  rows.insert(rows.end(), measured.begin(), measured.end());
  print_table(runs, rows);
  for (size_t i = 1; i < runs.size(); ++i) print_source_difference(runs[0], runs[i]);
  std::string data = page_data(runs).dump(-1, ' ', false, json::error_handler_t::replace);
  auto written = runtime::write_file_atomically(output, runtime::page_of(runtime::compare_page, "runs compared", data));
  if (!written) return complain(written.error(), 1);
  fmt::print("\ncurves: {}\n", output);
  return 0;
}

}  // namespace netc::compare
