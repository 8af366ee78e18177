// Decodes PNG pictures with libpng. The optional part "png".
#include <png.h>

#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

constexpr uint32_t largest_side = 1u << 13;

struct Picture {
  png_image image{};
  Picture() { image.version = PNG_IMAGE_VERSION; }
  ~Picture() { png_image_free(&image); }
};

Result<Array> decode(const std::string &name, std::string_view bytes, int64_t channels) {
  Picture picture;
  png_image &image = picture.image;
  if (bytes.size() < 8 || !bytes.starts_with("\x89PNG\r\n\x1a\n")) return fail(name + ": not a PNG picture");
  if (!png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()))
    return fail(name + ": a broken PNG picture: " + image.message);
  if (image.width > largest_side || image.height > largest_side)
    return fail(name + ": " + std::to_string(image.width) + " x " + std::to_string(image.height) +
                " pixels, at most 8192 a side");
  if (channels != 1 && channels != 3 && channels != 4)
    return fail(name + ": a picture gives 1, 3 or 4 channels, the network has " + std::to_string(channels));
  image.format = channels == 1 ? PNG_FORMAT_GRAY : channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
  std::vector<uint8_t> pixels(PNG_IMAGE_SIZE(image));
  png_color black{0, 0, 0};  // transparent pixels are put on black
  if (!png_image_finish_read(&image, &black, pixels.data(), 0, nullptr))
    return fail(name + ": a broken PNG picture: " + image.message);
  Array array;
  array.count = 1;
  array.shape = {static_cast<int64_t>(image.height), static_cast<int64_t>(image.width), channels};
  array.values = std::move(pixels);
  return array;
}

}  // namespace
}  // namespace netc::runtime

extern "C" const nc_picture_module nc_module_png = {{"picture", "png"}, netc::runtime::decode};
