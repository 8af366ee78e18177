// The directory of a ZIP file, with 64-bit sizes (PKWARE's APPNOTE 6.3): what npz files are.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "runtime/data/data_file.h"
#include "support/result.h"

namespace netc::runtime {

struct ZipEntry {
  std::string name;
  uint16_t flags = 0, method = 0;  // method 0: stored, 8: deflated
  uint32_t checksum = 0;           // CRC-32 of the unpacked bytes
  int64_t packed = 0, size = 0;    // bytes
  int64_t header = 0;              // where its local header begins
};

Result<std::map<std::string, ZipEntry>> read_zip_directory(const DataFile &file);
// The content of an entry, as a file called `name`: a part of `file` when it is stored, else unpacked into memory. A
// stored entry's checksum is only compared when `check` is set.
Result<DataFile> open_zip_entry(const DataFile &file, const ZipEntry &entry, const std::string &name, bool check);

}  // namespace netc::runtime
