// csv(...) and tsv(...) under `stream = true`: a first pass finds columns, classes and categories and where the records
// of each block begin; the features are read again whenever a block is needed.
#include <algorithm>

#include "runtime/data/arguments.h"
#include "runtime/data/csv_table.h"
#include "runtime/data/data_file.h"
#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

constexpr int64_t longest_record = int64_t{1} << 26;

// A run of whole records.
struct CsvBlock {
  int64_t begin = 0, bytes = 0;
  int64_t line = 1;  // of its first record
  bool has_header = false;
};

// The end of the last whole record in `text`, which begins with a record: line ends in quotes end none.
size_t end_of_records(std::string_view text) {
  bool in_quotes = false;
  size_t end = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    in_quotes ^= text[i] == '"';
    if (text[i] == '\n' && !in_quotes) end = i + 1;
  }
  return end;
}

// Calls `each` with the text of every block, in order.
template <typename Each>
Result<void> for_each_block(const DataFile &file, int64_t block_bytes, Each &&each) {
  CsvBlock block;
  while (block.begin < file.size()) {
    std::string text;
    size_t end = 0;
    for (int64_t wanted = block_bytes; end == 0; wanted *= 2) {
      int64_t bytes = std::min(wanted, file.size() - block.begin);
      auto piece = file.read(block.begin, bytes);
      if (!piece) return tl::unexpected(piece.error());
      text = std::move(*piece);
      end = block.begin + bytes == file.size() ? text.size() : end_of_records(text);
      if (end == 0 && bytes >= longest_record)
        return fail(file.name() + ":" + std::to_string(block.line) + ": a record of more than 67108864 bytes",
                    "is a quote opened here and never closed?");
    }
    text.resize(end);
    block.bytes = static_cast<int64_t>(end);
    if (auto done = each(block, text); !done) return done;
    block.begin += block.bytes;
    block.line += std::count(text.begin(), text.end(), '\n');
  }
  return {};
}

Result<RawData> stream_csv(const ReadRequest &request) {
  std::string usage = call_name(*request.call) + "(\"file.csv\", target = \"name\")";
  auto paths = path_arguments(*request.call, 1, 1, usage);
  if (!paths) return tl::unexpected(paths.error());
  auto options = csv_options(*request.call);
  if (!options) return tl::unexpected(options.error());
  auto file = DataFile::open(request, paths->front());
  if (!file) return tl::unexpected(file.error());
  if (file->is_in_memory())
    return fail(file->name() + ": packed, which cannot be streamed", "unpack it, or write stream = false");

  CsvTable table(request, *options, file->name());
  auto stream = std::make_shared<Stream>();
  std::vector<CsvBlock> blocks;
  bool is_open = false;
  auto done = for_each_block(*file, request.block_bytes, [&](CsvBlock block, std::string_view text) -> Result<void> {
    CsvScanner scanner(file->name(), text, options->separator, block.line);
    if (!is_open) {
      CsvScanner first = scanner;
      std::vector<CsvField> fields;
      auto more = first.next(fields);
      if (!more) return tl::unexpected(more.error());
      if (!*more) return {};  // blank lines
      if (auto opened = table.open(scanner); !opened) return opened;
      is_open = block.has_header = true;
    }
    int64_t before = table.rows();
    if (auto read = table.read_rows(scanner); !read) return read;
    table.forget_features();
    if (table.rows() == before) return {};
    stream->block_begin.push_back(before);
    blocks.push_back(block);
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  if (!is_open) return fail(file->name() + ": the file is empty");
  auto data = table.settle();
  if (!data) return data;
  stream->block_begin.push_back(table.rows());
  stream->read = [file = *file, table, blocks, begins = stream->block_begin, separator = options->separator,
                  header = options->header](int64_t number) -> Result<std::vector<Array>> {
    const CsvBlock &block = blocks[static_cast<size_t>(number)];
    auto text = file.read(block.begin, block.bytes);
    if (!text) return tl::unexpected(text.error());
    CsvScanner scanner(file.name(), *text, separator, block.line);
    std::vector<CsvField> names;
    if (block.has_header && header)
      if (auto skipped = scanner.next(names); !skipped) return tl::unexpected(skipped.error());
    CsvTable part = table;
    if (auto read = part.read_rows(scanner); !read) return tl::unexpected(read.error());
    size_t at = static_cast<size_t>(number);
    if (!part.knows_all_texts() || part.rows() - table.rows() != begins[at + 1] - begins[at])
      return fail(scanner.place(block.line, 1) + "the file has changed while it was read");
    return std::vector<Array>{part.features()};
  };
  data->stream = std::move(stream);
  return data;
}

}  // namespace
}  // namespace netc::runtime

extern "C" const nc_stream_module nc_module_stream_csv = {
    {"stream", "csv"}, netc::runtime::stream_csv, netc::runtime::stream_selector};
