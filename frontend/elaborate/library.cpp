#include "frontend/elaborate/library.h"

#include "frontend/frontend.h"
#include "frontend/standard_library.h"

namespace netc::elaborate {

std::string file_stem(std::string_view path) {
  size_t slash = path.find_last_of('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  return std::string(path.substr(0, path.find_last_of('.')));
}

std::vector<std::string> declared_blocks(std::string_view text) {
  constexpr std::string_view keyword = "block ";
  std::vector<std::string> names;
  for (size_t line = 0; line < text.size();) {
    if (text.substr(line, keyword.size()) == keyword) {
      size_t begin = line + keyword.size();
      names.emplace_back(text.substr(begin, text.find('(', begin) - begin));
    }
    size_t end = text.find('\n', line);
    line = end == std::string_view::npos ? text.size() : end + 1;
  }
  return names;
}

bool is_vocabulary(std::string_view stem) {
  return stem == "data" || stem == "train" || stem == "check" || stem == "tune" || stem == "schedules";
}

Library::Library(SourceMap &sources, Diagnostics &diagnostics) : sources_(sources), diagnostics_(diagnostics) {
  const auto &files = standard_library();
  for (size_t i = 0; i < files.size(); ++i) {
    std::string stem = file_stem(files[i].name);
    auto &index = is_vocabulary(stem) ? sections_[stem] : blocks_;
    for (const std::string &block : declared_blocks(files[i].text)) index[block] = i;
  }
}

const ast::BlockDecl *Library::load(size_t file, const std::string &name) {
  auto [entry, fresh] = loaded_.try_emplace(file);
  if (fresh) {
    const EmbeddedFile &source = standard_library()[file];
    FileId id = sources_.add(std::string(source.name), std::string(source.text));
    files_.insert(id);
    if (auto tree = parse_file(sources_, id, diagnostics_)) {
      trees_.push_back(std::make_unique<ast::File>(std::move(*tree)));
      for (const ast::Item &item : trees_.back()->items)
        if (const auto *block = std::get_if<ast::BlockDecl>(&item.node)) entry->second[block->name.text] = block;
    }
  }
  auto found = entry->second.find(name);
  return found == entry->second.end() ? nullptr : found->second;
}

const ast::BlockDecl *Library::find(const std::string &name) {
  auto it = blocks_.find(name);
  return it == blocks_.end() ? nullptr : load(it->second, name);
}

const ast::BlockDecl *Library::find_call(const std::string &section, const std::string &name) {
  auto calls = sections_.find(section);
  if (calls == sections_.end()) return nullptr;
  auto it = calls->second.find(name);
  return it == calls->second.end() ? nullptr : load(it->second, name);
}

std::string Library::home(const std::string &name) const {
  auto it = blocks_.find(name);
  return it == blocks_.end() ? "" : file_stem(standard_library()[it->second].name);
}

std::vector<std::string> Library::names() const {
  std::vector<std::string> result;
  for (const auto &[name, file] : blocks_) result.push_back(name);
  return result;
}

std::vector<std::string> Library::call_names(const std::string &section) const {
  std::vector<std::string> result;
  if (auto it = sections_.find(section); it != sections_.end())
    for (const auto &[name, file] : it->second) result.push_back(name);
  return result;
}

}  // namespace netc::elaborate
