#include "codegen/contraction/walk_channels.h"

#include <bit>

namespace netc::contraction {

using llvm::Value;

namespace {

// Vectors that the channels of a vector of filters take, at most: they are permuted by one instruction for each pair.
constexpr int64_t kMostVectorsOfChannels = 4;

}  // namespace

Panels walk_panels(const Convolution &convolution, const Target &target) {
  int64_t filters = convolution.groups * convolution.output_channels;
  return make_panels(filters, lanes_for(target, convolution.dtype, filters), 1);
}

bool has_walk_panels(const Convolution &convolution, const Target &target) {
  auto lanes = static_cast<int64_t>(walk_panels(convolution, target).lanes);
  return convolution.groups > 1 && lanes % convolution.output_channels == 0 &&
         convolution.input_channels <= kMostVectorsOfChannels * convolution.output_channels;
}

WalkChannels::WalkChannels(KernelEmitter &emitter, const Convolution &convolution, unsigned lanes)
    : emitter_(emitter),
      element_(element_type(emitter, convolution.dtype)),
      channels_(convolution.input_channels),
      filters_(convolution.output_channels),
      lanes_(lanes) {}

Value *WalkChannels::first(Value *filter) const {
  if (channels_ == filters_) return filter;
  llvm::IRBuilder<> &ir = emitter_.ir();
  Value *group = ir.CreateExactUDiv(filter, ir.getInt64(static_cast<uint64_t>(filters_)));
  return scaled(emitter_, group, channels_);
}

Value *WalkChannels::load(Value *pixel, const Panel &panel, int64_t channel) const {
  llvm::IRBuilder<> &ir = emitter_.ir();
  int64_t groups = lanes_ / filters_;
  if (groups == 1) {
    Value *place = element_at(emitter_, element_, pixel, ir.getInt64(static_cast<uint64_t>(channel)));
    llvm::Align align(element_->getPrimitiveSizeInBits() / 8);
    return ir.CreateVectorSplat(lanes_, ir.CreateAlignedLoad(element_, place, align));
  }
  auto in_vector = static_cast<uint64_t>(groups * channels_);
  Tile all{element_, static_cast<unsigned>(std::bit_ceil(in_vector))};
  auto inside = static_cast<unsigned>(panel.tail == 0 ? in_vector : panel.tail / filters_ * channels_);
  Value *channels = load_lanes(ir, accumulator_type(all), pixel, lane_mask(ir, all.lanes, inside));
  std::vector<int> places;
  bool own = true;
  for (int64_t lane = 0; lane < lanes_; ++lane) {
    places.push_back(static_cast<int>(lane / filters_ * channels_ + channel));
    own = own && places.back() == lane;
  }
  return own ? channels : ir.CreateShuffleVector(channels, places);
}

}  // namespace netc::contraction
