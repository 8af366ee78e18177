// The text of syntax errors: what was expected, what was found, how to mend it.
#pragma once

#include <ParserRuleContext.h>

#include "frontend/parser_tokens.h"

namespace netc::syntax {

// Where the parser stands: at token `index`, in `rule`, neither of which fits the other.
struct SyntaxError {
  const TokenList &tokens;
  const SourceFile &source;
  FileId file;
  size_t index;
  const antlr4::ParserRuleContext *rule;
};

// Whether a `{` was missed: then a `}` after it that closes nothing is part of the same mistake.
bool describe_syntax_error(const SyntaxError &at, Diagnostics &diagnostics);

// Whether an expression can begin with a token of this type.
bool begins_value(size_t type);

// A token as a message names it: `dense`, the string "a.gz", end of file.
std::string name_of(const Token &token, const SourceFile &source);

}  // namespace netc::syntax
