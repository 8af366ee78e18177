// Reports what is no word of the language and puts the word in its place that was meant, so that nothing else goes
// wrong: signs and words of other languages, quotes, characters, numbers that are not written out.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "NetLexer.h"
#include "frontend/parser_tokens.h"

namespace netc::syntax {
namespace {

using Lexer = NetLexer;
constexpr size_t kDropped = 0;

struct Habit {
  std::string_view written;
  size_t meant;  // the kind of token it becomes, kDropped for none
  std::string_view message, help;
};

// Signs, wherever they stand.
constexpr std::array kSigns{
    Habit{"**", Lexer::POWER, "power is written `^`, not `**`", "x ^ 2"},
    Habit{"&&", Lexer::AND, "`&&` is written `and`", ""},
    Habit{"||", Lexer::OR, "`||` is written `or`", ""},
    Habit{"&", Lexer::AND, "`&` is written `and`", ""},
    Habit{"|", Lexer::OR, "`|` is written `or`", ""},
    Habit{"!", Lexer::NOT, "`!` is written `not`", ""},
    Habit{"=>", Lexer::ARROW, "`=>` is written `->`", ""},
    Habit{"|>", Lexer::ARROW, "`|>` is written `->`", ""},
    Habit{":=", Lexer::ASSIGN, "`:=` is written `=`", ""},
    Habit{"+=", Lexer::ASSIGN, "there is no `+=`: values do not change, names are bound anew", "y = y + x"},
    Habit{"-=", Lexer::ASSIGN, "there is no `-=`: values do not change, names are bound anew", "y = y - x"},
    Habit{"*=", Lexer::ASSIGN, "there is no `*=`: values do not change, names are bound anew", "y = y * x"},
    Habit{"/=", Lexer::ASSIGN, "there is no `/=`: values do not change, names are bound anew", "y = y / x"},
    Habit{";", kDropped, "`;` is not needed", "remove it: a statement ends where the next one begins"},
    Habit{"\\", kDropped, "`\\` is not needed: a statement may go on in the next line", "remove it"},
    Habit{"@", Lexer::TIMES, "there is no `@`", "a product of matrices is written matmul(a, b)"},
    Habit{"\u2192", Lexer::ARROW, "`\u2192` is written `->`", ""},
    Habit{"\u00d7", Lexer::TIMES, "`\u00d7` is written `*`", ""},
    Habit{"\u2212", Lexer::MINUS, "this is not the minus sign of the keyboard", "write `-`"},
    Habit{"\u2013", Lexer::MINUS, "this dash is not the minus sign of the keyboard", "write `-`"},
    Habit{"\u2014", Lexer::MINUS, "this dash is not the minus sign of the keyboard", "write `-`"},
    Habit{"\u2264", Lexer::LESS_EQUAL, "`\u2264` is written `<=`", ""},
    Habit{"\u2265", Lexer::GREATER_EQUAL, "`\u2265` is written `>=`", ""},
    Habit{"\u2260", Lexer::NOT_EQUAL, "`\u2260` is written `!=`", ""},
    Habit{"\u2026", Lexer::RANGE, "this is one character, not the `..` of a range",
          "write 0 .. 1, or 0 ..< n without its end"},
    Habit{"\u00a0", kDropped, "this blank is a no-break space", "replace it by an ordinary blank"},
};

// Words, wherever they stand.
constexpr std::array kWords{
    Habit{"True", Lexer::TRUE, "`True` is written `true`", ""},
    Habit{"False", Lexer::FALSE, "`False` is written `false`", ""},
    Habit{"None", Lexer::NAME, "`None` is written `none`", ""},
};

// Words that begin a line and are followed by something on it.
constexpr std::array kOpeners{
    Habit{"return", kDropped, "there is no `return`: the value of a body is its last expression", "leave `return` out"},
    Habit{"let", kDropped, "names are bound without `let`", "leave it out: y = x -> relu"},
    Habit{"var", kDropped, "names are bound without `var`", "leave it out: y = x -> relu"},
    Habit{"const", kDropped, "names are bound without `const`", "leave it out: y = x -> relu"},
    Habit{"for", Lexer::REPEAT, "there is no `for`: loops are written `repeat`", "repeat i in 0 ..< 3 { ... }"},
    Habit{"while", Lexer::REPEAT, "there is no `while`: the number of rounds is known when the file is compiled",
          "repeat i in 0 ..< 3 { ... }"},
    Habit{"elif", Lexer::ELSE, "`elif` is written `else if`", "if a { ... } else if b { ... } else { ... }"},
    Habit{"def", Lexer::BLOCK, "`def` is written `block`", "block name(x, units = 10) { ... }"},
    Habit{"fn", Lexer::BLOCK, "`fn` is written `block`", "block name(x, units = 10) { ... }"},
    Habit{"func", Lexer::BLOCK, "`func` is written `block`", "block name(x, units = 10) { ... }"},
    Habit{"function", Lexer::BLOCK, "`function` is written `block`", "block name(x, units = 10) { ... }"},
    Habit{"class", Lexer::BLOCK, "there are no classes: a layer of your own is a `block`",
          "block name(x, units = 10) { ... }"},
};

template <size_t N>
const Habit *find(const std::array<Habit, N> &habits, std::string_view text) {
  auto found = std::find_if(habits.begin(), habits.end(), [&](const Habit &habit) { return habit.written == text; });
  return found == habits.end() ? nullptr : &*found;
}

class Mender {
 public:
  Mender(TokenList &list, const SourceFile &source, FileId file, Diagnostics &diagnostics)
      : list_(list), source_(source), file_(file), diagnostics_(diagnostics) {}

  void run() {
    input_ = std::move(list_.tokens);
    list_.tokens.clear();
    while (at_ < input_.size()) {
      Token &token = here();
      size_t before = list_.tokens.size();
      bool first = token.starts_line;
      if (mend(token)) list_.tokens.push_back(std::move(input_[at_]));
      // A line whose first word went begins with the next one.
      if (first && list_.tokens.size() == before && has(1) && same_line(at_ + 1)) next(1).starts_line = true;
      ++at_;
    }
  }

 private:
  Token &here() { return next(0); }
  Token &next(size_t distance) { return static_cast<Token &>(*input_[at_ + distance]); }
  bool has(size_t distance) const { return at_ + distance < input_.size(); }
  bool same_line(size_t index) { return static_cast<Token &>(*input_[index]).getLine() == here().getLine(); }
  bool touches_next(size_t distance = 0) { return has(distance + 1) && next(distance).end == next(distance + 1).begin; }
  std::string_view text(const Token &token) const { return text_of(token, source_); }
  Diagnostic &error(Span span, std::string message) { return diagnostics_.error(span, std::move(message)); }
  Diagnostic &error(const Token &token, std::string message) {
    return error(span_of(token, file_), std::move(message));
  }

  // Whether the token stays.
  bool mend(Token &token) {
    switch (token.getType()) {
      case Lexer::FOREIGN:
      case Lexer::OTHER:
        return mend_sign(token);
      case Lexer::NAME:
        return mend_word(token);
      case Lexer::NUMBER:
        return mend_number(token);
      case Lexer::NUMBER_AND_NAME:
        return split_number(token);
      case Lexer::NUMBER_WITHOUT_ZERO:
        error(token, "a number begins with a digit").help(fmt::format("write 0{}", text(token)));
        token.setType(Lexer::NUMBER);
        return true;
      case Lexer::UNTERMINATED:
        error(token, "this string is not closed on its line").help("write the closing `\"`");
        token.reported = true;
        token.setType(Lexer::STRING);
        return true;
      case Lexer::SINGLE_QUOTED:
      case Lexer::UNTERMINATED_SINGLE:
        return mend_single_quotes(token);
      case Lexer::TRIPLE_QUOTED:
        error(token, "strings have one quote on each side")
            .help("documentation is written in lines that begin with `##`");
        token.setType(Lexer::STRING);
        return !token.starts_line;
      case Lexer::BLOCK_COMMENT:
        error({file_, token.begin, token.begin + 2}, "comments begin with `#` and end with the line");
        return false;
      case Lexer::FLOOR_DIVIDE:
        return mend_comment(token);
      case Lexer::DOT:
        // 5. for 5.0
        if (at_ == 0 || list_.tokens.empty() || last().getType() != Lexer::NUMBER || last().end != token.begin)
          return true;
        if (touches_next() && next(1).getType() == Lexer::NAME) return true;
        error({file_, last().begin, token.end}, "a number does not end in a point")
            .help(fmt::format("write {}.0", text(last())));
        return false;
      default:
        return true;
    }
  }
  Token &last() { return list_.at(list_.tokens.size() - 1); }

  bool apply(Token &token, const Habit &habit) {
    auto &message = error(token, std::string(habit.message));
    if (!habit.help.empty()) message.help(std::string(habit.help));
    if (habit.meant == kDropped) return false;
    token.setType(habit.meant);
    return true;
  }

  bool mend_sign(Token &token) {
    std::string_view word = text(token);
    if (const Habit *habit = find(kSigns, word)) return apply(token, *habit);
    if (word.starts_with("\u00a0")) return apply(token, *find(kSigns, "\u00a0"));
    if (is_curly_quote(word)) return mend_curly_quotes(token);
    if (static_cast<unsigned char>(word[0]) >= 0x80) return mend_name(token);
    if (static_cast<unsigned char>(word[0]) < 0x20)
      error(token, "there is a control character here").help("remove it");
    else
      error(token, fmt::format("`{}` is no sign of the language", word));
    return false;
  }

  // A word with letters beyond ASCII, of which the lexer made several tokens, becomes one name.
  bool mend_name(Token &token) {
    Span span = span_of(token, file_);
    while (touches_next() && (next(1).getType() == Lexer::NAME || next(1).getType() == Lexer::OTHER)) {
      span.end = next(1).end;
      ++at_;
    }
    bool continues = !list_.tokens.empty() && last().end == span.begin && last().getType() == Lexer::NAME;
    if (continues) span.begin = last().begin;
    std::string_view word = std::string_view(source_.text()).substr(span.begin, span.end - span.begin);
    error(span, fmt::format("`{}` is no name", word)).help("names are made of a to z, A to Z, 0 to 9 and `_`");
    if (continues) {
      last().end = span.end;
      return false;
    }
    here().begin = span.begin;
    here().setType(Lexer::NAME);
    here().starts_line = token.starts_line;
    return true;
  }

  bool mend_word(Token &token) {
    std::string_view word = text(token);
    if (const Habit *habit = find(kWords, word)) return apply(token, *habit);
    bool begins = token.starts_line ||
                  (!list_.tokens.empty() && (last().getType() == Lexer::LBRACE || last().getType() == Lexer::RBRACE));
    if (!begins || !has(1) || !same_line(at_ + 1)) return true;
    const Habit *habit = find(kOpeners, word);
    if (!habit || !begins_operand(next(1).getType())) return true;
    bool names = habit->meant == Lexer::BLOCK || (habit->meant == kDropped && word != "return");
    if (names && next(1).getType() != Lexer::NAME) return true;
    bool keep = apply(token, *habit);
    token.reported = true;
    if (habit->meant == Lexer::ELSE) {
      auto condition = std::make_unique<Token>(token);
      condition->setType(Lexer::IF);
      condition->begin = token.end;
      condition->starts_line = false;
      list_.tokens.push_back(std::move(input_[at_]));
      list_.tokens.push_back(std::move(condition));
      return false;
    }
    return keep;
  }
  static bool begins_operand(size_t type) {
    switch (type) {
      case Lexer::NAME:
      case Lexer::NUMBER:
      case Lexer::STRING:
      case Lexer::TRUE:
      case Lexer::FALSE:
      case Lexer::NOT:
      case Lexer::IF:
      case Lexer::LPAREN:
      case Lexer::LBRACKET:
      case Lexer::MINUS:
        return true;
      default:
        return type >= Lexer::PARAM && type <= Lexer::ON;
    }
  }

  // 0.5x
  bool mend_number(Token &token) {
    if (touches_next() && next(1).getType() == Lexer::NAME && !is_unit(text(next(1)))) {
      token.end = next(1).end;
      not_a_number(span_of(token, file_));
      list_.tokens.push_back(std::move(input_[at_]));
      ++at_;
      return false;
    }
    return true;
  }
  // 2h is a number with a unit, 1_000 and 3x are nothing.
  bool split_number(Token &token) {
    std::string_view word = text(token);
    size_t digits = word.find_first_not_of("0123456789");
    token.setType(Lexer::NUMBER);
    if (!is_unit(word.substr(digits))) {
      not_a_number(span_of(token, file_));
      return true;
    }
    auto unit = std::make_unique<Token>(token);
    unit->setType(Lexer::NAME);
    unit->begin = token.begin + static_cast<uint32_t>(digits);
    unit->starts_line = false;
    token.end = unit->begin;
    list_.tokens.push_back(std::move(input_[at_]));
    list_.tokens.push_back(std::move(unit));
    return false;
  }
  void not_a_number(Span span) {
    std::string word = source_.text().substr(span.begin, span.end - span.begin);
    auto &message = error(span, fmt::format("`{}` is neither a number nor a name", word));
    std::string plain = word;
    std::erase(plain, '_');
    if (plain.size() < word.size() && plain.find_first_not_of("0123456789") == std::string::npos)
      message.help("digits are written without `_`: " + plain);
    else {
      size_t letters = word.find_first_not_of("0123456789.");
      std::string help = unit_help(word.substr(letters));
      message.help(help.starts_with("did") ? help
                                           : fmt::format("a name begins with a letter; a product is written {} * {}",
                                                         word.substr(0, letters), word.substr(letters)));
    }
  }

  bool mend_single_quotes(Token &token) {
    bool closed = token.getType() == Lexer::SINGLE_QUOTED;
    std::string_view inside = text(token).substr(1);
    if (closed) inside.remove_suffix(1);
    error(token, "strings are written with double quotes")
        .help(fmt::format("\"{}\"", closed && inside.size() < 60 ? inside : "..."));
    token.setType(Lexer::STRING);
    token.reported = !closed;
    return true;
  }

  static bool is_curly_quote(std::string_view word) {
    return word.starts_with("\u201c") || word.starts_with("\u201d") || word.starts_with("\u2018") ||
           word.starts_with("\u2019");
  }
  // Everything up to the other quote, or the end of the line, is the string.
  bool mend_curly_quotes(Token &token) {
    error(token, "this is not the quotation mark of the keyboard").help("strings are written with `\"` on both sides");
    token.setType(Lexer::STRING);
    list_.tokens.push_back(std::move(input_[at_]));
    auto same = [&] {
      return has(1) && next(1).getLine() == token.getLine() && next(1).getType() != antlr4::Token::EOF;
    };
    bool closed = false;
    while (same() && !closed) {
      ++at_;
      closed = is_curly_quote(text(here()));
      token.end = here().end;
    }
    token.reported = !closed;
    return false;
  }

  // `// words of a comment` against a division
  bool mend_comment(Token &token) {
    bool words = false;
    for (size_t i = 1; has(i + 1) && same_line(at_ + i + 1); ++i)
      words |= next(i).getType() == Lexer::NAME && next(i + 1).getType() == Lexer::NAME;
    bool alone = token.starts_line && (!has(1) || !same_line(at_ + 1) || !has(2) || !same_line(at_ + 2));
    if (!words && !alone) return true;
    error(token, "comments begin with `#`");
    drop_line();
    return false;
  }

  void drop_line() {
    while (has(1) && same_line(at_ + 1) && next(1).getType() != antlr4::Token::EOF) {
      ++at_;
    }
  }

  TokenList &list_;
  const SourceFile &source_;
  FileId file_;
  Diagnostics &diagnostics_;
  std::vector<std::unique_ptr<antlr4::Token>> input_;
  size_t at_ = 0;
};

}  // namespace

void mend_foreign_words(TokenList &list, const SourceFile &source, FileId file, Diagnostics &diagnostics) {
  Mender(list, source, file, diagnostics).run();
}

}  // namespace netc::syntax
