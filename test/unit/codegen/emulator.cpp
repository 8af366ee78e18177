#include "test/unit/codegen/emulator.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "test/unit/codegen/emulated/protocol.h"

extern char **environ;

namespace netc::test {

#ifndef NETC_AARCH64_DRIVER

bool emulates_aarch64() { return false; }
std::unique_ptr<LoadedObject> load_in_emulator(const std::string &) {
  throw std::runtime_error("there is no emulator of AArch64");
}

#else

namespace {

class Emulator {
 public:
  Emulator() {
    signal(SIGPIPE, SIG_IGN);  // a driver that died is an error of read()
    int requests[2], answers[2];
    if (pipe(requests) != 0 || pipe(answers) != 0) throw std::runtime_error("no pipe to the emulator");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, requests[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, answers[1], STDOUT_FILENO);
    for (int end : {requests[0], requests[1], answers[0], answers[1]}) posix_spawn_file_actions_addclose(&actions, end);
    const char *arguments[] = {NETC_QEMU_AARCH64, "-L", NETC_AARCH64_SYSROOT, NETC_AARCH64_DRIVER, nullptr};
    int code = posix_spawn(&process_, arguments[0], &actions, nullptr, const_cast<char **>(arguments), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(requests[0]);
    close(answers[1]);
    if (code != 0) throw std::runtime_error("cannot run " NETC_QEMU_AARCH64);
    to_ = fdopen(requests[1], "wb");
    from_ = fdopen(answers[0], "rb");
  }
  ~Emulator() {
    std::fclose(to_);
    std::fclose(from_);
    waitpid(process_, nullptr, 0);
  }
  Emulator(const Emulator &) = delete;
  Emulator &operator=(const Emulator &) = delete;

  void tell(const emulator_request &request, const void *bytes = nullptr, size_t size = 0) {
    std::fwrite(&request, sizeof request, 1, to_);
    if (size > 0) std::fwrite(bytes, 1, size, to_);
  }
  void hear(void *to, size_t size) {
    std::fflush(to_);
    if (std::fread(to, 1, size, from_) != size) throw std::runtime_error("the emulated code died");
  }
  uint64_t ask(const emulator_request &request, const void *bytes = nullptr, size_t size = 0) {
    tell(request, bytes, size);
    uint64_t answer = 0;
    hear(&answer, sizeof answer);
    return answer;
  }

 private:
  pid_t process_ = 0;
  std::FILE *to_ = nullptr, *from_ = nullptr;
};

// Started at the first use; it ends with this process.
Emulator &emulator() {
  static Emulator instance;
  return instance;
}

class EmulatedObject final : public LoadedObject {
 public:
  explicit EmulatedObject(const std::string &object) {
    namespace fs = std::filesystem;
    // dlopen() takes two libraries of one name for one.
    static int count = 0;
    std::string name = "netc-emulated-" + std::to_string(getpid()) + "-" + std::to_string(count++);
    std::string stem = (fs::temp_directory_path() / name).string();
    std::string object_path = stem + ".o", library_path = stem + ".so";
    std::ofstream(object_path, std::ios::binary) << object;
    std::string command = NETC_AARCH64_LINKER " -shared -o " + library_path + " " + object_path;
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
    library_ = emulator().ask({.action = LOAD, .size = library_path.size()}, library_path.data(), library_path.size());
    fs::remove(object_path);
    fs::remove(library_path);
    if (library_ == 0) throw std::runtime_error("the emulated process cannot load " + library_path);
  }
  ~EmulatedObject() override { emulator().tell({.action = UNLOAD, .address = library_}); }

  uint64_t address(const std::string &symbol) override {
    uint64_t found =
        emulator().ask({.action = FIND, .address = library_, .size = symbol.size()}, symbol.data(), symbol.size());
    if (found == 0) throw std::runtime_error("no symbol " + symbol);
    return found;
  }
  uint64_t lend(void *memory, size_t size) override {
    auto here = reinterpret_cast<uint64_t>(memory);
    uint64_t there = emulator().ask({.action = ALLOCATE, .address = here, .size = size});
    emulator().tell({.action = WRITE, .address = there, .size = size}, memory, size);
    lent_.push_back({memory, there, size});
    return there;
  }
  void take_back() override {
    for (const Loan &loan : lent_) read(loan.there, loan.here, loan.size);
    lent_.clear();
    emulator().tell({.action = RELEASE});
  }
  void read(uint64_t address, void *to, size_t size) override {
    emulator().tell({.action = READ, .address = address, .size = size});
    emulator().hear(to, size);
  }
  void call(uint64_t function, uint64_t context, int64_t chunk) override {
    emulator().ask({.action = CALL, .address = function, .size = context, .chunk = chunk});
  }

 private:
  struct Loan {
    void *here;
    uint64_t there;
    size_t size;
  };
  uint64_t library_ = 0;
  std::vector<Loan> lent_;
};

}  // namespace

bool emulates_aarch64() { return true; }
std::unique_ptr<LoadedObject> load_in_emulator(const std::string &object) {
  return std::make_unique<EmulatedObject>(object);
}

#endif

}  // namespace netc::test
