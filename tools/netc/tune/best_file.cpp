#include "tools/netc/tune/best_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "frontend/frontend.h"
#include "runtime/io/file.h"

namespace netc::tune {
namespace {

namespace fs = std::filesystem;

struct Edit {
  Span span;
  std::string text;
};

std::string text_literal(const std::string &text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

// The value as the language writes it; `before` is what stands there.
std::string value_literal(const nlohmann::json &value, const ast::Expr &before) {
  if (value.is_string() && std::holds_alternative<ast::String>(before.node))
    return text_literal(value.get<std::string>());
  return value_text(value);
}

// Finds the texts in an expression.
template <typename Visit>
void each_text(const ast::Expr &expression, const Visit &visit) {
  if (std::holds_alternative<ast::String>(expression.node)) return visit(expression);
  if (const auto *call = std::get_if<ast::Call>(&expression.node))
    for (const ast::Argument &argument : call->arguments) each_text(*argument.value, visit);
  if (const auto *list = std::get_if<ast::List>(&expression.node))
    for (const auto &item : list->items) each_text(*item, visit);
  if (const auto *binary = std::get_if<ast::BinaryOp>(&expression.node)) {
    each_text(*binary->left, visit);
    each_text(*binary->right, visit);
  }
}

class Editor {
 public:
  // `main` is the folder of the file given to netc: paths of data are relative to it.
  Editor(const SourceMap &sources, const Values &values, fs::path main, fs::path folder)
      : sources_(sources), values_(values), main_(std::move(main)), folder_(std::move(folder)) {}

  // The text of a file after all edits.
  std::string edited(FileId id, const ast::File &tree) {
    edits_.clear();
    for (const ast::Item &item : tree.items) {
      if (const auto *param = std::get_if<ast::ParamDecl>(&item.node)) set(*param);
      if (const auto *import = std::get_if<ast::Import>(&item.node)) rename_import(*import, item.span);
      if (const auto *section = std::get_if<ast::Section>(&item.node); section && section->kind.text != "defaults")
        for (const ast::Entry &entry : section->entries)
          each_text(*entry.value, [&](const ast::Expr &text) { move_path(text); });
    }
    std::string text = sources_.file(id).text();
    std::sort(edits_.begin(), edits_.end(), [](const Edit &a, const Edit &b) { return a.span.begin > b.span.begin; });
    for (const Edit &edit : edits_) text.replace(edit.span.begin, edit.span.end - edit.span.begin, edit.text);
    return text;
  }

 private:
  void set(const ast::ParamDecl &param) {
    auto value = values_.find(param.name.text);
    if (value == values_.end()) return;
    // What follows stays where it is, as far as there are blanks to take or to give.
    Span span = param.value->span;
    std::string literal = value_literal(value->second, *param.value);
    const std::string &text = sources_.file(span.file).text();
    size_t end = text.find_first_not_of(' ', span.end);
    size_t blanks = end == std::string::npos ? 0 : end - span.end, width = span.end - span.begin + blanks;
    if (blanks > 1 && literal.size() + 1 <= width) {
      literal.append(width - literal.size(), ' ');
      span.end += static_cast<uint32_t>(blanks);
    }
    edits_.push_back({span, literal});
  }
  void rename_import(const ast::Import &import, Span span) {
    std::string name = "best-" + fs::path(import.path).stem().string() + ".net";
    edits_.push_back({span, "import " + text_literal(name)});
  }
  // A text that is the path of something, seen from the folder of the file, is written as seen from the new folder.
  void move_path(const ast::Expr &expression) {
    const std::string &path = std::get<ast::String>(expression.node).value;
    std::error_code code;
    if (path.empty() || fs::path(path).is_absolute() || !fs::exists(main_ / path, code)) return;
    fs::path moved = fs::relative(fs::canonical(main_ / path, code), folder_, code);
    if (!code) edits_.push_back({expression.span, text_literal(moved.generic_string())});
  }

  const SourceMap &sources_;
  const Values &values_;
  fs::path main_, folder_;
  std::vector<Edit> edits_;
};

}  // namespace

Result<void> write_best_file(const fs::path &file, const Values &values, const fs::path &folder) {
  SourceMap sources;
  Diagnostics diagnostics;
  if (!read_sources(file, sources, diagnostics)) return fail(file.string() + " has errors now");
  std::error_code code;
  fs::path main = fs::absolute(file, code).parent_path();
  Editor editor(sources, values, main, fs::canonical(folder, code));
  for (FileId id = 0; id < sources.size(); ++id) {
    auto tree = parse_file(sources, id, diagnostics);
    if (!tree) return fail(file.string() + " has errors now");
    std::string name = id == 0 ? "best.net" : "best-" + fs::path(sources.file(id).name()).stem().string() + ".net";
    auto written = runtime::write_file_atomically((folder / name).string(), editor.edited(id, *tree));
    if (!written) return written;
  }
  return {};
}

}  // namespace netc::tune
