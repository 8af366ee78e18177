// Does this processor have what a program was compiled for? Asked before anything else: the alternative is to die of an
// illegal instruction.
#pragma once

#include <string_view>

#include "runtime/abi.h"
#include "support/result.h"

namespace netc::runtime {

// Whether this machine has a feature of runtime/cpu_features.h. Other names are not asked for and taken to be there.
bool processor_has(std::string_view feature);

// An error that names what is missing and a cpu to compile for instead.
Result<void> check_processor(const nc_program_t &program, bool (*has)(std::string_view) = processor_has);

}  // namespace netc::runtime
