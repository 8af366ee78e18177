#include "runtime/train/callbacks.h"

#include <algorithm>
#include <cmath>

#include "runtime/cli/text.h"
#include "runtime/io/nearest.h"
#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

const char *const kNames[] = {"early_stopping",   "checkpoint", "reduce_lr_on_plateau", "reduce_on_plateau",
                              "terminate_on_nan", "csv_logger", "tensorboard",          "swap_to_averaged_weights",
                              "progress",         "time_limit"};

// The monitored column of a callback and the direction in which it is better.
Result<Best> best_from_call(const json &call, const std::string &fallback, const json &metrics,
                            const History &history) {
  Best best;
  best.monitor = name_or(argument(call, "monitor", 0), fallback);
  if (history.column(best.monitor) < 0) {
    std::string nearest = nearest_word(best.monitor, history.columns);
    if (best.monitor.starts_with("val_") && history.column("val_loss") < 0) {
      return fail(name_of(call) + " monitors " + best.monitor + ", but there is no validation data",
                  "add `validation = split(10%)` to the data section, or monitor loss");
    }
    return fail(name_of(call) + " monitors " + best.monitor + ", which is not measured",
                nearest.empty() ? "" : "did you mean " + nearest + "?");
  }
  for (const json &metric : metrics) {
    std::string name = metric["name"];
    if (best.monitor == name || best.monitor == "val_" + name) best.higher_is_better = metric["higher_is_better"];
  }
  std::string mode = name_or(argument(call, "mode"), "auto");
  if (mode == "min") best.higher_is_better = false;
  if (mode == "max") best.higher_is_better = true;
  best.min_delta = std::fabs(number_or(argument(call, "min_delta"), 0));
  best.start_from_epoch = whole_or(argument(call, "start_from_epoch"), 0);
  return best;
}

json best_state(const Best &best) {
  return {{"value", best.value ? number_to_json(*best.value) : json()}, {"epoch", best.epoch}};
}

void restore_best(Best &best, const json &state) {
  best.epoch = state.value("epoch", int64_t{-1});
  if (state.contains("value") && !state["value"].is_null()) best.value = number_from_json(state["value"]);
}

int64_t whole(const json &call, const char *name, int64_t fallback) { return whole_or(argument(call, name), fallback); }

}  // namespace

bool Best::update(const History &history, int64_t at_epoch) {
  double current = history.epochs.back()[static_cast<size_t>(history.column(monitor))];
  if (at_epoch < start_from_epoch || std::isnan(current)) return false;
  if (value && !(higher_is_better ? current - min_delta > *value : current + min_delta < *value)) return false;
  value = current;
  epoch = at_epoch;
  return true;
}

bool EarlyStopping::beats_baseline() const {
  if (!baseline || !best.value) return true;
  return best.higher_is_better ? *best.value - best.min_delta > *baseline : *best.value + best.min_delta < *baseline;
}

bool Best::same_as(const Best &other) const {
  return monitor == other.monitor && higher_is_better == other.higher_is_better && min_delta == other.min_delta &&
         start_from_epoch == other.start_from_epoch;
}

Result<Callbacks> Callbacks::create(const json &list, const json &metrics, const History &history) {
  Callbacks result;
  std::string default_monitor = history.column("val_loss") >= 0 ? "val_loss" : "loss";
  result.best_.monitor = default_monitor;
  bool best_chosen = false;
  for (const json &call : list.is_array() ? list : json::array()) {
    std::string name = name_of(call);
    if (name == "early_stopping") {
      auto best = best_from_call(call, default_monitor, metrics, history);
      if (!best) return tl::unexpected(best.error());
      result.early_stopping_.push_back(
          {*best, whole(call, "patience", 0), boolean_or(argument(call, "restore_best_weights"), false), std::nullopt});
      if (const json *baseline = argument(call, "baseline"))
        result.early_stopping_.back().baseline = number_or(baseline, 0);
    } else if (name == "checkpoint") {
      if (const json *every = argument(call, "every")) {
        int64_t epochs = whole_or(every, 0);
        if (epochs < 1) return fail("checkpoint: every must be at least 1 epoch");
        result.every_.push_back(epochs);
      } else if (name_or(argument(call, "keep"), "best") == "all") {
        result.every_.push_back(1);
      }
      if (!argument(call, "monitor", 0)) continue;
      auto best = best_from_call(call, default_monitor, metrics, history);
      if (!best) return tl::unexpected(best.error());
      result.best_ = *best;
      best_chosen = true;
    } else if (name == "reduce_lr_on_plateau" || name == "reduce_on_plateau") {
      auto best = best_from_call(call, default_monitor, metrics, history);
      if (!best) return tl::unexpected(best.error());
      if (!argument(call, "min_delta")) best->min_delta = 1e-4;
      result.reduce_.push_back({*best, number_or(argument(call, "factor"), 0.1), whole(call, "patience", 10),
                                whole(call, "cooldown", 0), number_or(argument(call, "min_scale"), 0),
                                number_or(argument(call, "min_lr"), 0)});
      double factor = result.reduce_.back().factor;
      if (!(factor > 0 && factor < 1))
        return fail(format("%s: factor is %g, it must be between 0 and 1", name.c_str(), factor));
    } else if (name == "time_limit") {
      const json *limit = argument(call, "limit", 0);
      result.time_limit_ = limit ? seconds_of(*limit) : std::nullopt;
      if (!result.time_limit_) return fail("time_limit needs a time", "write: time_limit(2 h)");
    } else if (name == "terminate_on_nan") {
      result.terminate_on_nan_ = true;
    } else if (name == "swap_to_averaged_weights") {
      result.measures_averages_ = true;
      result.keeps_averages_ = boolean_or(argument(call, "swap_on_epoch", 0), true);
    } else if (name == "tensorboard") {
      result.tensorboard_ = true;
    } else if (name != "csv_logger" && name != "progress") {
      std::string nearest = nearest_word(name, {std::begin(kNames), std::end(kNames)});
      return fail("unknown callback " + name, nearest.empty() ? "" : "did you mean " + nearest + "?");
    }
  }
  // Without a checkpoint that says otherwise, "best" means to the program what it means to early stopping.
  if (!best_chosen && !result.early_stopping_.empty()) result.best_ = result.early_stopping_.front().best;
  return result;
}

bool Callbacks::keeps_own_weights(const EarlyStopping &stopping) const {
  return stopping.restore_best_weights && !stopping.best.same_as(best_);
}

EpochActions Callbacks::epoch_end(const History &history, double scale, double elapsed) {
  EpochActions actions;
  auto epoch = static_cast<int64_t>(history.epochs.size()) - 1;
  if (best_.update(history, epoch)) actions.save.push_back("best.safetensors");
  for (int64_t every : every_) {
    if ((epoch + 1) % every == 0)
      actions.save.push_back(format("epoch-%04lld.safetensors", static_cast<long long>(epoch + 1)));
  }
  for (EarlyStopping &stopping : early_stopping_) {
    if (epoch < stopping.best.start_from_epoch) continue;
    ++stopping.wait;
    bool improved = stopping.best.update(history, epoch);
    if (improved && keeps_own_weights(stopping)) actions.save.push_back("restored.safetensors");
    if (improved && stopping.beats_baseline()) {
      stopping.wait = 0;
    } else if (!improved && stopping.wait >= stopping.patience && epoch > 0) {
      actions.stop = format("early stopping: %s has not improved on %s of epoch %lld", stopping.best.monitor.c_str(),
                            short_number(stopping.best.value.value_or(NAN)).c_str(),
                            static_cast<long long>(stopping.best.epoch + 1));
    }
  }
  for (ReduceOnPlateau &reduce : reduce_) {
    if (reduce.cooling > 0) {
      --reduce.cooling;
      reduce.wait = 0;
    }
    if (reduce.best.update(history, epoch)) {
      reduce.wait = 0;
    } else if (reduce.cooling == 0 && ++reduce.wait >= reduce.patience) {
      double factor = std::max(reduce.factor, reduce.min_scale / scale);
      if (int rate = history.column("learning_rate"); rate >= 0)
        factor = std::max(factor, reduce.min_lr / history.epochs.back()[static_cast<size_t>(rate)]);
      if (factor < 1) actions.learning_rate_factor *= factor;
      reduce.cooling = reduce.cooldown;
      reduce.wait = 0;
    }
  }
  if (time_limit_ && elapsed >= *time_limit_ && actions.stop.empty()) actions.stop = "the time limit is reached";
  return actions;
}

std::string Callbacks::result_file() const {
  for (const EarlyStopping &stopping : early_stopping_) {
    if (keeps_own_weights(stopping)) return "restored.safetensors";
  }
  return "best.safetensors";
}

int64_t Callbacks::result_epoch() const {
  for (const EarlyStopping &stopping : early_stopping_) {
    if (keeps_own_weights(stopping)) return stopping.best.epoch;
  }
  return best_.epoch;
}

json Callbacks::state() const {
  json stopping = json::array(), reduce = json::array();
  for (const EarlyStopping &one : early_stopping_)
    stopping.push_back({{"best", best_state(one.best)}, {"wait", one.wait}});
  for (const ReduceOnPlateau &one : reduce_) {
    reduce.push_back({{"best", best_state(one.best)}, {"wait", one.wait}, {"cooling", one.cooling}});
  }
  return {{"best", best_state(best_)}, {"early_stopping", stopping}, {"reduce", reduce}};
}

bool Callbacks::restore(const json &state) try {
  if (state.at("early_stopping").size() != early_stopping_.size() || state.at("reduce").size() != reduce_.size())
    return false;
  restore_best(best_, state.at("best"));
  for (size_t i = 0; i < early_stopping_.size(); ++i) {
    const json &one = state.at("early_stopping").at(i);
    restore_best(early_stopping_[i].best, one.at("best"));
    early_stopping_[i].wait = one.at("wait");
  }
  for (size_t i = 0; i < reduce_.size(); ++i) {
    const json &one = state.at("reduce").at(i);
    restore_best(reduce_[i].best, one.at("best"));
    reduce_[i].wait = one.at("wait");
    reduce_[i].cooling = one.at("cooling");
  }
  return true;
} catch (const json::exception &) {
  return false;
}

}  // namespace netc::runtime
