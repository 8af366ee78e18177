// images(...) under `stream = true`: a block is a run of files.
#include "runtime/data/folder.h"
#include "runtime/data/images.h"
#include "runtime/data/module.h"

namespace netc::runtime {

static Result<RawData> stream_images(const ReadRequest &request) {
  auto folder = open_picture_folder(request);
  if (!folder) return tl::unexpected(folder.error());
  auto stream = std::make_shared<Stream>();
  int64_t files = folder->data.features.count;
  int64_t in_block = std::max<int64_t>(1, request.block_bytes / folder->form.bytes());
  for (int64_t file = 0; file < files; file += in_block) stream->block_begin.push_back(file);
  stream->block_begin.push_back(files);
  stream->read = [paths = std::move(folder->files), form = folder->form, modules = *request.modules,
                  begins = stream->block_begin](int64_t block) -> Result<std::vector<Array>> {
    int64_t first = begins[static_cast<size_t>(block)], last = begins[static_cast<size_t>(block) + 1];
    std::vector<uint8_t> pixels;
    for (int64_t i = first; i < last; ++i) {
      const FolderFile &file = paths[static_cast<size_t>(i)];
      auto picture = read_picture(modules, file.path, file.name, form);
      if (!picture) return tl::unexpected(picture.error());
      const auto &bytes = std::get<std::vector<uint8_t>>(picture->values);
      pixels.insert(pixels.end(), bytes.begin(), bytes.end());
    }
    return std::vector<Array>{{{form.height, form.width, form.channels}, std::move(pixels), last - first}};
  };
  folder->data.stream = std::move(stream);
  return std::move(folder->data);
}

}  // namespace netc::runtime

extern "C" const nc_stream_module nc_module_stream_images = {
    {"stream", "images"}, netc::runtime::stream_images, netc::runtime::stream_selector};
