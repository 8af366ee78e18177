// Finds blocks of the standard library by name, parsing only the files that are used: an index of the embedded text
// says which file declares which block, so that a small network does not pay for layers it does not name.
//
// Some files are vocabularies: data, train, check and tune declare what may be called in the section of that name
// (signatures with documentation, no values in networks); schedules holds what may be called for a learning rate.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "frontend/ast.h"
#include "support/diagnostics.h"

namespace netc::elaborate {

class Library {
 public:
  Library(SourceMap &sources, Diagnostics &diagnostics);

  // The block `name` that networks may use, or null.
  const ast::BlockDecl *find(const std::string &name);
  // What may be called in sections of this kind, or null.
  const ast::BlockDecl *find_call(const std::string &section, const std::string &name);
  // The stem of the file that declares a block: "losses"; empty when there is no such block.
  std::string home(const std::string &name) const;
  bool owns(FileId file) const { return files_.count(file) != 0; }
  std::vector<std::string> names() const;
  std::vector<std::string> call_names(const std::string &section) const;

 private:
  const ast::BlockDecl *load(size_t file, const std::string &name);
  SourceMap &sources_;
  Diagnostics &diagnostics_;
  std::map<std::string, size_t> blocks_;                           // name -> index of the embedded file
  std::map<std::string, std::map<std::string, size_t>> sections_;  // section -> name -> index
  std::map<size_t, std::map<std::string, const ast::BlockDecl *>> loaded_;
  std::vector<std::unique_ptr<ast::File>> trees_;
  std::set<FileId> files_;
};

// "std/losses.net" -> "losses"
std::string file_stem(std::string_view path);
// The names behind `block ` at the start of a line, in order.
std::vector<std::string> declared_blocks(std::string_view text);
// Whether the blocks of this file are found by find_call alone.
bool is_vocabulary(std::string_view stem);

}  // namespace netc::elaborate
