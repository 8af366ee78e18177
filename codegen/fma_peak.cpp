#include "codegen/fma_peak.h"

namespace netc {
namespace {

// Enough independent chains for two units with a latency of up to six cycles.
constexpr unsigned kChains = 12;
constexpr unsigned kUnroll = 4;

}  // namespace

double fma_peak_flops(const Target &target) { return 2.0 * kChains * kUnroll * target.lanes(DType::f32); }

llvm::Function *emit_fma_peak(ProgramBuilder &program) {
  Kernel kernel(program, program.target(), "fma_peak", Location{});
  llvm::IRBuilder<> &ir = kernel.ir;
  unsigned lanes = program.target().lanes(DType::f32);
  auto *vector = llvm::FixedVectorType::get(ir.getFloatTy(), lanes);
  // Numbers the optimizer cannot see through: they come from the context.
  llvm::Value *scale = ir.CreateVectorSplat(lanes, ir.CreateUIToFP(kernel.batch, ir.getFloatTy()));
  Kernel::Values chains;
  for (unsigned i = 0; i < kChains; ++i) chains.push_back(llvm::ConstantFP::get(vector, i));
  chains = kernel.loop(kernel.i64(0), kernel.chunk, 1, chains, [&](llvm::Value *, const Kernel::Values &carried) {
    Kernel::Values next = carried;
    for (unsigned round = 0; round < kUnroll; ++round)
      for (llvm::Value *&chain : next)
        chain = program.target().has_fma ? ir.CreateIntrinsic(llvm::Intrinsic::fma, {vector}, {chain, scale, scale})
                                         : ir.CreateFAdd(ir.CreateFMul(chain, scale), scale);
    return next;
  });
  // The sum goes to memory only if it is a number it never is, so that nothing is computed in vain.
  llvm::Value *sum = chains[0];
  for (unsigned i = 1; i < kChains; ++i) sum = ir.CreateFAdd(sum, chains[i]);
  llvm::Value *first = ir.CreateExtractElement(sum, uint64_t{0});
  kernel.branch(
      ir.CreateFCmpOEQ(first, llvm::ConstantFP::get(ir.getFloatTy(), -1.0)),
      [&] {
        ir.CreateStore(first, kernel.workspace());
        return Kernel::Values{};
      },
      [] { return Kernel::Values{}; });
  return kernel.finish();
}

}  // namespace netc
