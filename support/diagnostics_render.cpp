// Diagnostics as a person and as an editor reads them.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "support/diagnostics.h"
#include "support/utf8.h"

namespace netc {
namespace {

constexpr size_t kWidest = 160;  // columns of a source line that are shown

struct Colours {
  std::string_view error, warning, place, note, off;
};
constexpr Colours kPlain{"", "", "", "", ""};
constexpr Colours kTerminal{"\x1b[1;31m", "\x1b[1;35m", "\x1b[1m", "\x1b[1;36m", "\x1b[0m"};

std::string_view word_of(Severity severity) { return severity == Severity::error ? "error" : "warning"; }

// In order of place, those without one first; what is said twice of one place once.
std::vector<const Diagnostic *> in_order(const Diagnostics &diagnostics) {
  std::vector<const Diagnostic *> list;
  for (const Diagnostic &diagnostic : diagnostics.all()) list.push_back(&diagnostic);
  auto key = [](const Diagnostic *d) {
    return std::tuple(d->span.known() ? 1u : 0u, d->span.known() ? d->span.file : 0u,
                      d->span.known() ? d->span.begin : 0u);
  };
  std::stable_sort(list.begin(), list.end(), [&](auto *a, auto *b) { return key(a) < key(b); });
  std::set<std::tuple<FileId, uint32_t, std::string_view>> seen;
  std::erase_if(list, [&](const Diagnostic *d) {
    return !seen.insert({d->span.file, d->span.begin, d->message}).second;
  });
  return list;
}

// How many columns a terminal gives these bytes: a character of UTF-8 one, a tab none of its own.
size_t columns_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// Tabs become a blank and control characters a `?`, so that the caret stands right and the terminal stays sane.
std::string printable(std::string_view text) {
  std::string out(text);
  for (char &c : out) {
    if (c == '\t') c = ' ';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return out;
}

// The line of the span with a caret under its first character and waves under the rest of it on this line.
std::string quote(const SourceFile &source, Span span, std::string_view colour, std::string_view off) {
  LineColumn place = source.position(span.begin);
  std::string_view line = source.line(place.line);
  size_t begin = std::min<size_t>(place.column - 1, line.size());
  size_t end = std::clamp<size_t>(begin + (span.end > span.begin ? span.end - span.begin : 1), begin, line.size());
  // Of a very long line only the surroundings are shown.
  size_t from = begin > kWidest / 2 && line.size() > kWidest ? begin - kWidest / 2 : 0;
  while (from > 0 && (line[from] & 0xC0) == 0x80) --from;
  size_t to = std::min(line.size(), from + kWidest);
  while (to < line.size() && (line[to] & 0xC0) == 0x80) ++to;
  end = std::min(end, to);
  std::string head = from > 0 ? "..." : "";
  std::string tail = to < line.size() ? "..." : "";
  std::string number = std::to_string(place.line);
  size_t width = std::max<size_t>(1, columns_of(line.substr(begin, end - begin)));
  return fmt::format("{:>4} | {}{}{}\n{} | {}{}^{}{}\n", number, head, printable(line.substr(from, to - from)), tail,
                     std::string(std::max<size_t>(4, number.size()), ' '),
                     std::string(head.size() + columns_of(line.substr(from, begin - from)), ' '), colour,
                     std::string(width - 1, '~'), off);
}

std::string place_of(const SourceMap &sources, Span span) {
  const SourceFile &source = sources.file(span.file);
  LineColumn place = source.position(span.begin);
  return fmt::format("{}:{}:{}: ", source.name(), place.line, place.column);
}

// JSON is UTF-8, and names of files need not be.
void append_json(std::string &out, std::string_view text) {
  out += '"';
  for (char c : as_utf8(text)) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (byte < 0x20)
      out += fmt::format("\\u{:04x}", byte);
    else
      out += c;
  }
  out += '"';
}

void append_json_place(std::string &out, const SourceMap &sources, Span span) {
  if (!span.known()) {
    out += "\"file\":null,\"line\":0,\"column\":0,\"end_line\":0,\"end_column\":0";
    return;
  }
  const SourceFile &source = sources.file(span.file);
  LineColumn begin = source.position(span.begin), end = source.position(std::max(span.begin, span.end));
  out += "\"file\":";
  append_json(out, source.name());
  out += fmt::format(",\"line\":{},\"column\":{},\"end_line\":{},\"end_column\":{}", begin.line, begin.column, end.line,
                     end.column);
}

}  // namespace

std::string render_text(const Diagnostics &diagnostics, const SourceMap &sources, bool colour) {
  const Colours &paint = colour ? kTerminal : kPlain;
  std::string out;
  for (const Diagnostic *d : in_order(diagnostics)) {
    std::string_view shade = d->severity == Severity::error ? paint.error : paint.warning;
    std::string place = d->span.known() ? place_of(sources, d->span) : "";
    out += fmt::format("{}{}{}{}{}: {}{}\n", paint.place, place, paint.off, shade, word_of(d->severity), paint.off,
                       d->message);
    if (d->span.known()) out += quote(sources.file(d->span.file), d->span, shade, paint.off);
    for (const Note &note : d->notes) {
      out += fmt::format("{}{}note: {}{}\n", note.span.known() ? place_of(sources, note.span) : "", paint.note,
                         paint.off, note.message);
      if (note.span.known()) out += quote(sources.file(note.span.file), note.span, paint.note, paint.off);
    }
    for (const std::string &help : d->helps) out += fmt::format("{}help: {}{}\n", paint.note, paint.off, help);
  }
  return out;
}

std::string render_json(const Diagnostics &diagnostics, const SourceMap &sources) {
  std::string out;
  for (const Diagnostic *d : in_order(diagnostics)) {
    out += '{';
    append_json_place(out, sources, d->span);
    out += fmt::format(",\"severity\":\"{}\",\"message\":", word_of(d->severity));
    append_json(out, d->message);
    out += ",\"notes\":[";
    for (size_t i = 0; i < d->notes.size(); ++i) {
      out += i == 0 ? "{" : ",{";
      append_json_place(out, sources, d->notes[i].span);
      out += ",\"message\":";
      append_json(out, d->notes[i].message);
      out += '}';
    }
    out += "],\"help\":[";
    for (size_t i = 0; i < d->helps.size(); ++i) {
      if (i > 0) out += ',';
      append_json(out, d->helps[i]);
    }
    out += "]}\n";
  }
  return out;
}

}  // namespace netc
