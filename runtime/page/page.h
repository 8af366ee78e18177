// Pages: HTML files that need nothing beside themselves. A page is a template (page.html with page.css and scripts,
// packed into the program when that is built: page.cmake) and data, a JSON text that the scripts draw.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace netc::runtime {

// A template as page.cmake packs it, with gzip.
struct PageTemplate {
  const unsigned char *bytes;
  size_t size;
  size_t unpacked_size;
};

// The whole page. `title` is plain text; `data` is JSON, whatever its strings hold.
std::string page_of(const PageTemplate &page, std::string_view title, std::string_view data);

// "data:image/png;base64,..."
std::string data_uri(std::string_view type, std::string_view bytes);

}  // namespace netc::runtime
