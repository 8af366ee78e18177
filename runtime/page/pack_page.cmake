# Script of page.cmake: PARTS (page.html, page.css, scripts) become one HTML text, packed into the C++ file OUTPUT.
list(POP_FRONT PARTS html_file style_file)
file(READ ${html_file} html)
file(READ ${style_file} style)
set(script "")
foreach(file ${PARTS})
  file(READ ${file} text)
  string(APPEND script "${text}")
endforeach()
# What a reader of the source needs and a browser does not: comments and indentation.
string(REGEX REPLACE "\n *//[^\n]*" "" script "\n${script}")
string(REGEX REPLACE "\n +" "\n" script "${script}")
string(REGEX REPLACE "/\\*[^*]*\\*/" "" style "${style}")
string(REGEX REPLACE "\n +" "\n" style "${style}")
string(REPLACE "{{style}}" "${style}" html "${html}")
string(REPLACE "{{script}}" "${script}" html "${html}")

set(page ${OUTPUT}.html)
file(WRITE ${page} "${html}")
file(SIZE ${page} unpacked_size)
file(ARCHIVE_CREATE OUTPUT ${page}.gz PATHS ${page} FORMAT raw COMPRESSION GZip COMPRESSION_LEVEL 9)
file(READ ${page}.gz bytes HEX)
# Bytes 4 to 7 of the header are a time: the same sources give the same file.
string(SUBSTRING "${bytes}" 0 8 begin)
string(SUBSTRING "${bytes}" 16 -1 end)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${begin}00000000${end}")
file(WRITE ${OUTPUT} "// Made by pack_page.cmake.
#include \"runtime/page/page.h\"
namespace netc::runtime {
static const unsigned char bytes[] = {${bytes}};
extern const PageTemplate ${NAME};
const PageTemplate ${NAME} = {bytes, sizeof bytes, ${unpacked_size}};
}  // namespace netc::runtime
")
