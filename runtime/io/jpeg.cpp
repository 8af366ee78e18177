// Decodes JPEG pictures with libjpeg-turbo. The optional part "jpeg".
#include <csetjmp>
#include <cstdio>

// After <cstdio>, which it needs.
#include <jpeglib.h>

#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

constexpr uint32_t largest_jpeg_side = 1u << 14;

// libjpeg reports an error by calling a function that must not return.
struct Reporter {
  jpeg_error_mgr manager;  // first: libjpeg knows no more than this
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
};

void give_up(j_common_ptr decoder) {
  auto *reporter = reinterpret_cast<Reporter *>(decoder->err);
  decoder->err->format_message(decoder, reporter->message);
  std::longjmp(reporter->escape, 1);
}

// A warning means that data is missing or damaged: the rest of the picture would be grey.
void warn(j_common_ptr decoder, int level) {
  if (level < 0) give_up(decoder);
}

// What decoding needs, all of it plain data: longjmp runs no destructors.
struct Decoder {
  jpeg_decompress_struct state{};
  Reporter reporter{};

  Decoder() {
    state.err = jpeg_std_error(&reporter.manager);
    reporter.manager.error_exit = give_up;
    reporter.manager.emit_message = warn;
    jpeg_create_decompress(&state);
  }
  ~Decoder() { jpeg_destroy_decompress(&state); }

  bool read_header(std::string_view bytes) {
    if (setjmp(reporter.escape)) return false;
    jpeg_mem_src(&state, reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size());
    jpeg_read_header(&state, TRUE);
    return true;
  }

  // Into state.image_height rows of state.image_width pixels.
  bool read_pixels(J_COLOR_SPACE space, unsigned char *pixels) {
    if (setjmp(reporter.escape)) return false;
    state.out_color_space = space;
    state.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&state);
    size_t row_bytes = size_t{state.output_width} * static_cast<size_t>(state.output_components);
    while (state.output_scanline < state.output_height) {
      JSAMPROW row = pixels + state.output_scanline * row_bytes;
      jpeg_read_scanlines(&state, &row, 1);
    }
    jpeg_finish_decompress(&state);
    return true;
  }
};

Result<Array> decode_jpeg(const std::string &name, std::string_view bytes, int64_t channels) {
  if (!bytes.starts_with("\xff\xd8\xff")) return fail(name + ": not a JPEG picture");
  if (channels != 1 && channels != 3 && channels != 4)
    return fail(name + ": a picture gives 1, 3 or 4 channels, the network has " + std::to_string(channels));
  Decoder decoder;
  const auto broken = [&] { return fail(name + ": a broken JPEG picture: " + decoder.reporter.message); };
  if (!decoder.read_header(bytes)) return broken();
  uint32_t width = decoder.state.image_width, height = decoder.state.image_height;
  if (width > largest_jpeg_side || height > largest_jpeg_side)
    return fail(name + ": " + std::to_string(width) + " x " + std::to_string(height) + " pixels, at most 16384 a side");
  if (decoder.state.jpeg_color_space == JCS_CMYK || decoder.state.jpeg_color_space == JCS_YCCK)
    return fail(name + ": a picture for printing (CMYK)", "convert it to RGB");
  Array array;
  array.count = 1;
  array.shape = {height, width, channels};
  std::vector<uint8_t> pixels(size_t{height} * width * static_cast<size_t>(channels));
  J_COLOR_SPACE space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_EXT_RGBA;
  if (!decoder.read_pixels(space, pixels.data())) return broken();
  array.values = std::move(pixels);
  return array;
}

}  // namespace
}  // namespace netc::runtime

extern "C" const nc_picture_module nc_module_jpeg = {{"picture", "jpeg"}, netc::runtime::decode_jpeg};
