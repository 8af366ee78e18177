#include "runtime/train/reading.h"

#include <algorithm>
#include <cmath>

#include "runtime/cli/text.h"

namespace netc::runtime {
namespace {

// A rise or fall of a loss is measured by its "height": its best value, or this share of what it fell when that is
// more.
constexpr double kShareOfFall = 0.1;

constexpr size_t kTail = 3;                  // epochs at the end that are averaged
constexpr size_t kEpochsAfterBest = 3;       // without them nothing is said about overfitting
constexpr double kOverfitRise = 0.05;        // heights val_loss has risen: overfitting
constexpr double kStrongOverfitRise = 0.5;   //   ... and a problem
constexpr double kGapOfLoss = 2;             // val_loss over loss
constexpr double kGapOfMetric = 0.05;        // a metric of training over that of validation
constexpr int64_t kStepsOfStatistics = 300;  // a momentum of 0.99 has then forgotten 95 % of where it began
constexpr double kStalledFall = 0.02;        // of the first loss
constexpr double kGuess = 0.1;               // around the loss of a guess
constexpr double kDivergingRise = 1;         // heights
constexpr double kUnderfitOfGuess = 0.5;     // of the loss of a guess
constexpr double kUnderfitR2 = 0.5;
constexpr double kStillFalling = 0.05;   // heights, over the last fifth of the epochs
constexpr double kJumps = 0.5;           // the sum of all rises over the whole fall
constexpr double kStraight = 0.5;        // the fall of the last third over that of the first
constexpr double kFarToGo = 0.3;         // of the first loss is left
constexpr double kNothingGained = 0.01;  // heights
constexpr double kOneAnswer = 0.95;      // of all samples
constexpr double kRightfulAnswer = 0.8;  // of all samples: then one answer is no wonder
constexpr double kFrequent = 1.5;        // a class that has more than this times its fair share of the samples

// Text of a number of epochs for printf's %lld.
long long whole(size_t count) { return static_cast<long long>(count); }

// A column of the history up to the first value that is no number, and what the rules want to know of it.
struct Curve {
  std::vector<double> values;
  double first = 0, last = 0, best = 0;
  double fall = 0;    // from the first to the best
  double height = 0;  // what counts as much or little
  double tail = 0;    // the mean of the last values
  size_t best_at = 0;

  Curve(const History &history, int column) {
    for (size_t i = 0; i < history.epochs.size() && column >= 0; ++i) {
      double value = history.epochs[i][static_cast<size_t>(column)];
      if (!std::isfinite(value)) break;
      values.push_back(value);
    }
    if (values.empty()) return;
    first = values.front();
    last = values.back();
    for (size_t i = 1; i < values.size(); ++i) {
      if (values[i] < values[best_at]) best_at = i;
    }
    best = values[best_at];
    fall = first - best;
    height = std::max({std::fabs(best), kShareOfFall * fall, 1e-12});
    size_t count = std::min(values.size(), kTail);
    for (size_t i = 0; i < count; ++i) tail += values[values.size() - 1 - i] / static_cast<double>(count);
  }
  size_t size() const { return values.size(); }
};

class Reader {
 public:
  explicit Reader(const Evidence &evidence)
      : evidence_(evidence), facts_(evidence.facts), training_(column("loss")), validation_(column("val_loss")) {
    guess_ = facts_.guess_is_known ? std::log(static_cast<double>(facts_.classes)) : 0;
    penalty_ = column("penalty").tail;
  }

  Findings read() {
    read_layers(evidence_, findings_);
    one_answer();
    if (!diverging() && training_.size() > 0) curves();
    return std::move(findings_);
  }

 private:
  Curve column(const char *name) const { return {evidence_.history, evidence_.history.column(name)}; }
  const Curve &watched() const { return validation_.size() > 0 ? validation_ : training_; }
  const char *watched_name() const { return validation_.size() > 0 ? "val_loss" : "loss"; }

  void curves() {
    if (training_.size() < 3) {
      if (!evidence_.over) return;
      findings_.add("short", Level::note, 0, "%lld epochs tell too little to read the curves.",
                    whole(training_.size()));
      return;
    }
    if (stalled()) return;
    bool jumps = rate_too_high();
    bool split = statistics_lag() || overfitting() || gap();
    bool falling = !jumps && (rate_too_low() || still_falling());
    if (!split && !falling) {
      if (!jumps) underfitting();
      nothing_gained();
    }
    if (!findings_.trouble()) all_well();
  }

  bool diverging() {
    size_t epoch = training_.size();
    const char *pattern = "The training diverged in epoch %lld: %s.";
    if (evidence_.diverged.empty() && epoch < evidence_.history.epochs.size()) {
      pattern = "The loss is no number from epoch %lld on.";
    } else if (evidence_.diverged.empty()) {
      if (epoch < 3 || training_.last - training_.best <= kDivergingRise * training_.height) return false;
      pattern = "The training loss diverges from epoch %lld on.";
      epoch = training_.best_at + 1;
    }
    std::string text = format(pattern, whole(epoch + 1), evidence_.diverged.c_str());
    Finding &finding = findings_.add("diverging", Level::problem, whole(epoch + 1), "%s", text.c_str());
    advise_rate(evidence_, 0.1, finding);
    if (!facts_.clips) finding.advise("bound the gradients, in the optimizer", "global_clipnorm = 1.0");
    finding.advise("begin with small steps", "learning_rate = warmup(..., 500 steps)");
    normalise(finding);
    return true;
  }

  bool stalled() {
    if (training_.fall > kStalledFall * std::fabs(training_.first)) return false;
    // It may have learnt all there is in its first epoch.
    Curve r2 = column("r2");
    if (guess_ > 0 ? training_.best < kUnderfitOfGuess * guess_ : r2.size() > 0 && r2.tail > kUnderfitR2) return false;
    bool guesses = guess_ > 0 && std::fabs(training_.best - guess_) < kGuess * guess_;
    Finding &finding = findings_.add(
        "stalled", Level::problem, 1, "The training is stalled: the loss has hardly moved from %.4g in %lld epochs%s",
        training_.first, whole(training_.size()), guesses ? ", and that is what guessing costs." : ".");
    if (evidence_.suggested_rate > 0)
      advise_rate(evidence_, 1, finding);
    else
      finding.advise("find a learning rate that moves it", "find-lr");
    normalise(finding);
    finding.advise("begin with weights of the right size for relu", "kernel_initializer = he_normal");
    if (!facts_.batch_norm) finding.advise("keep the signal alive between layers", "-> batch_norm");
    finding.advise("see whether it can learn a few samples by heart", "overfit");
    return true;
  }

  // Batch norm at inference uses averages of the statistics of all steps so far; with few steps they still hold where
  // they began.
  bool statistics_lag() {
    auto steps = whole(training_.size()) * facts_.steps_per_epoch;
    if (!facts_.batch_norm || steps >= kStepsOfStatistics || !behind()) return false;
    Finding &finding = findings_.add("statistics", Level::warning, 0,
                                     "val_loss (%.4g) is far above loss (%.4g) because batch_norm has not settled: its "
                                     "moving averages take about %lld steps, and there were %lld.",
                                     validation_.tail, training_.tail, static_cast<long long>(kStepsOfStatistics),
                                     static_cast<long long>(steps));
    finding.advise("let the averages move faster", "batch_norm(momentum = 0.9)");
    advise_epochs(finding);
    return true;
  }

  bool overfitting() {
    size_t best = validation_.best_at;
    if (validation_.size() < training_.size() || validation_.size() < best + 1 + kEpochsAfterBest) return false;
    double rise = (validation_.tail - validation_.best) / validation_.height;
    if (rise < kOverfitRise || training_.tail >= training_.values[best]) return false;
    bool stopped = facts_.early_stopping && evidence_.stopped_early;
    Level level = stopped ? Level::note : rise > kStrongOverfitRise ? Level::problem : Level::warning;
    Finding &finding = findings_.add(
        "overfitting", level, whole(best + 2),
        "Overfitting from epoch %lld: val_loss rose from %.4g to %.4g while loss fell from %.4g to %.4g.%s",
        whole(best + 2), validation_.best, validation_.tail, training_.values[best], training_.tail,
        stopped ? " early_stopping ended it." : "");
    regularise(finding);
    return true;
  }

  bool gap() {
    if (!behind() || validation_.tail - training_.tail < kShareOfFall * training_.fall) return false;
    regularise(findings_.add("gap", Level::note, 0,
                             "The network fits the training data better than it generalises: loss %.4g, val_loss %.4g.",
                             training_.tail, validation_.tail));
    return true;
  }

  // Whether validation is far behind training, and the metrics, where they tell, agree.
  bool behind() const {
    if (validation_.size() == 0 || validation_.tail < kGapOfLoss * training_.tail) return false;
    bool told = false;
    for (const std::string &name : facts_.higher_is_better) {
      Curve training = column(name.c_str()), validation = column(("val_" + name).c_str());
      if (training.size() == 0 || validation.size() == 0) continue;
      if (training.tail - validation.tail >= kGapOfMetric) return true;
      told = true;
    }
    return !told;
  }

  bool rate_too_high() {
    if (training_.size() < 6) return false;
    double rises = 0;
    for (size_t i = 1; i < training_.size(); ++i) rises += std::max(0.0, training_.values[i] - training_.values[i - 1]);
    if (rises < kJumps * training_.fall) return false;
    Finding &finding = findings_.add("rate too high", Level::warning, 0,
                                     "The training loss jumps up and down: its rises add up to %.0f %% of what it "
                                     "fell. The learning rate is too high.",
                                     100 * rises / training_.fall);
    advise_rate(evidence_, 0.3, finding);
    finding.advise("let it fall towards the end", "learning_rate = cosine(...)");
    finding.advise("average over more samples",
                   format("batch_size = %lld", static_cast<long long>(2 * facts_.batch_size)).c_str());
    return true;
  }

  bool rate_too_low() {
    const auto &values = training_.values;
    if (values.size() < 5 || training_.first <= 0 || training_.last < kFarToGo * training_.first ||
        !std::is_sorted(values.rbegin(), values.rend()))
      return false;
    size_t third = values.size() / 3, last = values.size() - 1;
    if (values[last - third] - training_.last < kStraight * (training_.first - values[third])) return false;
    Finding &finding = findings_.add("rate too low", Level::warning, 0,
                                     "The loss falls evenly and slowly, from %.4g to %.4g in %lld epochs, at the end "
                                     "as at the beginning. The learning rate is too low.",
                                     training_.first, training_.last, whole(training_.size()));
    advise_rate(evidence_, 3, finding);
    finding.advise("find a good one", "find-lr");
    return true;
  }

  bool still_falling() {
    const Curve &curve = watched();
    if (!evidence_.over || evidence_.stopped_early || curve.size() < 5) return false;
    size_t fifth = std::max<size_t>(2, curve.size() / 5), last = curve.size() - 1;
    double before = curve.values[last - fifth];
    if (curve.best_at + 1 < last || before - curve.best < kStillFalling * curve.height) return false;
    advise_epochs(findings_.add("still falling", Level::note, 0,
                                "%s was still falling at the end: from %.4g to %.4g over the last %lld epochs.",
                                watched_name(), before, curve.best, whole(fifth)));
    return true;
  }

  void underfitting() {
    Curve r2 = column("r2");
    double of_guess = guess_ > 0 ? (training_.tail - penalty_) / guess_ : 0;
    if (of_guess <= kUnderfitOfGuess && (r2.size() == 0 || r2.tail >= kUnderfitR2)) return;
    Finding &finding =
        of_guess > kUnderfitOfGuess
            ? findings_.add("underfitting", Level::warning, 0,
                            "Underfitting: the training loss stays at %.4g, %.0f %% of what guessing costs.",
                            training_.tail, 100 * of_guess)
            : findings_.add("underfitting", Level::warning, 0, "Underfitting: r2 stays at %.2f on the training data.",
                            r2.tail);
    finding.advise("give the network more units or another layer", "-> dense(128) -> relu");
    advise_epochs(finding);
    if (facts_.dropout || penalty_ != 0) finding.advise("regularise less: lower the rate of dropout, the factor of l2");
    normalise(finding);
    finding.advise("find a better learning rate", "find-lr");
  }

  void nothing_gained() {
    const Curve &curve = watched();
    size_t settled = 0;
    while (curve.values[settled] - curve.best > kNothingGained * curve.height) ++settled;
    if (curve.size() - 1 - settled < std::max<size_t>(5, curve.size() / 3)) return;
    Finding &finding =
        findings_.add("plateau", Level::note, whole(settled + 1), "%s has gained nothing since epoch %lld (%.4g).",
                      watched_name(), whole(settled + 1), curve.best);
    if (!facts_.reduces_rate)
      finding.advise("a smaller learning rate may gain a little more", "reduce_lr_on_plateau(patience = 3)");
    if (!facts_.early_stopping) finding.advise("end it by itself", "early_stopping(patience = 5)");
  }

  void one_answer() {
    if (!evidence_.answers) return;
    const Answers &answers = *evidence_.answers;
    if (answers.share_given < kOneAnswer || answers.share_right > kRightfulAnswer) return;
    Finding &finding = findings_.add("one answer", Level::problem, 0,
                                     "The network answers %s for %.0f %% of the samples; %.0f %% are.",
                                     answers.most_given.c_str(), 100 * answers.share_given, 100 * answers.share_right);
    bool frequent = facts_.classes > 0 && answers.share_right * static_cast<double>(facts_.classes) > kFrequent;
    if (frequent) finding.advise("weigh the classes by how rare they are", "class_weight = balanced");
    advise_rate(evidence_, 0.3, finding);
  }

  void all_well() {
    const Curve &curve = watched();
    findings_.add("good", Level::good, whole(curve.best_at + 1),
                  "%s is best in epoch %lld: %.4g, with a loss of %.4g on the training data. No trouble to be seen in "
                  "the curves.",
                  watched_name(), whole(curve.best_at + 1), curve.best, training_.values[curve.best_at]);
  }

  void advise_epochs(Finding &finding) const {
    finding.advise("train longer", format("epochs = %lld", 2 * whole(training_.size())).c_str());
  }

  void normalise(Finding &finding) const {
    if (!facts_.normalises)
      finding.advise("bring the inputs to mean 0 and deviation 1, in the data section", "normalize = standardize");
  }

  void regularise(Finding &finding) const {
    if (facts_.pictures && !facts_.augments)
      finding.advise("vary the pictures, in the data section", "augment = [flip(horizontal), translate(0.1)]");
    if (facts_.dropout)
      finding.advise("raise the rate of dropout");
    else
      finding.advise("let units drop out, before the last layer", "-> dropout(0.3)");
    if (penalty_ == 0) finding.advise("keep weights small, in the largest layers", "kernel_regularizer = l2(1e-4)");
    if (!facts_.early_stopping)
      finding.advise("stop in time, among the callbacks", "early_stopping(patience = 5, restore_best_weights = true)");
  }

  const Evidence &evidence_;
  const Facts &facts_;
  Curve training_, validation_;
  double guess_ = 0;    // its loss; 0: not known
  double penalty_ = 0;  // of the regularisers, at the end
  Findings findings_;
};

}  // namespace

Findings read_training(const Evidence &evidence) { return Reader(evidence).read(); }

}  // namespace netc::runtime
