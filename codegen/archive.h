// The way to an executable: the code of a program as a static library of several objects, made at the same time.
#pragma once

#include <string>

#include "codegen/codegen.h"

namespace netc {

// Like `generate` with Emit::object, on `threads` threads (at least 1); the result does not depend on how many.
// link_executable takes it, written to a file, as its object.
Result<std::string> generate_archive(const Module &module, const Metadata &metadata, const TargetOptions &target,
                                     unsigned threads);

}  // namespace netc
