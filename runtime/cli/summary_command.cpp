// summary: layers, parameters, work and memory; with --config every value and where it comes from.
#include <cstdio>

#include "runtime/cli/commands.h"
#include "runtime/cli/session.h"
#include "runtime/train/configuration.h"

namespace netc::runtime {
namespace {

using nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

// Columns as wide as their widest entry; the first `left` columns aligned left, the others right.
void print_table(const Rows &rows, size_t left) {
  std::vector<size_t> widths;
  for (const auto &row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto &row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      std::string space(widths[i] - row[i].size(), ' ');
      line += (i ? "  " : "") + (i < left ? row[i] + space : space + row[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    std::printf("%s\n", line.c_str());
  }
}

std::string shape_of(const json &shape) {
  std::string text;
  for (const json &size : shape)
    text += (text.empty() ? "" : ", ") + (size.is_string() ? size.get<std::string>() : size.dump());
  return "[" + text + "]";
}

void print_layers(const Program &program) {
  Rows rows = {{"layer", "kind", "output", "parameters", "FLOPs"}};
  int64_t parameters = 0;
  double flops = 0;
  for (const json &layer : program.metadata().value("layers", json::array())) {
    auto count = layer.value("parameters", int64_t{0});
    auto work = layer.value("flops", 0.0);
    parameters += count;
    flops += work;
    rows.push_back({layer.value("name", ""), layer.value("kind", ""),
                    shape_of(layer.value("output_shape", json::array())), count_text(count),
                    count_text(static_cast<int64_t>(work))});
  }
  rows.push_back({"total", "", "", count_text(parameters), count_text(static_cast<int64_t>(flops))});
  print_table(rows, 3);
}

void print_memory(const Program &program, int64_t batch) {
  int64_t trainable = 0, frozen = 0, state = 0, optimizer = 0;
  for (const Weight &weight : program.weights()) {
    int64_t &sum = weight.role == Role::optimizer ? optimizer
                   : weight.role == Role::state   ? state
                   : weight.trainable             ? trainable
                                                  : frozen;
    sum += weight.elements;
  }
  std::printf("\nweights: %s trained, %s not trained, %s of state, %s of the optimizer; %s\n",
              count_text(trainable).c_str(), count_text(frozen).c_str(), count_text(state).c_str(),
              count_text(optimizer).c_str(), bytes_text(static_cast<double>(program.source().weight_bytes)).c_str());
  std::printf("memory of a call with a batch of %lld:", static_cast<long long>(batch));
  const char *separator = "";
  for (const Function &function : program.functions()) {
    if (function.name != "train_step" && function.name != "evaluate" && function.name != "predict") continue;
    auto bytes = static_cast<double>(program.workspace_bytes(function, batch));
    std::printf("%s %s %s", separator, function.name.c_str(), bytes_text(bytes).c_str());
    separator = ",";
  }
  std::printf("\n");
}

void print_config(const Settings &settings) {
  Rows rows = {{"value", "", "from"}};
  for (const ConfigurationRow &row : configuration_rows(settings)) rows.push_back({row.name, row.value, row.from});
  std::printf("\n");
  print_table(rows, 3);
}

}  // namespace

int summary_command(const nc_program_t &source, const std::string &call, const Arguments &arguments) {
  auto opened = open_settings(source, arguments);
  if (!opened) return report_error(call, opened.error().error, opened.error().code);
  print_layers(opened->program);
  print_memory(opened->program, opened->settings.batch_size.value);
  if (arguments.has("--config")) print_config(opened->settings);
  return kDone;
}

}  // namespace netc::runtime
