// The text form of the graph. It is complete: parse(print(m)) equals m, print(parse(t)) equals canonical t.
//
//   module "digits" {
//     weight @conv2d.kernel: f32[3, 3, 1, 32] trainable loc("digits.net":12:8)
//     func @predict(%image: f32[B, 8, 8, 1]) -> (%7 as "probabilities") mode inference {
//       %0: f32[3, 3, 1, 32] = read() {weight = "conv2d.kernel"} loc("digits.net":12:8)
//       %1: f32[B, 8, 8, 32] = conv2d(%image, %0) {dilation = [1, 1], groups = 1, ...} loc("digits.net":12:8)
//       %2: f32[B, 8, 8, 32] halo(1, 1, 1, 1) at batch(4096) = fused(%1, %b) {kind = "map"} body(%a0: f32[...], ...) ->
//       (%r) {
//         ...
//       }
//     }
//   }
//
// After the memory plan: `module "digits" bytes(4096) {`, `weight @w: f32[8] trainable at(64)`, `mode training
// workspace(64, 512) {`. A weight that is not trainable is `fixed`. Comments start with `//` and are not kept. The
// parser looks up names and attributes; whether the types fit is the verifier's matter.
//
// All attributes are printed, defaults too (they may be left out in what is read); numbers as the shortest text that
// reads back to the same double; infinities and NaN as inf, -inf, nan.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ir/graph.h"
#include "support/diagnostics.h"
#include "support/source.h"

namespace netc {

std::string print(const Module &module);
std::string print(const Function &function);
// Parses a module; problems go to `diagnostics` with their place, and the result is empty then.
std::optional<Module> parse_module(const SourceMap &sources, FileId file, Diagnostics &diagnostics);

}  // namespace netc
