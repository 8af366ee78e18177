// The channels that meet in a walk (walk.h): a vector of filters holds those of several neighbouring groups, and each
// lane multiplies with one channel of its own group at a time. One vector holds all channels of these groups; that one
// channel of each group goes to the lanes of the group is a permutation of it, the same for all filters of the group.
#pragma once

#include "codegen/contraction/common.h"
#include "codegen/contraction/convolution.h"

namespace netc::contraction {

// The filters cut into vectors that begin with a group.
Panels walk_panels(const Convolution &convolution, const Target &target);
// Whether there are such vectors, and the channels of their groups are not too many to permute.
bool has_walk_panels(const Convolution &convolution, const Target &target);
// Whether lanes take their channel from another place than their own.
inline bool permutes_channels(const Convolution &convolution) {
  return convolution.input_channels * convolution.output_channels > 1;
}

class WalkChannels {
 public:
  WalkChannels(KernelEmitter &emitter, const Convolution &convolution, unsigned lanes);

  // The first channel of the group that filter `filter` begins.
  llvm::Value *first(llvm::Value *filter) const;
  // Channel number `channel` of its group, for each lane of a panel whose channels begin at `pixel`.
  llvm::Value *load(llvm::Value *pixel, const Panel &panel, int64_t channel) const;

 private:
  KernelEmitter &emitter_;
  llvm::Type *element_;
  int64_t channels_, filters_;  // of a group
  unsigned lanes_;
};

}  // namespace netc::contraction
