#include "runtime/io/json_text.h"

#include <cmath>

#include "runtime/cli/text.h"

namespace netc::runtime {

void JsonText::separate() {
  if (!text_.empty() && std::string_view("{[:,").find(text_.back()) == std::string_view::npos) text_ += ',';
}

void JsonText::open(char bracket) {
  separate();
  text_ += bracket;
}

void JsonText::key(const char *name) {
  string(name);
  text_ += ':';
}

void JsonText::string(std::string_view value) {
  separate();
  text_ += '"';
  for (char c : value) {
    if (static_cast<unsigned char>(c) < ' ')
      text_ += format("\\u%04x", c);
    else if (c == '"' || c == '\\')
      (text_ += '\\') += c;
    else
      text_ += c;
  }
  text_ += '"';
}

void JsonText::number(double value) {
  raw(format(std::isfinite(value) ? "%.7g" : "\"%g\"", std::fabs(value) == 0 ? 0 : value));
}

void JsonText::raw(std::string_view json) {
  separate();
  text_ += json;
}

void JsonText::member(const char *name, std::string_view value) {
  key(name);
  string(value);
}

void JsonText::member(const char *name, double value) {
  key(name);
  number(value);
}

void JsonText::raw_member(const char *name, std::string_view json) {
  key(name);
  raw(json);
}

}  // namespace netc::runtime
