// Runs under an emulator: does what test/unit/codegen/emulator.cpp asks for on standard input and answers on standard
// output. It ends with its input.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "runtime/abi.h"
#include "test/unit/codegen/emulated/protocol.h"

// Chunks in reverse order: a kernel whose chunks depend on each other fails.
extern "C" void nc_parallel_for(const nc_context *context, const nc_kernel_entry *kernel, int64_t count, int64_t) {
  for (int64_t chunk = count; chunk-- > 0;) kernel->kernel(context, chunk, kernel->places);
}

namespace {

template <typename T>
T at(uint64_t address) {
  return reinterpret_cast<T>(address);
}

void get(void *to, size_t size) {
  if (std::fread(to, 1, size, stdin) != size) std::exit(0);
}
void answer(const void *bytes, size_t size) {
  std::fwrite(bytes, 1, size, stdout);
  std::fflush(stdout);
}
void answer(uint64_t number) { answer(&number, sizeof number); }
void answer(const void *pointer) { answer(reinterpret_cast<uint64_t>(pointer)); }

std::string get_text(size_t size) {
  std::string text(size, '\0');
  get(text.data(), size);
  return text;
}

void *load(const std::string &path) {
  void *library = dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) std::fprintf(stderr, "%s\n", dlerror());
  return library;
}

}  // namespace

int main() {
  std::vector<char *> allocated;
  for (;;) {
    emulator_request request;
    get(&request, sizeof request);
    switch (request.action) {
      case LOAD:
        answer(load(get_text(request.size)));
        break;
      case UNLOAD:
        dlclose(at<void *>(request.address));
        break;
      case FIND:
        answer(dlsym(at<void *>(request.address), get_text(request.size).c_str()));
        break;
      case ALLOCATE:
        allocated.push_back(static_cast<char *>(std::aligned_alloc(64, (request.size + 127) / 64 * 64)));
        answer(allocated.back() + request.address % 64);
        break;
      case RELEASE:
        for (char *memory : allocated) std::free(memory);
        allocated.clear();
        break;
      case WRITE:
        get(at<void *>(request.address), request.size);
        break;
      case READ:
        answer(at<const void *>(request.address), request.size);
        break;
      case CALL:
        at<void (*)(uint64_t, int64_t)>(request.address)(request.size, request.chunk);
        answer(uint64_t{0});
        break;
    }
  }
}
