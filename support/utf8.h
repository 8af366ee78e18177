// Which bytes are text (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace netc {

// The length of the UTF-8 character that begins at byte `at`, 0 when the bytes there are none.
size_t utf8_length(std::string_view text, size_t at);
// The text, with U+FFFD for each byte that belongs to no character: names of files hold any bytes, JSON only text.
std::string as_utf8(std::string_view text);

}  // namespace netc
