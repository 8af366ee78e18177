// The sections data, train, tune and check as JSON (docs/metadata.md).
//
// What a section may hold is declared by the blocks of std/data.net, std/train.net, std/tune.net and std/check.net: the
// block named like the section lists its keys (those without a default must be there), the others what may be called in
// it.
#pragma once

#include <nlohmann/json.hpp>

#include "frontend/elaborate/interpreter.h"

namespace netc::elaborate {

// What the history of a training holds: "loss", "accuracy", and with `validation` the same with "val_".
struct Figures {
  std::vector<std::string> names;  // without "val_"; none: they are not known
  bool validation = false;
};

// Every key of the section; calls standing alone go to "calls". Keys in `compiled` are given as their text.
// Arguments called `monitor` name one of `figures`.
nlohmann::json section_json(Session &session, const ast::Section &section, const std::vector<std::string> &compiled,
                            const Figures &figures);
// A value known when compiling.
nlohmann::json datum_json(const Datum &datum);
// The text of an expression as it stands in its file.
std::string source_text(const SourceMap &sources, Span span);

}  // namespace netc::elaborate
