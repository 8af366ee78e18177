// What is said of a syntax error, by what the parser was reading. Each function knows one kind of place.
#pragma once

#include "frontend/parser_error_place.h"

namespace netc::syntax::describe {

// parser_describe_declarations.cpp
Message outermost(const ErrorPlace &at);      // where a section or a declaration should begin
Message missing_brace(const ErrorPlace &at);  // where a body or settings should begin
Message statement(const ErrorPlace &at);
Message setting(const ErrorPlace &at);
Message name(const ErrorPlace &at);  // of a declaration
Message param(const ErrorPlace &at);
Message parameters(const ErrorPlace &at);
Message section_header(const ErrorPlace &at);
Message weight(const ErrorPlace &at);

// parser_describe_values.cpp
Message suffix(const ErrorPlace &at);   // a member, an index or the arguments of a call
Message primary(const ErrorPlace &at);  // where a value should be
Message after_as(const ErrorPlace &at);
Message unknown_unit(const ErrorPlace &at, const Token &unit);
// Inside a list whose items are `item`s and which ends with `end`.
Message list_of(const ErrorPlace &at, std::string_view item, std::string_view end);

}  // namespace netc::syntax::describe
