// Checkpoints: the safetensors format (https://github.com/huggingface/safetensors), named tensors and a table of
// strings.
//
//   8 bytes     N, little-endian: length of the header
//   N bytes     JSON: {"__metadata__": {string: string}, name: {"dtype", "shape", "data_offsets": [begin, end]}, ...}
//   the rest    the data; the tensors lie one after another without holes
//
// Files written here carry a checksum of header and data in "__metadata__" under "netc.checksum" (CRC-32, the header
// taken with eight zeros in place of the sum). A file of another tool has none and is accepted without.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace netc::runtime {

struct TensorToWrite {
  std::string name;
  std::string dtype;  // of the safetensors format: "F32", "F64", "BF16", "F16", "I32", "I64", "U8", "BOOL", ...
  std::vector<int64_t> shape;
  std::string_view bytes;  // little-endian, row-major: exactly shape * size of dtype
};

struct TensorEntry {
  std::string dtype;
  std::vector<int64_t> shape;
  uint64_t begin = 0;      // of the first byte in the file
  std::string_view bytes;  // into the storage of its Safetensors; no alignment
};

// A file read and checked.
struct Safetensors {
  std::map<std::string, std::string> metadata;  // without the checksum
  std::map<std::string, TensorEntry> tensors;
  std::shared_ptr<const std::string> storage;  // the whole file
};

// Replaces the file at `path` or leaves it as it is (write_file_atomically).
Result<void> write_safetensors(const std::string &path, std::span<const TensorToWrite> tensors,
                               const std::map<std::string, std::string> &metadata);
Result<Safetensors> read_safetensors(const std::string &path);
// `name` is for errors.
Result<Safetensors> parse_safetensors(const std::string &name, std::string bytes);
// The tensors without their bytes, from the beginning of a file of `file_size` bytes that holds the whole header: its
// length is that of `safetensors_header_size`. The checksum is not looked at.
Result<Safetensors> parse_safetensors_header(const std::string &name, std::string beginning, uint64_t file_size);
// From the first 8 bytes of a file; an error when the file cannot have such a header.
Result<uint64_t> safetensors_header_size(const std::string &name, std::string_view beginning, uint64_t file_size);

// "F32" of "f32", "I32" of "i32", "BOOL" of "bool", ...; "" when there is none. And the bytes of an element.
std::string safetensors_dtype(std::string_view netc_dtype);
int64_t safetensors_dtype_size(std::string_view dtype);

}  // namespace netc::runtime
