// Compiled code where it can run: in this process, or in an emulated AArch64 beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "codegen/codegen.h"

namespace netc::test {

// Every target whose code can be run here: the x86-64 levels of this machine, then AArch64 where qemu-aarch64 and the
// cross compiler are installed.
std::vector<TargetOptions> runnable_targets();
// Of them the highest level of this machine.
TargetOptions best_target();
// The highest level with what this machine can do with bf16 beyond it, as far as the system lets this process use it:
// what a program for this machine is made for, and products of pairs, be they faster here or not.
std::vector<TargetOptions> bf16_targets();
// What runs AArch64 code is installed (otherwise runnable_targets() lacks it).
bool emulates_aarch64();

// An object file that is loaded. Addresses are those that its code sees.
class LoadedObject {
 public:
  virtual ~LoadedObject() = default;
  virtual uint64_t address(const std::string &symbol) = 0;
  // Makes memory of ours visible to the code and says where; the place modulo 64 is the same there. Until take_back()
  // it is the code's: what it writes is seen afterwards.
  virtual uint64_t lend(void *memory, size_t size) = 0;
  virtual void take_back() = 0;
  // Copies bytes of the code's into `to`.
  virtual void read(uint64_t address, void *to, size_t size) = 0;
  // Calls void function(context, chunk).
  virtual void call(uint64_t function, uint64_t context, int64_t chunk = 0) = 0;
};

// Aborts the test by an exception when the object cannot be loaded.
std::unique_ptr<LoadedObject> load_object(const std::string &object, const TargetOptions &target);

}  // namespace netc::test
