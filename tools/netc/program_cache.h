// A folder of compiled programs, so that a program is compiled once however often it is asked for. Any number of
// processes use it at once: an entry appears complete (a rename) or not at all.
//
//   $XDG_CACHE_HOME/netc/programs/KEY/NAME      ($HOME/.cache/netc/... without XDG_CACHE_HOME)
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "support/result.h"

namespace netc {

class ProgramCache {
 public:
  static constexpr uintmax_t kDefaultLimit = uintmax_t{512} << 20;

  // The user's folder, made if need be.
  static Result<ProgramCache> open();
  explicit ProgramCache(std::filesystem::path folder, uintmax_t limit = kDefaultLimit)
      : folder_(std::move(folder)), limit_(limit) {}

  // The program `name` of the entry `key`, which counts as used now; nothing: it is not there.
  std::optional<std::filesystem::path> find(const std::string &key, const std::string &name) const;

  // Has `make` write the program to the path it is given and puts it into the cache; returns where it is. When another
  // process was faster, its program is taken: the key decides the bytes. Then the entries not used for longest are
  // removed until the rest has at most `limit` bytes (this entry stays). `make` returns an exit code, which is passed
  // on; 2 after an error was printed.
  tl::expected<std::filesystem::path, int> add(const std::string &key, const std::string &name,
                                               const std::function<int(const std::filesystem::path &)> &make) const;

 private:
  void shrink(const std::string &keep) const;
  std::filesystem::path folder_;
  uintmax_t limit_;
};

}  // namespace netc
