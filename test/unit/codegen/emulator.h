// An emulated AArch64: the program of emulated/driver.cpp under qemu-aarch64, which loads objects linked as shared
// libraries and calls what they define. One process serves all objects of a test program.
#pragma once

#include <memory>
#include <string>

#include "test/unit/codegen/loaded_object.h"

namespace netc::test {

// Precondition: emulates_aarch64().
std::unique_ptr<LoadedObject> load_in_emulator(const std::string &object);

}  // namespace netc::test
