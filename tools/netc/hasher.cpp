#include "tools/netc/hasher.h"

#include <fmt/core.h>
#include <llvm/ADT/StringExtras.h>

#include <fstream>
#include <vector>

namespace netc {

void Hasher::add(std::string_view text) {
  hash_.update(llvm::StringRef(fmt::format("{}:", text.size())));
  hash_.update(llvm::StringRef(text.data(), text.size()));
}

bool Hasher::add_file(const std::filesystem::path &path) {
  std::ifstream in(path, std::ios::binary);
  std::error_code code;
  add(fmt::format("file {}", in ? std::filesystem::file_size(path, code) : 0));
  std::vector<char> piece(1 << 16);
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0)
    hash_.update(llvm::StringRef(piece.data(), static_cast<size_t>(in.gcount())));
  return in.eof();
}

std::string Hasher::text() { return llvm::toHex(hash_.final<16>(), true); }

}  // namespace netc
