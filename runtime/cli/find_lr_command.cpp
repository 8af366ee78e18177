// find-lr: which learning rates this network trains with, and which one to begin with.
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "runtime/cli/commands.h"
#include "runtime/cli/fresh.h"
#include "runtime/cli/plot.h"
#include "runtime/io/file.h"
#include "runtime/io/json_text.h"
#include "runtime/train/progress.h"
#include "runtime/train/range_test.h"

namespace netc::runtime {
namespace {

constexpr int kWidth = 64, kHeight = 12;  // of the picture, in characters

Result<RangeTestOptions> options_of(const Arguments &arguments) {
  RangeTestOptions options;
  auto least = arguments.real("--least"), greatest = arguments.real("--greatest");
  auto steps = arguments.integer("--steps", 10);
  if (!least) return tl::unexpected(least.error());
  if (!greatest) return tl::unexpected(greatest.error());
  if (!steps) return tl::unexpected(steps.error());
  options.least = least->value_or(options.least);
  options.greatest = greatest->value_or(options.greatest);
  options.steps = steps->value_or(options.steps);
  if (!(options.least > 0) || !(options.least < options.greatest))
    return fail(format("the rates go from %g to %g", options.least, options.greatest),
                "--least is above 0 and below --greatest");
  return options;
}

void print_curve(const RangeTest &test) {
  // What comes before the rise decides the scale.
  size_t lowest = static_cast<size_t>(std::min_element(test.losses.begin(), test.losses.end()) - test.losses.begin());
  double top = *std::max_element(test.losses.begin(), test.losses.begin() + static_cast<int64_t>(lowest) + 1);
  double bottom = test.losses[lowest];
  int64_t mark = -1;
  if (test.suggested) mark = std::find(test.rates.begin(), test.rates.end(), *test.suggested) - test.rates.begin();
  std::printf("\n%s", curve_text(test.losses, top + 0.3 * (top - bottom), mark, kWidth, kHeight).c_str());
  std::string first = format("%.1e", test.rates.front()), last = format("%.1e", test.rates.back());
  std::printf("%10s %s%*s\n", "loss", first.c_str(), kWidth - static_cast<int>(first.size()), last.c_str());
}

std::string result_json(const RangeTest &test) {
  JsonText out;
  auto list = [&](const char *name, const std::vector<double> &values) {
    out.key(name);
    out.open('[');
    for (double value : values) out.number(value);
    out.close(']');
  };
  out.open('{');
  list("learning_rate", test.rates);
  list("loss", test.losses);
  out.key("suggested");
  test.suggested ? out.number(*test.suggested) : out.raw("null");
  out.close('}');
  return out.text() + "\n";
}

OrFailure<int> find_learning_rate(Session &session, const Arguments &arguments) {
  auto options = options_of(arguments);
  if (!options) return failure(options.error(), kUsage);
  auto fresh = open_fresh(session, arguments);
  if (!fresh) return tl::unexpected(fresh.error());
  if (!session.program.set_scalar("learning_rate_override", 0))
    return failure({"the optimizer of this program has no learning rate", ""}, kUsage);
  std::printf("learning rates from %g to %g in %lld steps of %lld samples, seed %llu\n", options->least,
              options->greatest, static_cast<long long>(options->steps),
              static_cast<long long>(fresh->settings.batch_size.value),
              static_cast<unsigned long long>(fresh->settings.seed.value));
  Progress progress(stdout);
  auto test = run_range_test(session.program, fresh->settings, fresh->data, *options, [&](int64_t steps) {
    progress.update([&] { return ProgressLine{1, 1, steps, options->steps}; });
  });
  if (!test) return failure(test.error(), kFailed);
  if (test->losses.size() < 2)
    return failure(
        {"the loss is not finite from the first step on", "look at the data, or begin with a smaller --least"},
        kDiverged);
  print_curve(*test);
  if (test->diverged) std::printf("the loss grew beyond measure from %.1e on\n", test->rates.back());
  if (test->suggested)
    std::printf("suggested learning rate: %.1e, where the loss falls fastest\n", *test->suggested);
  else
    std::printf("no suggestion: the loss fell nowhere; try ./%s check, or more steps: --steps 300\n",
                session.program.name().c_str());
  std::string folder = arguments.text("--run"), file = "find-lr.json";
  if (!folder.empty()) {
    mkdir(folder.c_str(), 0777);
    file = folder + "/" + file;
  }
  if (auto written = write_file_atomically(file, result_json(*test)); !written)
    return failure(written.error(), kFailed);
  std::printf("written: %s\n", file.c_str());
  return kDone;
}

}  // namespace

int find_lr_command(const nc_program_t &program, const std::string &call, const Arguments &arguments) {
  auto session = open_session(program, call, arguments);
  if (!session) return report_error(call, session.error().error, session.error().code);
  auto code = find_learning_rate(*session, arguments);
  return code ? *code : report_error(call, code.error().error, code.error().code);
}

}  // namespace netc::runtime
