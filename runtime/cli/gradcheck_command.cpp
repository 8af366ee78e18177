// gradcheck: are the gradients of this network right? On the first samples of its training data.
#include <cstdio>

#include "runtime/cli/commands.h"
#include "runtime/cli/session.h"
#include "runtime/data/batches.h"
#include "runtime/train/gradcheck.h"
#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

// An argument of gradients(...) in the section `check`.
double of_file(const json &metadata, const char *name, int position, double fallback) {
  auto section = metadata.find("check");
  if (section == metadata.end() || !section->is_object() || !section->contains("calls")) return fallback;
  for (const json &check : (*section)["calls"]) {
    if (name_of(check) == "gradients") return number_or(argument(check, name, position), fallback);
  }
  return fallback;
}

void print_report(const GradcheckReport &report, const GradcheckOptions &options, int64_t samples) {
  std::printf("gradients of the loss %.6g on %lld samples, in f64, against central differences\n", report.loss,
              static_cast<long long>(samples));
  size_t width = 6;
  for (const GradcheckRow &row : report.rows) width = std::max(width, row.weight.size());
  auto column = static_cast<int>(width);
  std::printf("%-*s  checked  greatest relative error  at entry      analytic       numeric\n", column, "weight");
  for (const GradcheckRow &row : report.rows) {
    std::printf("%-*s  %7lld  %23.2e  %8lld  %12.5e  %12.5e  %s\n", column, row.weight.c_str(),
                static_cast<long long>(row.checked), row.relative_error, static_cast<long long>(row.entry),
                row.analytic, row.numeric, row.passed ? "ok" : "FAILED");
  }
  std::printf("%s: tolerance %g\n", report.passed() ? "passed" : "failed", options.tolerance);
}

OrFailure<int> gradcheck(Session &session, const Arguments &arguments) {
  auto overrides = overrides_of(arguments);
  auto samples = arguments.integer("--samples", 1);
  auto entries = arguments.integer("--entries", 1);
  auto tolerance = arguments.real("--tolerance");
  if (!overrides) return failure(overrides.error(), kUsage);
  if (!samples) return failure(samples.error(), kUsage);
  if (!entries) return failure(entries.error(), kUsage);
  if (!tolerance) return failure(tolerance.error(), kUsage);
  auto settings = resolve_settings(session.program, *overrides);
  if (!settings) return failure(settings.error(), kUsage);
  if (!session.program.function("gradcheck")) return failure({"this program has no function gradcheck", ""}, kUsage);
  auto data = load_data(settings->metadata, session.modules,
                        {settings->data_root.value, settings->seed.value, true, std::nullopt});
  if (!data) return failure(data.error(), kBadData);
  settings->apply(session.program);
  if (auto done = initialise(session.program); !done) return tl::unexpected(done.error());
  auto samples_of_file = static_cast<int64_t>(of_file(settings->metadata, "samples", 1, 4));
  Batches batches(data->train,
                  {.batch_size = samples->value_or(std::max<int64_t>(samples_of_file, 1)), .background = false});
  batches.start(0);
  auto next = batches.next();
  if (!next) return failure(next.error(), kBadData);
  const Batch *batch = *next;
  if (!batch) return failure({"there is no training data", ""}, kBadData);
  GradcheckOptions options{entries->value_or(12),
                           tolerance->value_or(of_file(settings->metadata, "tolerance", 0, 1e-5)),
                           settings->seed.value};
  auto report = check_gradients(session.program, batch->arguments, batch->size, options);
  if (!report) return failure(report.error(), kFailed);
  print_report(*report, options, batch->size);
  return report->passed() ? kDone : kCheckFailed;
}

}  // namespace

int gradcheck_command(const nc_program_t &program, const std::string &call, const Arguments &arguments) {
  auto session = open_session(program, call, arguments);
  if (!session) return report_error(call, session.error().error, session.error().code);
  auto code = gradcheck(*session, arguments);
  return code ? *code : report_error(call, code.error().error, code.error().code);
}

}  // namespace netc::runtime
