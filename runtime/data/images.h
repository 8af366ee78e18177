// What reading folders of pictures into memory and streaming them share.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/data/reader.h"

namespace netc::runtime {

// What every picture is made to: the argument `size`, else that of the network's input, and its channels.
struct PictureForm {
  int64_t height = 0, width = 0, channels = 0;
  int64_t bytes() const { return height * width * channels; }
};
Result<PictureForm> picture_form(const ReadRequest &request);

// Decodes the file at `path` and resizes it; `name` is for errors.
Result<Array> read_picture(const Modules &modules, const std::string &path, const std::string &name,
                           const PictureForm &form);

// Everything of a folder but the pixels: classes, targets, the shape of the features.
struct FolderFile;
struct PictureFolder {
  RawData data;
  PictureForm form;
  std::vector<FolderFile> files;
};
Result<PictureFolder> open_picture_folder(const ReadRequest &request);

}  // namespace netc::runtime
