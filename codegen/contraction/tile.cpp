#include "codegen/contraction/tile.h"

#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/MDBuilder.h>

#include <algorithm>

#include "codegen/bf16.h"

namespace netc::contraction {

namespace {

using llvm::Value;

// Steps that are emitted one after the other, each at an offset in A and B.
struct Step {
  Value *a;
  Value *b;
};

// Short loops become straight code of at most so many steps.
constexpr int64_t kStraightSteps = 12;
constexpr int64_t kCacheLine = 64;

const llvm::ConstantInt *constant(Value *value) { return llvm::dyn_cast<llvm::ConstantInt>(value); }

// An outer loop whose step is a whole turn of the inner one is the same loop: a row of kernel taps times channels.
std::vector<Reduction> merged(llvm::IRBuilder<> &ir, const std::vector<Reduction> &loops) {
  std::vector<Reduction> result;
  for (size_t i = loops.size(); i-- > 0;) {
    const Reduction &loop = loops[i];
    if (constant(loop.count) != nullptr && constant(loop.count)->isOne()) continue;
    if (!result.empty()) {
      Reduction &inner = result.front();
      if (constant(inner.count) != nullptr && constant(loop.count) != nullptr &&
          ir.CreateMul(inner.count, inner.a_step) == loop.a_step &&
          ir.CreateMul(inner.count, inner.b_step) == loop.b_step) {
        inner.count = ir.CreateMul(inner.count, loop.count);
        continue;
      }
    }
    result.insert(result.begin(), loop);
  }
  return result;
}

class Emitter {
 public:
  Emitter(llvm::IRBuilder<> &ir, const Target &target, const Tile &tile, Accumulators initial)
      : ir_(ir), target_(target), tile_(tile), sums_(std::move(initial)) {
    mask_ = tile.tail == 0 ? nullptr : lane_mask(ir, tile.lanes, tile.tail);
    if (sums_.empty())
      sums_.assign(tile.rows.size(),
                   std::vector<Value *>(tile.vectors, llvm::Constant::getNullValue(accumulator_type(tile))));
    for (const Ahead &ahead : tile.ahead) moving_.push_back(ahead.start);
    if (tile.copy_b != nullptr) moving_.push_back(tile.copy_b);
  }

  Accumulators run(Value *a, Value *b) {
    nest(merged(ir_, tile_.reductions), {{ir_.getInt64(0), ir_.getInt64(0)}}, a, b);
    return std::move(sums_);
  }

 private:
  // `loops` around straight code for `steps`: short loops become straight code, the innermost other one is unrolled in
  // part.
  void nest(std::vector<Reduction> loops, std::vector<Step> steps, Value *a, Value *b) {
    while (!loops.empty()) {
      const Reduction inner = loops.back();
      const llvm::ConstantInt *count = constant(inner.count);
      int64_t size = static_cast<int64_t>(steps.size());
      if (target_.small_code || count == nullptr || count->getSExtValue() * size > kStraightSteps) break;
      steps = repeated(steps, inner, 0, count->getSExtValue());
      loops.pop_back();
    }
    nest_loops(loops, 0, steps, a, b);
  }

  std::vector<Step> repeated(const std::vector<Step> &steps, const Reduction &loop, int64_t first, int64_t count) {
    std::vector<Step> result;
    for (int64_t i = first; i < first + count; ++i)
      for (const Step &step : steps)
        result.push_back({ir_.CreateAdd(ir_.CreateMul(loop.a_step, ir_.getInt64(i)), step.a),
                          ir_.CreateAdd(ir_.CreateMul(loop.b_step, ir_.getInt64(i)), step.b)});
    return result;
  }

  void nest_loops(const std::vector<Reduction> &loops, size_t depth, const std::vector<Step> &steps, Value *a,
                  Value *b) {
    if (depth == loops.size()) return straight(steps, a, b);
    const Reduction &loop = loops[depth];
    if (depth + 1 == loops.size()) return innermost(loop, steps, a, b);
    counted(loop.count, loop.a_step, loop.b_step, a, b,
            [&](Value *inner_a, Value *inner_b) { nest_loops(loops, depth + 1, steps, inner_a, inner_b); });
  }

  // The innermost loop: `unroll` iterations in each turn, the rest behind it.
  void innermost(const Reduction &loop, const std::vector<Step> &steps, Value *a, Value *b) {
    const llvm::ConstantInt *count = constant(loop.count);
    int64_t unroll = unrolling(count, static_cast<int64_t>(steps.size()));
    Value *factor = ir_.getInt64(unroll);
    Value *turns = ir_.CreateUDiv(loop.count, factor);
    Value *a_turn = ir_.CreateMul(loop.a_step, factor);
    Value *b_turn = ir_.CreateMul(loop.b_step, factor);
    std::vector<Step> body = repeated(steps, loop, 0, unroll);
    auto [a_end, b_end] = counted(turns, a_turn, b_turn, a, b, [&](Value *x, Value *y) { straight(body, x, y); });
    if (count != nullptr) {
      straight(repeated(steps, loop, 0, count->getSExtValue() % unroll), a_end, b_end);
    } else if (unroll > 1) {
      counted(ir_.CreateURem(loop.count, factor), loop.a_step, loop.b_step, a_end, b_end,
              [&](Value *x, Value *y) { straight(steps, x, y); });
    }
  }

  int64_t unrolling(const llvm::ConstantInt *count, int64_t steps) {
    if (target_.small_code) return 1;
    int64_t most = std::max<int64_t>(1, tile_.unrolled / steps);
    if (count == nullptr) return std::min<int64_t>(most, 4);
    for (int64_t unroll = most; unroll >= std::max<int64_t>(2, most / 2); --unroll)
      if (count->getSExtValue() % unroll == 0) return unroll;
    return std::min<int64_t>(most, 4);
  }

  // A loop that carries the accumulators and both pointers; returns the pointers behind it. A count that is not
  // constant may be zero.
  template <typename Body>
  std::pair<Value *, Value *> counted(Value *count, Value *a_step, Value *b_step, Value *a, Value *b,
                                      const Body &body) {
    if (constant(count) != nullptr && constant(count)->isZero()) return {a, b};
    llvm::LLVMContext &context = ir_.getContext();
    llvm::Function *function = ir_.GetInsertBlock()->getParent();
    llvm::BasicBlock *before = ir_.GetInsertBlock();
    llvm::BasicBlock *block = llvm::BasicBlock::Create(context, "sum", function);
    llvm::BasicBlock *after = llvm::BasicBlock::Create(context, "sum.end", function);
    bool guarded = constant(count) == nullptr;
    Accumulators entering = sums_;
    std::vector<Value *> moving_entering = moving_;
    if (guarded)
      ir_.CreateCondBr(ir_.CreateICmpEQ(count, ir_.getInt64(0)), after, block);
    else
      ir_.CreateBr(block);

    ir_.SetInsertPoint(block);
    llvm::PHINode *turn = ir_.CreatePHI(ir_.getInt64Ty(), 2);
    llvm::PHINode *a_phi = ir_.CreatePHI(a->getType(), 2);
    llvm::PHINode *b_phi = ir_.CreatePHI(b->getType(), 2);
    std::vector<llvm::PHINode *> phis;
    for (auto &row : sums_)
      for (Value *&sum : row) {
        llvm::PHINode *phi = ir_.CreatePHI(sum->getType(), 2);
        phi->addIncoming(sum, before);
        phis.push_back(phi);
        sum = phi;
      }
    std::vector<llvm::PHINode *> moving_phis;
    for (Value *&place : moving_) {
      moving_phis.push_back(ir_.CreatePHI(place->getType(), 2));
      moving_phis.back()->addIncoming(place, before);
      place = moving_phis.back();
    }
    turn->addIncoming(count, before);
    a_phi->addIncoming(a, before);
    b_phi->addIncoming(b, before);
    body(a_phi, b_phi);
    llvm::BasicBlock *latch = ir_.GetInsertBlock();
    Value *left = ir_.CreateSub(turn, ir_.getInt64(1));
    Value *a_next = ir_.CreateGEP(tile_.element, a_phi, a_step);
    Value *b_next = ir_.CreateGEP(tile_.element, b_phi, b_step);
    keep_loop(ir_.CreateCondBr(ir_.CreateICmpNE(left, ir_.getInt64(0)), block, after));
    turn->addIncoming(left, latch);
    a_phi->addIncoming(a_next, latch);
    b_phi->addIncoming(b_next, latch);
    size_t i = 0;
    for (auto &row : sums_)
      for (Value *sum : row) phis[i++]->addIncoming(sum, latch);
    for (size_t n = 0; n < moving_.size(); ++n) moving_phis[n]->addIncoming(moving_[n], latch);

    ir_.SetInsertPoint(after);
    if (!guarded) return {a_next, b_next};
    auto join = [&](Value *skipped, Value *looped) -> Value * {
      llvm::PHINode *phi = ir_.CreatePHI(looped->getType(), 2);
      phi->addIncoming(skipped, before);
      phi->addIncoming(looped, latch);
      return phi;
    };
    for (size_t r = 0; r < sums_.size(); ++r)
      for (size_t v = 0; v < sums_[r].size(); ++v) sums_[r][v] = join(entering[r][v], sums_[r][v]);
    for (size_t n = 0; n < moving_.size(); ++n) moving_[n] = join(moving_entering[n], moving_[n]);
    Value *a_end = join(a, a_next);
    Value *b_end = join(b, b_next);
    return {a_end, b_end};
  }

  // Of vector v, from the first one of its step.
  Value *column_offset(unsigned v) {
    int64_t panel = tile_.panel == 0 ? 0 : v / tile_.panel, vector = tile_.panel == 0 ? v : v % tile_.panel;
    return ir_.getInt64(static_cast<uint64_t>(panel * tile_.panel_step + vector * tile_.lanes));
  }

  Value *load_columns(Value *base, Value *offset, unsigned v) {
    Value *place = ir_.CreateAdd(offset, column_offset(v));
    Value *pointer = ir_.CreateGEP(tile_.element, base, place);
    return load_lanes(ir_, accumulator_type(tile_), pointer, v + 1 == tile_.vectors ? mask_ : nullptr);
  }

  // Returns where it goes on after so many steps.
  Value *look_ahead(const Ahead &ahead, Value *place, int64_t steps) {
    if (ahead.offsets.empty()) prefetch_line(ir_, place, ahead.near);
    for (Value *offset : ahead.offsets) prefetch_line(ir_, ir_.CreateGEP(tile_.element, place, offset), ahead.near);
    if (ahead.step != nullptr)
      return ir_.CreateGEP(tile_.element, place, ir_.CreateMul(ahead.step, ir_.getInt64(static_cast<uint64_t>(steps))));
    if (ahead.turn != nullptr) return ir_.CreateGEP(tile_.element, place, ahead.turn);
    return ir_.CreateGEP(ir_.getInt8Ty(), place, ir_.getInt64(kCacheLine));
  }

  void prefetch(Value *b, const Step &step) {
    for (unsigned v = 0; v < tile_.vectors; ++v) {
      Value *ahead = ir_.CreateAdd(tile_.prefetch_b, column_offset(v));
      prefetch_line(ir_, ir_.CreateGEP(tile_.element, b, ir_.CreateAdd(step.b, ahead)), true);
    }
  }

  Value *products(Value *x, Value *y, Value *sum) {
    return target_.multiplies_pairs ? emit_bf16_pair_products(ir_, x, y, sum) : multiply_add(ir_, target_, x, y, sum);
  }

  // All of B's vectors first, then row by row one broadcast of A and its products.
  void straight(const std::vector<Step> &steps, Value *a, Value *b) {
    for (size_t n = 0; n < tile_.ahead.size() && !steps.empty(); ++n)
      moving_[n] = look_ahead(tile_.ahead[n], moving_[n], static_cast<int64_t>(steps.size()));
    for (const Step &step : steps) {
      if (&step != &steps.front()) keep_order(ir_);
      std::vector<Value *> columns;
      for (unsigned v = 0; v < tile_.vectors; ++v) columns.push_back(load_columns(b, step.b, v));
      if (tile_.prefetch_b != nullptr) prefetch(b, step);
      if (tile_.prefetch_a != nullptr)
        prefetch_line(ir_, ir_.CreateGEP(tile_.element, a, ir_.CreateAdd(step.a, tile_.prefetch_a)), true);
      if (tile_.copy_b != nullptr) copy(columns, &step - steps.data());
      for (size_t r = 0; r < tile_.rows.size(); ++r) {
        Value *row = ir_.CreateAdd(tile_.rows[r], step.a);
        if (tile_.product == Product::none) {
          for (unsigned v = 0; v < tile_.vectors; ++v) sums_[r][v] = ir_.CreateFAdd(sums_[r][v], columns[v]);
          continue;
        }
        if (tile_.product == Product::pointwise) {
          for (unsigned v = 0; v < tile_.vectors; ++v)
            sums_[r][v] = products(load_columns(a, row, v), columns[v], sums_[r][v]);
          continue;
        }
        Value *pointer = ir_.CreateGEP(tile_.element, a, row);
        Value *x =
            ir_.CreateAlignedLoad(tile_.element, pointer, llvm::Align(tile_.element->getPrimitiveSizeInBits() / 8));
        if (tile_.lanes > 1) x = ir_.CreateVectorSplat(tile_.lanes, x);
        for (unsigned v = 0; v < tile_.vectors; ++v) sums_[r][v] = products(x, columns[v], sums_[r][v]);
      }
    }
    if (tile_.copy_b != nullptr) moving_.back() = copy_place(static_cast<int64_t>(steps.size()), 0);
  }

  // Where vector v of the step so many steps on is copied to.
  Value *copy_place(int64_t step, unsigned v) {
    int64_t offset = (step * tile_.vectors + v) * tile_.lanes;
    return ir_.CreateGEP(tile_.element, moving_.back(), ir_.getInt64(static_cast<uint64_t>(offset)));
  }

  void copy(const std::vector<Value *> &columns, int64_t step) {
    for (unsigned v = 0; v < tile_.vectors; ++v)
      ir_.CreateAlignedStore(columns[v], copy_place(step, v),
                             llvm::Align(tile_.lanes * tile_.element->getPrimitiveSizeInBits() / 8));
  }

  llvm::IRBuilder<> &ir_;
  const Target &target_;
  const Tile &tile_;
  Value *mask_;
  std::vector<Value *> moving_;  // the next line of each of tile.ahead, then where B is copied to
  Accumulators sums_;
};

}  // namespace

llvm::Type *accumulator_type(const Tile &tile) {
  if (tile.lanes == 1) return tile.element;
  return llvm::FixedVectorType::get(tile.element, tile.lanes);
}

llvm::Value *lane_mask(llvm::IRBuilder<> &ir, unsigned lanes, unsigned inside) {
  if (inside == 0 || inside == lanes) return nullptr;
  std::vector<llvm::Constant *> bits;
  for (unsigned i = 0; i < lanes; ++i) bits.push_back(ir.getInt1(i < inside));
  return llvm::ConstantVector::get(bits);
}

llvm::Value *load_lanes(llvm::IRBuilder<> &ir, llvm::Type *type, llvm::Value *pointer, llvm::Value *mask) {
  llvm::Align align(type->getScalarSizeInBits() / 8);
  if (mask == nullptr) return ir.CreateAlignedLoad(type, pointer, align);
  return ir.CreateMaskedLoad(type, pointer, align, mask, llvm::Constant::getNullValue(type));
}

void store_lanes(llvm::IRBuilder<> &ir, llvm::Value *value, llvm::Value *pointer, llvm::Value *mask) {
  llvm::Align align(value->getType()->getScalarSizeInBits() / 8);
  if (mask == nullptr)
    ir.CreateAlignedStore(value, pointer, align);
  else
    ir.CreateMaskedStore(value, pointer, align, mask);
}

llvm::Value *multiply_add(llvm::IRBuilder<> &ir, const Target &target, llvm::Value *x, llvm::Value *y, llvm::Value *z) {
  if (target.has_fma) return ir.CreateIntrinsic(llvm::Intrinsic::fma, {x->getType()}, {x, y, z});
  return ir.CreateFAdd(ir.CreateFMul(x, y), z);
}

void prefetch_line(llvm::IRBuilder<> &ir, llvm::Value *pointer, bool near) {
  ir.CreateIntrinsic(llvm::Intrinsic::prefetch, {pointer->getType()},
                     {pointer, ir.getInt32(0), ir.getInt32(near ? 3 : 2), ir.getInt32(1)});
}

void keep_order(llvm::IRBuilder<> &ir) {
  auto *type = llvm::FunctionType::get(ir.getVoidTy(), false);
  ir.CreateCall(llvm::InlineAsm::get(type, "", "", true));
}

Accumulators emit_tile(llvm::IRBuilder<> &ir, const Target &target, const Tile &tile, llvm::Value *a, llvm::Value *b,
                       Accumulators initial) {
  return Emitter(ir, target, tile, std::move(initial)).run(a, b);
}

void keep_loop(llvm::BranchInst *branch) {
  llvm::LLVMContext &context = branch->getContext();
  auto property = [&](const char *name) { return llvm::MDNode::get(context, {llvm::MDString::get(context, name)}); };
  llvm::MDNode *loop = llvm::MDNode::getDistinct(
      context, {nullptr, property("llvm.loop.unroll.disable"), property("llvm.loop.vectorize.disable")});
  loop->replaceOperandWith(0, loop);
  branch->setMetadata(llvm::LLVMContext::MD_loop, loop);
}

}  // namespace netc::contraction
