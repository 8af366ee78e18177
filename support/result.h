// Result<T>: a value, or the reason why there is none.
//
// What a user's input can cause travels as a value, never as an exception or an assertion. `Error` holds the sentence
// a user reads and, where we know one, the way to mend it; whoever knows the place in the source adds the span.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace netc {

struct Error {
  std::string message;  // lower case, no full stop: "conv2d needs an image, got f32[B, 10]"
  std::string help;     // may be empty: "flatten it first: -> flatten -> dense(128)"
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(std::string message, std::string help = {}) {
  return tl::unexpected<Error>(Error{std::move(message), std::move(help)});
}

}  // namespace netc
