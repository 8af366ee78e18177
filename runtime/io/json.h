// Reading JSON: the one place where nlohmann's parser is made, which is 10 kB for each type it reads from.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace netc::runtime {

// Discarded (is_discarded()) when the text is no JSON. `event` is called as nlohmann's parser does.
nlohmann::json parse_json(std::string_view text, const nlohmann::json::parser_callback_t &event = nullptr);

}  // namespace netc::runtime
