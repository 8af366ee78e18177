// JsonText: JSON written from left to right. Every program carries the report, and building nlohmann's values only to
// print them takes many times the code.
#pragma once

#include <string>
#include <string_view>

namespace netc::runtime {

class JsonText {
 public:
  // Objects and arrays: '{' or '[', then '}' or ']'. Commas come by themselves.
  void open(char bracket);
  void close(char bracket) { text_ += bracket; }
  void key(const char *name);
  void string(std::string_view value);
  // Six digits; "nan", "inf" and "-inf" as in history.jsonl.
  void number(double value);
  void raw(std::string_view json);  // a whole value

  void member(const char *name, std::string_view value);
  void member(const char *name, double value);
  void raw_member(const char *name, std::string_view json);

  const std::string &text() const { return text_; }

 private:
  void separate();
  std::string text_;
};

}  // namespace netc::runtime
