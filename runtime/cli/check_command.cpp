// check: what the section `check` of the file says must be true of the network; overfit: one of them by hand.
#include <cmath>
#include <cstdio>

#include "runtime/cli/commands.h"
#include "runtime/cli/fresh.h"
#include "runtime/data/batches.h"
#include "runtime/train/gradcheck.h"
#include "runtime/train/sanity.h"
#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

struct Verdict {
  bool passed = false;
  std::string measured;  // and what was expected
  std::string advice;    // what to try when it failed
};

std::optional<double> given(const json &call, const char *name, int position = -1) {
  const json *value = argument(call, name, position);
  return value ? std::optional(number_or(value, NAN)) : std::nullopt;
}

OrFailure<Verdict> check_gradients_of(Session &session, const Fresh &fresh, const json &call) {
  auto samples = static_cast<int64_t>(given(call, "samples", 1).value_or(4));
  GradcheckOptions options{.tolerance = given(call, "tolerance", 0).value_or(1e-5), .seed = fresh.settings.seed.value};
  Batches batches(fresh.data.train, {.batch_size = std::max<int64_t>(samples, 1), .background = false});
  batches.start(0);
  auto batch = batches.next();
  if (!batch) return failure(batch.error(), kBadData);
  auto report = check_gradients(session.program, (*batch)->arguments, (*batch)->size, options);
  if (!report) return failure(report.error(), kFailed);
  const GradcheckRow *worst = nullptr;
  for (const GradcheckRow &row : report->rows)
    if (!worst || row.relative_error > worst->relative_error) worst = &row;
  if (!worst) return Verdict{true, "no weight is trained", ""};
  return Verdict{report->passed(),
                 format("greatest relative error %.1e (%s), tolerance %g", worst->relative_error, worst->weight.c_str(),
                        options.tolerance),
                 session.call +
                     " gradcheck shows every weight; a relu or max at one of the points may be met by another "
                     "--seed or a greater tolerance"};
}

// ln(classes) for a cross-entropy over classes.
std::optional<double> loss_by_chance(const json &metadata) {
  const json &outputs = metadata["network"]["outputs"];
  std::string loss = metadata["loss"].is_object() ? metadata["loss"].value("name", "") : "";
  if (outputs.size() != 1 || !outputs[0].contains("classes") || !loss.ends_with("crossentropy")) return std::nullopt;
  return std::log(outputs[0]["classes"].get<double>());
}

OrFailure<Verdict> check_initial_loss(Session &session, const Fresh &fresh, const json &call) {
  auto expected = given(call, "expected", 0);
  if (!expected) expected = loss_by_chance(session.program.metadata());
  if (!expected) return Verdict{true, "no expectation for this loss: initial_loss(expected = ...)", ""};
  double tolerance = given(call, "tolerance", 1).value_or(0.1);
  auto loss = initial_loss(session.program, fresh.settings, fresh.data);
  if (!loss) return failure(loss.error(), kFailed);
  bool passed = std::abs(*loss - *expected) <= tolerance * std::abs(*expected);
  return Verdict{
      passed, format("%.4g, expected %.4g within %g %%", *loss, *expected, 100 * tolerance),
      *loss > *expected || !std::isfinite(*loss)
          ? "the outputs begin too large: normalize the inputs, or a smaller kernel_initializer of the last layer"
          : "lower than chance: are the classes unbalanced, or does the target leak into the inputs?"};
}

Result<MemoryGoal> goal_of(const Settings &settings, const json &call) {
  MemoryGoal goal;
  goal.samples = std::max<int64_t>(1, static_cast<int64_t>(given(call, "samples", 0).value_or(64)));
  goal.accuracy = given(call, "accuracy", 1);
  goal.loss = given(call, "loss", 2);
  if (const json *within = argument(call, "within", 3)) {
    goal.within = whole_or(within, 300);
    std::string unit = within->is_object() ? within->value("unit", "steps") : "steps";
    if (unit == "epochs") goal.within *= (goal.samples + settings.batch_size.value - 1) / settings.batch_size.value;
  }
  if (goal.within < 1) return fail("overfit: within is at least 1 step");
  return goal;
}

OrFailure<Verdict> check_overfit(Session &session, const Fresh &fresh, const MemoryGoal &goal) {
  auto memory = memorise(session.program, fresh.settings, fresh.data, goal);
  if (!memory) return failure(memory.error(), kUsage);
  std::string reached, wanted;
  if (memory->goal.accuracy) {
    reached += format("accuracy %.4g, ", *memory->accuracy);
    wanted += format(", expected accuracy %.4g", *memory->goal.accuracy);
  }
  if (memory->goal.loss) wanted += format(", expected loss %.3g", *memory->goal.loss);
  return Verdict{memory->reached,
                 reached +
                     format("loss %.3g (from %.3g) on %lld samples after %lld steps", memory->loss, memory->first_loss,
                            static_cast<long long>(memory->samples), static_cast<long long>(memory->steps)) +
                     wanted,
                 "a learning rate from " + session.call +
                     " find-lr, less dropout and regularisation, more units; else look at the loss, the targets and "
                     "dead units: " +
                     session.call + " inspect --initial"};
}

void print(const std::string &name, const Verdict &verdict) {
  std::printf("%-14s %s  %s\n", name.c_str(), verdict.passed ? "passed" : "FAILED", verdict.measured.c_str());
  if (!verdict.passed) std::printf("%-14s   try: %s\n", "", verdict.advice.c_str());
  std::fflush(stdout);
}

// The calls of the file, or all of them with their defaults.
json checks_of(const json &metadata) {
  auto section = metadata.find("check");
  if (section != metadata.end() && section->is_object() && section->contains("calls") && !(*section)["calls"].empty())
    return (*section)["calls"];
  std::printf("the file has no section check: these are the defaults\n");
  return {{{"call", "gradients"}}, {{"call", "initial_loss"}}, {{"call", "overfit"}}};
}

OrFailure<int> check(Session &session, const Arguments &arguments) {
  auto fresh = open_fresh(session, arguments);
  if (!fresh) return tl::unexpected(fresh.error());
  json calls = checks_of(fresh->settings.metadata);
  size_t passed = 0;
  for (const json &call : calls) {
    std::string name = name_of(call);
    if (auto begun = start_anew(session, fresh->first); !begun) return tl::unexpected(begun.error());
    auto goal = goal_of(fresh->settings, call);
    if (!goal) return failure(goal.error(), kUsage);
    auto verdict = name == "gradients"      ? check_gradients_of(session, *fresh, call)
                   : name == "initial_loss" ? check_initial_loss(session, *fresh, call)
                                            : check_overfit(session, *fresh, *goal);
    if (!verdict) return tl::unexpected(verdict.error());
    print(name, *verdict);
    passed += verdict->passed;
  }
  std::printf("%zu of %zu checks passed\n", passed, calls.size());
  return passed == calls.size() ? kDone : kCheckFailed;
}

// The goal of the file, if it has one, with what the command line says instead.
OrFailure<int> overfit(Session &session, const Arguments &arguments) {
  auto samples = arguments.integer("--samples", 1), within = arguments.integer("--within", 1);
  auto accuracy = arguments.real("--accuracy"), loss = arguments.real("--loss");
  for (const Error *error : {samples ? nullptr : &samples.error(), within ? nullptr : &within.error(),
                             accuracy ? nullptr : &accuracy.error(), loss ? nullptr : &loss.error()})
    if (error) return failure(*error, kUsage);
  auto fresh = open_fresh(session, arguments);
  if (!fresh) return tl::unexpected(fresh.error());
  json call = {{"call", "overfit"}};
  const json &metadata = fresh->settings.metadata;
  if (metadata.contains("check") && metadata["check"].is_object())
    for (const json &of_file : metadata["check"]["calls"])
      if (name_of(of_file) == "overfit") call = of_file;
  auto goal = goal_of(fresh->settings, call);
  if (!goal) return failure(goal.error(), kUsage);
  goal->samples = samples->value_or(goal->samples);
  goal->within = within->value_or(goal->within);
  if (*accuracy || *loss) goal->accuracy = *accuracy, goal->loss = *loss;
  auto verdict = check_overfit(session, *fresh, *goal);
  if (!verdict) return tl::unexpected(verdict.error());
  print("overfit", *verdict);
  return verdict->passed ? kDone : kCheckFailed;
}

int run(const nc_program_t &program, const std::string &call, const Arguments &arguments,
        OrFailure<int> (*command)(Session &, const Arguments &)) {
  auto session = open_session(program, call, arguments);
  if (!session) return report_error(call, session.error().error, session.error().code);
  auto code = command(*session, arguments);
  return code ? *code : report_error(call, code.error().error, code.error().code);
}

}  // namespace

int check_command(const nc_program_t &program, const std::string &call, const Arguments &arguments) {
  return run(program, call, arguments, check);
}

int overfit_command(const nc_program_t &program, const std::string &call, const Arguments &arguments) {
  return run(program, call, arguments, overfit);
}

}  // namespace netc::runtime
