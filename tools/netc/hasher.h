// BLAKE3 over a sequence of texts, so that no two sequences run together into the same bytes.
#pragma once

#include <llvm/Support/BLAKE3.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace netc {

class Hasher {
 public:
  void add(std::string_view text);
  // False: the file cannot be read.
  bool add_file(const std::filesystem::path &path);
  // 32 hexadecimal digits.
  std::string text();

 private:
  llvm::BLAKE3 hash_;
};

}  // namespace netc
