#include "runtime/report/report.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "runtime/io/file.h"
#include "runtime/page/page.h"
#include "runtime/report/facts.h"
#include "runtime/report/inspection.h"
#include "runtime/report/predictions.h"
#include "runtime/train/configuration.h"
#include "runtime/train/measure.h"

namespace netc::runtime {

extern const PageTemplate report_page;

namespace {

constexpr int kShareOfTime = 50;  // of the training to one of look()

const Dataset &looked_at(const DataSets &data) { return data.validation.empty() ? data.test : data.validation; }

void write_layers(JsonText &out, const nlohmann::json &layers) {
  out.key("layers");
  out.open('[');
  for (const nlohmann::json &layer : layers) {
    out.open('[');
    for (const char *key : {"name", "kind", "output_shape", "parameters", "flops"}) out.raw(layer.at(key).dump());
    out.close(']');
  }
  out.close(']');
}

void write_findings(JsonText &out, const Findings &findings) {
  out.key("reading");
  out.open('[');
  for (const Finding &finding : findings.list()) {
    out.open('{');
    out.member("kind", finding.kind);
    out.member("level", level_name(finding.level));
    out.member("epoch", static_cast<double>(finding.epoch));
    out.member("text", finding.text);
    out.key("advice");
    out.open('[');
    for (const Advice &advice : finding.advice) {
      out.string(advice.text);
      out.string(advice.line);
    }
    out.close(']');
    out.close('}');
  }
  out.close(']');
}

}  // namespace

void write_configuration_rows(JsonText &out, const Settings &settings) {
  out.open('[');
  for (const ConfigurationRow &row : configuration_rows(settings)) {
    out.string(row.name);
    out.string(row.value);
    out.string(row.from);
  }
  out.close(']');
}

Report::Report(const RunDirectory &run, Program &program, const Settings &settings, const DataSets &data)
    : run_(run), program_(program), settings_(settings), data_(data), facts_(facts_of(settings, data)) {
  JsonText out;
  write_fixed(out);
  fixed_ = out.text();
}

void Report::write_fixed(JsonText &out) const {
  out.member("program", program_.name());
  out.member("epochs", static_cast<double>(settings_.epochs.value));
  out.member("batch_size", static_cast<double>(settings_.batch_size.value));
  out.member("seed", static_cast<double>(settings_.seed.value));
  out.key("samples");
  out.open('[');
  for (const Dataset *set : {&data_.train, &data_.validation, &data_.test})
    out.number(static_cast<double>(set->size()));
  out.close(']');
  write_layers(out, settings_.metadata["layers"]);
  out.key("configuration");
  write_configuration_rows(out, settings_);
  out.member("source", settings_.metadata.value("source", ""));
}

bool Report::look_is_due() const {
  return !looked_at(data_).empty() &&
         Clock::now() - looked_ >= std::max<Clock::duration>(kShareOfTime * look_takes_, std::chrono::seconds(1));
}

Result<void> Report::look(int64_t epoch) {
  const Dataset &dataset = looked_at(data_);
  if (dataset.empty()) return {};
  auto begin = Clock::now();
  auto said = summarise_predictions(program_, settings_.metadata, data_, dataset, settings_.batch_size.value);
  if (!said) return tl::unexpected(said.error());
  JsonText out;
  out.open('{');
  out.member("split", data_.validation.empty() ? "test" : "validation");
  out.member("epoch", static_cast<double>(epoch));
  out.raw(said->members);
  out.close('}');
  predictions_ = out.text();
  answers_ = std::move(said->answers);
  looked_ = Clock::now();
  look_takes_ = looked_ - begin;
  return {};
}

void Report::write_standing(JsonText &out, const Standing &standing, const RunEnd &end) const {
  static const char *const kStatus[] = {"running", "interrupted", "diverged", "finished"};
  out.member("status", kStatus[static_cast<size_t>(end.status)]);
  out.member("reason", end.reason);
  out.member("best_epoch", static_cast<double>(standing.best_epoch + 1));
  out.member("monitor", standing.monitor);
  out.key("higher_is_better");
  out.open('[');
  for (const std::string &name : facts_.higher_is_better) out.string(name);
  out.close(']');
  if (end.test.empty()) return;
  auto names = measured_names(program_);
  out.key("test");
  out.open('{');
  for (size_t i = 0; i < end.test.size(); ++i) out.member(names[i].c_str(), end.test[i]);
  out.close('}');
}

Result<Findings> Report::write(const Standing &standing, const RunEnd &end) {
  JsonText out;
  out.open('{');
  out.raw(fixed_);
  out.member("run", run_.path());
  out.key("written");
  out.raw(std::to_string(std::time(nullptr)));
  Inspection inspection = write_inspection(out, run_.path());
  Evidence evidence{standing.history, facts_, std::move(inspection.diagnostics)};
  evidence.over = end.status == RunStatus::finished;
  evidence.stopped_early = !end.reason.empty();
  if (end.status == RunStatus::diverged) evidence.diverged = end.reason;
  evidence.suggested_rate = inspection.suggested_rate;
  evidence.answers = answers_;
  Findings findings = read_training(evidence);

  JsonText result;
  result.open('{');
  write_standing(result, standing, end);
  write_findings(result, findings);
  out.raw(std::string_view(result.text()).substr(1));
  out.key("columns");
  out.open('[');
  for (const std::string &name : standing.history.columns) out.string(name);
  out.close(']');
  if (!predictions_.empty()) {
    out.key("predictions");
    out.raw(predictions_);
  }
  out.key("history");
  out.open('[');
  for (const std::string &line : standing.lines) out.raw(std::string_view(line).substr(0, line.size() - 1));
  out.close(']');
  out.close('}');
  auto written = write_file_atomically(run_.file("report.html"), page_of(report_page, program_.name(), out.text()));
  if (written && end.status != RunStatus::running)
    written = write_file_atomically(run_.file("result.json"), result.text() + "}\n");
  if (!written) return tl::unexpected(written.error());
  return findings;
}

}  // namespace netc::runtime
