// Contractions: codegen/contraction emits the tiles, this emits what follows them, the rest of the fused op, on each
// vector of results.
#include <algorithm>
#include <memory>

#include "codegen/contraction_sums.h"
#include "codegen/lowering.h"
#include "codegen/program_builder.h"

namespace netc {

namespace {

// Everything about a fused contraction that is decided before emission.
struct ContractionTask {
  const OpTask &op;
  IterationSpace space;
  // Behind the partial results of the sums: the scratch memory of the contraction itself. `grows`: it is part of the
  // workspace that grows with the batch. `apart`: where the other piece is behind the start of the fixed one, in bytes.
  bool grows = false;
  int64_t apart = 0;
  std::optional<PreparedSpace> prepared;  // instead of the memory apart
  std::optional<ReducePlan> sums;
  int64_t sums_fixed = 0, sums_batch = 0;  // bytes of partial results
};

class ContractionKernel final : public KernelEmitter {
 public:
  // `finishes`: this stage calls `finish`.
  ContractionKernel(const ContractionTask &plan, bool finishes, int64_t apart_at, int64_t units_per_chunk_of_one,
                    Kernel &kernel)
      : plan_(plan),
        task_(plan.op),
        kernel_(kernel),
        contraction_(task_.body.ops[0]),
        apart_at_(apart_at),
        units_per_chunk_of_one_(units_per_chunk_of_one) {
    const OpTask &task = task_;
    for (const Storage &storage : task.operands) operands_.push_back(kernel.operand(storage));
    for (ValueId operand : contraction_.operands) {
      size_t number =
          static_cast<size_t>(std::ranges::find(task.body.arguments, operand) - task.body.arguments.begin());
      contracted_.push_back(kernel.address(kernel.program.in_memory(task.operands[number])));
    }
    for (const Storage &storage : task.results) results_.push_back(kernel.address(storage));
    if (plan.sums)
      stored_ = plan.sums->streamed;
    else
      for (size_t n = 0; n < results_.size(); ++n) stored_.push_back(n);
    // What is the same for every element is computed once.
    size_t axes = plan.space.axes.size();
    evaluator_.emplace(task.body, plan.space, operands_);
    LaneBuilder scalar(kernel, 1);
    evaluator_->hoist(scalar, std::vector<LaneIndex>(axes), std::vector<bool>(axes, false));
    if (!plan.sums || !finishes) return;
    sums_.emplace(
        *plan.sums, kernel,
        plan.sums->units.batch ? kernel.batch_space(task.scratch_batch_at) : kernel.fixed_space(task.scratch_fixed_at));
    sums_->clear();
  }

  llvm::IRBuilder<> &ir() override { return kernel_.ir; }
  const Target &target() const override { return kernel_.target; }
  llvm::Value *context() override { return kernel_.context; }
  llvm::Value *chunk() override { return kernel_.chunk; }
  llvm::Value *batch() override { return kernel_.batch; }
  const Address &operand(size_t operand) override { return contracted_[operand]; }
  std::vector<Address> finished() override {
    std::vector<Address> all;
    for (size_t n : stored_) all.push_back(results_[n]);
    for (size_t n = 0; n < task_.operands.size(); ++n) {
      bool contracted =
          std::ranges::find(contraction_.operands, task_.body.arguments[n]) != contraction_.operands.end();
      const Shape &shape = task_.operands[n].layout.type.shape;
      if (!contracted && operands_[n].number == nullptr && shape == task_.body.type(contraction_.results[0]).shape)
        all.push_back(operands_[n].address);
    }
    return all;
  }
  llvm::Value *scratch() override {
    return plan_.grows ? kernel_.batch_space(task_.scratch_batch_at + plan_.sums_batch)
                       : kernel_.fixed_space(task_.scratch_fixed_at + plan_.sums_fixed);
  }
  int64_t units_per_chunk_of_one() const override { return units_per_chunk_of_one_; }
  llvm::Value *scratch_apart() override {
    if (plan_.prepared) return kernel_.weight_space(plan_.prepared->offset + apart_at_);
    return kernel_.fixed_space(task_.scratch_fixed_at + plan_.sums_fixed + plan_.apart + apart_at_);
  }
  void loop(llvm::Value *begin, llvm::Value *end, int64_t step,
            const std::function<void(llvm::Value *)> &body) override {
    kernel_.loop(begin, end, step, body);
  }

  void finish(std::span<const IndexValue> index, llvm::Value *value, llvm::Value *mask, size_t lane_axis) override {
    auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(value->getType());
    LaneBuilder builder(kernel_, vector == nullptr ? 1 : vector->getNumElements(), mask);
    std::vector<LaneIndex> point;
    for (const IndexValue &i : index) point.push_back({i.variable, i.constant, 0, nullptr});
    if (vector != nullptr) point[std::min(lane_axis, point.size() - 1)].lane_step = 1;
    BodyEvaluator evaluator = for_channels(builder, point);
    evaluator.set(contraction_.results[0], value);
    kernel_.set_location(task_.op->location);
    std::vector<Index> place;
    for (const LaneIndex &i : point) place.push_back(builder.make(i));
    std::vector<llvm::Value *> values;
    for (size_t n : stored_) values.push_back(evaluator.at(builder, task_.body.results[n], point));
    if (sums_) sums_->add(builder, evaluator, point);
    for (size_t i = 0; i < stored_.size(); ++i) {
      size_t n = stored_[i];
      builder.store_element(results_[n].base, results_[n].dtype,
                            builder.offset_of(plan_.space.results[n].strides, place),
                            builder.make(values[i], results_[n].dtype));
    }
  }
  void settle() override {
    if (sums_) sums_->settle();
  }

 private:
  // The evaluator with everything that depends on the last axis alone (a bias) evaluated; the rows of a tile share it.
  BodyEvaluator for_channels(LaneBuilder &builder, const std::vector<LaneIndex> &point) {
    llvm::BasicBlock *block = kernel_.ir.GetInsertBlock();
    if (block != channels_block_) by_channel_.clear();
    channels_block_ = block;
    auto key = std::tuple(point.back().base, point.back().constant, builder.lanes, builder.mask);
    for (auto &[known, evaluator] : by_channel_)
      if (known == key) return evaluator;
    BodyEvaluator evaluator = *evaluator_;
    std::vector<bool> bound(plan_.space.axes.size(), false);
    bound.back() = true;
    evaluator.hoist(builder, point, bound);
    if (kernel_.ir.GetInsertBlock() == block) by_channel_.emplace_back(key, evaluator);
    return evaluator;
  }

  using ChannelKey = std::tuple<llvm::Value *, int64_t, unsigned, llvm::Value *>;
  const ContractionTask &plan_;
  const OpTask &task_;
  Kernel &kernel_;
  const Op &contraction_;
  const int64_t apart_at_, units_per_chunk_of_one_;
  std::vector<Operand> operands_;
  std::vector<Address> contracted_, results_;
  std::vector<size_t> stored_;  // results that are not sums
  std::optional<ContractionSums> sums_;
  std::optional<BodyEvaluator> evaluator_;
  llvm::BasicBlock *channels_block_ = nullptr;
  std::vector<std::pair<ChannelKey, BodyEvaluator>> by_channel_;
};

const Op *find_reduction(const Function &body) {
  auto found = std::ranges::find(body.ops, OpClass::reduction, [](const Op &op) { return op.def->op_class; });
  return found == body.ops.end() ? nullptr : &*found;
}

IterationSpace contraction_space(const Function &body, std::span<const ValueLayout> operands,
                                 std::span<const ValueLayout> results) {
  const Op *reduction = find_reduction(body);
  if (reduction == nullptr) return make_space(body, operands, results, {}, false, false);
  return make_space(body, operands, results, reduction->get<std::vector<int64_t>>("axes"),
                    reduction->get<bool>("keep_dims"), false);
}

// Partial sums are laid out for one way of computing: that of large batches.
void use_for_all_batches(ContractionLowering &lowering) {
  std::erase_if(lowering.stages, [](const KernelStage &stage) { return stage.most_batch != kAnyBatch; });
  for (KernelStage &stage : lowering.stages) stage.least_batch = 1, stage.units_per_chunk_of_one = 0;
}

// Each chunk of the stage that finishes results has partial sums of its own.
void plan_sums(ContractionTask &plan, const KernelStage &finishing) {
  plan.sums = make_reduce_plan(plan.op);
  plan.sums->units = finishing.units;
  plan.sums->units_per_chunk = finishing.units_per_chunk;
  (finishing.units.batch ? plan.sums_batch : plan.sums_fixed) = partial_bytes(*plan.sums);
}

}  // namespace

Lowering lower_contraction(const OpTask &task) {
  const Op &contraction = task.body.ops[0];
  std::vector<ValueLayout> operands, results, contracted;
  for (const Storage &storage : task.operands) operands.push_back(storage.layout);
  for (const Storage &storage : task.results) results.push_back(storage.layout);
  auto storage_of = [&](ValueId operand) -> const Storage & {
    return task
        .operands[static_cast<size_t>(std::ranges::find(task.body.arguments, operand) - task.body.arguments.begin())];
  };
  for (ValueId operand : contraction.operands) contracted.push_back(storage_of(operand).layout);
  ValueLayout result{task.body.type(contraction.results[0]), {}};
  for (size_t n = 0; n < results.size(); ++n)
    if (task.body.results[n] == contraction.results[0]) result.halo = results[n].halo;
  const Storage &kernel = storage_of(contraction.operands[1]);
  bool constant_kernel = task.constant_weights && kernel.placement.space == Space::weights;
  ContractionLowering lowered = plan_contraction(contraction, contracted, result, *task.target, constant_kernel);

  if (find_reduction(task.body) != nullptr) use_for_all_batches(lowered);

  auto plan = std::make_shared<ContractionTask>(ContractionTask{task, {}});
  plan->space = contraction_space(task.body, operands, results);
  // Scratch memory is one piece: a fixed part beside one that grows has to grow with it.
  plan->grows = lowered.scratch_batch > 0;
  plan->apart = plan->grows ? 0 : lowered.scratch_fixed;
  if (!lowered.prepared_as.empty()) {
    plan->prepared = task.program->prepared_space(kernel, lowered.prepared_as, lowered.scratch_apart);
    lowered.scratch_apart = 0;
    if (!plan->prepared->added) std::erase_if(lowered.stages, [](const KernelStage &stage) { return stage.prepares; });
  }
  if (find_reduction(task.body) != nullptr) plan_sums(*plan, lowered.stages.back());
  Lowering lowering{{},
                    plan->sums_fixed + plan->apart + lowered.scratch_apart,
                    plan->sums_batch + (plan->grows ? lowered.scratch_batch + lowered.scratch_fixed : 0)};
  for (KernelStage &stage : lowered.stages) {
    bool finishes = &stage == &lowered.stages.back();
    lowering.stages.push_back(
        {stage.suffix, stage.units, stage.units_per_chunk, stage.fixed_nanoseconds, stage.batch_nanoseconds,
         [plan, finishes, apart_at = stage.apart_at, of_one = stage.units_per_chunk_of_one,
          emit = std::move(stage.emit)](Kernel &kernel) {
           ContractionKernel emitter(*plan, finishes, apart_at, of_one, kernel);
           emit(emitter);
         },
         stage.least_batch, stage.most_batch, plan->prepared && stage.prepares, stage.units_per_chunk_of_one});
  }
  if (plan->sums) lowering.stages.push_back(combination_stage(std::shared_ptr<const ReducePlan>(plan, &*plan->sums)));
  return lowering;
}

}  // namespace netc
