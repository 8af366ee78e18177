// Contractions: codegen/contraction emits the tiles, this emits what follows them, the rest of the fused op, on each
// vector of results.
#include <algorithm>
#include <memory>

#include "codegen/lowering.h"
#include "codegen/program_builder.h"

namespace netc {

namespace {

class ContractionKernel final : public KernelEmitter {
 public:
  // `grows`: the scratch memory is part of the workspace that grows with the batch. `apart`: where the other piece is
  // behind the start of the fixed scratch memory, in bytes.
  ContractionKernel(const OpTask &task, const IterationSpace &space, bool grows, int64_t apart, Kernel &kernel)
      : task_(task), space_(space), grows_(grows), apart_(apart), kernel_(kernel), contraction_(task.body.ops[0]) {
    for (const Storage &storage : task.operands) operands_.push_back(kernel.operand(storage));
    for (ValueId operand : contraction_.operands) {
      size_t number =
          static_cast<size_t>(std::ranges::find(task.body.arguments, operand) - task.body.arguments.begin());
      contracted_.push_back(kernel.address(kernel.program.in_memory(task.operands[number])));
    }
    for (const Storage &storage : task.results) results_.push_back(kernel.address(storage));
    // What is the same for every element is computed once.
    evaluator_.emplace(task.body, space, operands_);
    LaneBuilder scalar(kernel, 1);
    evaluator_->hoist(scalar, std::vector<LaneIndex>(space.axes.size()), std::vector<bool>(space.axes.size(), false));
  }

  llvm::IRBuilder<> &ir() override { return kernel_.ir; }
  const Target &target() const override { return kernel_.target; }
  llvm::Value *context() override { return kernel_.context; }
  llvm::Value *chunk() override { return kernel_.chunk; }
  llvm::Value *batch() override { return kernel_.batch; }
  const Address &operand(size_t operand) override { return contracted_[operand]; }
  std::vector<Address> finished() override {
    std::vector<Address> all = results_;
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
    return grows_ ? kernel_.batch_space(task_.scratch_batch_at) : kernel_.fixed_space(task_.scratch_fixed_at);
  }
  llvm::Value *scratch_apart() override { return kernel_.fixed_space(task_.scratch_fixed_at + apart_); }
  void loop(llvm::Value *begin, llvm::Value *end, int64_t step,
            const std::function<void(llvm::Value *)> &body) override {
    kernel_.loop(begin, end, step, body);
  }

  void finish(std::span<const IndexValue> index, llvm::Value *value, llvm::Value *mask) override {
    auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(value->getType());
    LaneBuilder builder(kernel_, vector == nullptr ? 1 : vector->getNumElements(), mask);
    std::vector<LaneIndex> point;
    for (const IndexValue &i : index) point.push_back({i.variable, i.constant, 0, nullptr});
    if (vector != nullptr) point.back().lane_step = 1;
    BodyEvaluator evaluator = for_channels(builder, point);
    evaluator.set(contraction_.results[0], value);
    kernel_.set_location(task_.op->location);
    std::vector<Index> place;
    for (const LaneIndex &i : point) place.push_back(builder.make(i));
    std::vector<llvm::Value *> values;
    for (ValueId result : task_.body.results) values.push_back(evaluator.at(builder, result, point));
    for (size_t n = 0; n < results_.size(); ++n)
      builder.store_element(results_[n].base, results_[n].dtype, builder.offset_of(space_.results[n].strides, place),
                            builder.make(values[n], results_[n].dtype));
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
    std::vector<bool> bound(space_.axes.size(), false);
    bound.back() = true;
    evaluator.hoist(builder, point, bound);
    if (kernel_.ir.GetInsertBlock() == block) by_channel_.emplace_back(key, evaluator);
    return evaluator;
  }

  using ChannelKey = std::tuple<llvm::Value *, int64_t, unsigned, llvm::Value *>;
  const OpTask &task_;
  const IterationSpace &space_;
  const bool grows_;
  const int64_t apart_;
  Kernel &kernel_;
  const Op &contraction_;
  std::vector<Operand> operands_;
  std::vector<Address> contracted_, results_;
  std::optional<BodyEvaluator> evaluator_;
  llvm::BasicBlock *channels_block_ = nullptr;
  std::vector<std::pair<ChannelKey, BodyEvaluator>> by_channel_;
};

}  // namespace

Lowering lower_contraction(const OpTask &task) {
  const Op &contraction = task.body.ops[0];
  std::vector<ValueLayout> operands, results, contracted;
  for (const Storage &storage : task.operands) operands.push_back(storage.layout);
  for (const Storage &storage : task.results) results.push_back(storage.layout);
  for (ValueId operand : contraction.operands)
    contracted.push_back(
        operands[static_cast<size_t>(std::ranges::find(task.body.arguments, operand) - task.body.arguments.begin())]);
  ValueLayout result{task.body.type(contraction.results[0]), {}};
  for (size_t n = 0; n < results.size(); ++n)
    if (task.body.results[n] == contraction.results[0]) result.halo = results[n].halo;
  auto space = std::make_shared<IterationSpace>(make_space(task.body, operands, results, {}, false, false));
  ContractionLowering plan = plan_contraction(contraction, contracted, result, *task.target);
  // Scratch memory is one piece: a fixed part beside one that grows has to grow with it.
  bool grows = plan.scratch_batch > 0;
  int64_t apart = grows ? 0 : plan.scratch_fixed;
  Lowering lowering{{}, apart + plan.scratch_apart, grows ? plan.scratch_batch + plan.scratch_fixed : 0};
  for (KernelStage &stage : plan.stages)
    lowering.stages.push_back({stage.suffix, stage.units, stage.units_per_chunk, stage.fixed_nanoseconds,
                               stage.batch_nanoseconds,
                               [&task, space, grows, apart, emit = std::move(stage.emit)](Kernel &kernel) {
                                 ContractionKernel emitter(task, *space, grows, apart, kernel);
                                 emit(emitter);
                               }});
  return lowering;
}

}  // namespace netc
