#include "codegen/contraction_sums.h"

#include <algorithm>

namespace netc {

const LaneIndex &ContractionSums::place(LaneBuilder &builder, const LaneIndex &channel, size_t end) {
  return builder.at(partial_place(builder, plan_, kernel_.chunk, end, builder.make(channel)));
}

void ContractionSums::clear() {
  int64_t channels = plan_.kept_elements.size;
  for_lanes(kernel_, plan_.lanes, kernel_.i64(0), kernel_.i64(channels), channels,
            [&](LaneBuilder &builder, LaneIndex channel) {
              for (size_t e = 0; e < plan_.ends.size(); ++e) {
                const ReduceEnd &end = plan_.ends[e];
                llvm::Value *start = builder.spread(builder.identity(end.kind, end.dtype));
                builder.store_element(partial_, end.dtype, place(builder, channel, e), builder.make(start, end.dtype));
              }
            });
}

void ContractionSums::add(LaneBuilder &builder, BodyEvaluator &evaluator, const std::vector<LaneIndex> &point) {
  const LaneIndex &channel = point.back();
  Key key{channel.base, channel.constant, builder.lanes, builder.mask};
  auto known = std::ranges::find(pending_, key, &std::pair<Key, Pending>::first);
  bool first = known == pending_.end();
  if (first) pending_.emplace_back(key, Pending{LaneBuilder(kernel_, builder.lanes, builder.mask), channel, {}});
  std::vector<llvm::Value *> &sums = (first ? pending_.back() : *known).second.sums;
  for (size_t e = 0; e < plan_.ends.size(); ++e) {
    const ReduceEnd &end = plan_.ends[e];
    llvm::Value *value = builder.spread(evaluator.at(builder, end.value, point));
    // Lanes of one channel are added up in the end, those outside of the result as nothing.
    if (channel.lane_step == 0 && builder.mask != nullptr)
      value = kernel_.ir.CreateSelect(builder.mask, value, builder.identity(end.kind, end.dtype));
    if (first)
      sums.push_back(value);
    else
      sums[e] = builder.combine(end.kind, sums[e], value);
  }
}

void ContractionSums::settle() {
  for (auto &[key, pending] : pending_)
    for (size_t e = 0; e < plan_.ends.size(); ++e) {
      const ReduceEnd &end = plan_.ends[e];
      bool one_channel = pending.channel.lane_step == 0;
      LaneBuilder single(kernel_, 1), &builder = one_channel ? single : pending.builder;
      llvm::Value *sum = pending.sums[e];
      if (one_channel) sum = pending.builder.combine_lanes(end.kind, sum);
      LaneIndex at = place(builder, pending.channel, e);
      llvm::Value *before = builder.spread(builder.value(builder.load_element(partial_, end.dtype, at)));
      builder.store_element(partial_, end.dtype, at, builder.make(builder.combine(end.kind, before, sum), end.dtype));
    }
  pending_.clear();
}

}  // namespace netc
