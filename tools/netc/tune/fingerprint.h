// What a study depends on besides its own settings: what the file says, the data, netc, the processor. Results from
// before a change are not results of the study any more.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/result.h"

namespace netc::tune {

// {"file": hash, "netc": hash, "processor": text, "data": [{"path", "size", "changed", "hash"}]}. `file` is of what the
// `.net` file and its imports say: comments, layout and the sections `tune` and `check` do not count. The data are the
// files and folders that the metadata's sections `data` and `train` name, looked for from `data_root`. A file of the
// data that `before` (an earlier fingerprint, or null) knows with the same size and time is not read again.
Result<nlohmann::json> fingerprint(const std::filesystem::path &file, const nlohmann::json &metadata,
                                   const std::string &data_root, const nlohmann::json &before);

// What is not the same in the two, in words: "digits.net", "data/train.csv", "netc itself".
std::vector<std::string> differences(const nlohmann::json &before, const nlohmann::json &now, const std::string &file);

}  // namespace netc::tune
