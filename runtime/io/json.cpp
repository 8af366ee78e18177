#include "runtime/io/json.h"

namespace netc::runtime {

nlohmann::json parse_json(std::string_view text, const nlohmann::json::parser_callback_t &event) {
  return nlohmann::json::parse(text.data(), text.data() + text.size(), event, false);
}

}  // namespace netc::runtime
