// Reader of texts: text("reviews.tsv", max_tokens = 2000). The optional part "text".
//
//   text("file")                      a sample a line: the label, a tab, the text
//   text("file.csv", text = "review", target = "stars")     columns of a table with a header (also .tsv)
//   text("folder")                    a folder for each class, whose .txt files are the samples
#include <functional>

#include "runtime/data/arguments.h"
#include "runtime/data/csv_options.h"
#include "runtime/data/csv_scanner.h"
#include "runtime/data/folder.h"
#include "runtime/data/labels.h"
#include "runtime/data/module.h"
#include "runtime/data/text_tokens.h"
#include "runtime/io/file.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

struct TextOptions {
  Vectorisation how;
  int64_t vocabulary = 0;    // the most tokens that are kept
  std::string text, target;  // columns
  std::vector<std::string> classes;
};

Result<std::string> choice_of(const json &call, const char *name, const std::vector<std::string> &choices) {
  auto text = text_argument(call, name, choices[0]);
  if (!text || std::find(choices.begin(), choices.end(), *text) != choices.end()) return text;
  return fail("text: " + std::string(name) + " is " + listed(choices) + ", found " + in_quotes(*text));
}

Result<TextOptions> text_options(const ReadRequest &request) {
  const json &call = *request.call;
  if (auto known = check_named_arguments(
          call, {"max_tokens", "standardize", "split", "output_mode", "text", "target", "classes"});
      !known)
    return tl::unexpected(known.error());
  TextOptions options;
  auto standardize =
      choice_of(call, "standardize", {"lower_and_strip_punctuation", "lower", "strip_punctuation", "none"});
  auto split = choice_of(call, "split", {"whitespace", "character"});
  auto output = choice_of(call, "output_mode", {"int", "multi_hot", "count"});
  auto text = text_argument(call, "text", "");
  auto target = text_argument(call, "target", "");
  auto classes = texts_argument(call, "classes");
  for (const auto *one : {&standardize, &split, &output, &text, &target})
    if (!*one) return tl::unexpected(one->error());
  if (!classes) return tl::unexpected(classes.error());
  // `standardize = none` arrives as the absence of the argument's value.
  auto named = call.find("named");
  bool none = named != call.end() && named->contains("standardize") && (*named)["standardize"].is_null();
  options.how.rule.lower = !none && standardize->starts_with("lower");
  options.how.rule.strip_punctuation = !none && standardize->ends_with("punctuation");
  options.how.rule.characters = *split == "character";
  options.text = *text;
  options.target = *target;
  options.classes = std::move(*classes);

  bool numbers = *output == "int";
  options.how.output = numbers ? TextOutput::numbers : *output == "count" ? TextOutput::count : TextOutput::multi_hot;
  if (request.inputs.size() != 1 || request.inputs[0].shape.size() != 1 ||
      (request.inputs[0].dtype == "i32") != numbers)
    return fail(std::string("text with output_mode = ") + *output + " needs a network with one input " +
                    (numbers ? "i32[length]" : "f32[max_tokens]"),
                numbers ? "for example words: i32[100], and embedding(max_tokens, 16); or output_mode = multi_hot"
                        : "for example words: f32[2000]; or output_mode = int for an embedding");
  options.how.length = request.inputs[0].shape[0];
  const json *limit = named_argument(call, "max_tokens");
  if (!limit && numbers)
    return fail("text needs max_tokens: the size of the vocabulary, which is the input_dim of the embedding",
                "for example max_tokens = 2000");
  int64_t tokens = options.how.length;
  if (limit) tokens = limit->is_number_integer() ? limit->get<int64_t>() : 0;
  if (tokens < 3 || tokens > int64_t{1} << 24)
    return fail("text: max_tokens is a whole number from 3, found " + (limit ? limit->dump() : std::to_string(tokens)));
  if (!numbers && tokens != options.how.length)
    return fail("text: max_tokens is " + std::to_string(tokens) + ", and the network's input has " +
                    std::to_string(options.how.length) + " elements",
                "leave max_tokens out, it is the size of the input");
  options.vocabulary = tokens - (numbers ? 2 : 1);
  return options;
}

// What was read, before it becomes numbers.
struct Corpus {
  std::vector<std::string> texts;
  TextColumn labels;
  std::vector<int32_t> label_of;  // by text; empty for predict
  std::vector<CsvField> fields;   // the labels, for a target that is a number
  bool whole_files = false;       // a sample is a file
};

tl::unexpected<Error> not_text(const std::string &place, const std::string &text) {
  return fail(place + (text.find('\0') != std::string::npos ? "a zero byte: this is not a text file"
                                                            : "this is not UTF-8 text"),
              "convert the file: iconv -f latin1 -t utf-8");
}

bool is_text(const std::string &text) { return text.find('\0') == std::string::npos && is_utf8(text); }

void add_label(Corpus &corpus, CsvField field) {
  corpus.label_of.push_back(corpus.labels.number_of(trimmed(field.text), field.line, field.column));
  corpus.fields.push_back(std::move(field));
}

Result<void> read_lines(const ReadRequest &request, const std::string &path, Corpus &corpus) {
  auto content = read_data_file(request, path);
  if (!content) return tl::unexpected(content.error());
  int64_t number = 0;
  for (size_t begin = content->starts_with("\xef\xbb\xbf") ? 3 : 0, end; begin < content->size(); begin = end + 1) {
    end = std::min(content->find('\n', begin), content->size());
    ++number;
    std::string line = content->substr(begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (trimmed(line).empty()) continue;
    std::string place = path + ":" + std::to_string(number) + ": ";
    if (!is_text(line)) return not_text(place, line);
    if (request.needs_targets) {
      size_t tab = line.find('\t');
      if (tab == std::string::npos)
        return fail(place + "no tab: expected the label, a tab and the text",
                    "or name the columns of a table with a header: text = \"review\", target = \"stars\"");
      if (trimmed(line.substr(0, tab)).empty()) return fail(place + "the label is empty");
      add_label(corpus, {line.substr(0, tab), number, 1});
      line = line.substr(tab + 1);
    }
    corpus.texts.push_back(std::move(line));
  }
  return {};
}

Result<void> read_table(const ReadRequest &request, const std::string &path, const TextOptions &options,
                        Corpus &corpus) {
  auto content = read_data_file(request, path);
  if (!content) return tl::unexpected(content.error());
  std::string name = path.ends_with(".gz") ? path.substr(0, path.size() - 3) : path;
  CsvScanner scanner(path, *content, name.ends_with(".tsv") ? '\t' : ',');
  std::vector<CsvField> fields;
  std::vector<std::string> columns;
  size_t text = 0, target = 0;
  for (;;) {
    auto more = scanner.next(fields);
    if (!more) return tl::unexpected(more.error());
    if (!*more) return {};
    if (columns.empty()) {
      for (const CsvField &field : fields) columns.emplace_back(trimmed(field.text));
      for (auto [column, at] : {std::pair{&options.text, &text}, std::pair{&options.target, &target}}) {
        if (column == &options.target && !request.needs_targets) continue;
        auto found = std::find(columns.begin(), columns.end(), *column);
        if (found == columns.end())
          return fail(path + ": no column " + in_quotes(*column), "the columns are " + listed(columns));
        *at = static_cast<size_t>(found - columns.begin());
      }
      continue;
    }
    if (fields.size() != columns.size())
      return fail(scanner.place(fields[0]) + std::to_string(fields.size()) + " fields, expected " +
                      std::to_string(columns.size()) + " as in the header",
                  "a text that holds the separator or a line break has to be in quotes");
    if (!is_text(fields[text].text)) return not_text(scanner.place(fields[text]), fields[text].text);
    corpus.texts.push_back(std::move(fields[text].text));
    if (!request.needs_targets) continue;
    if (trimmed(fields[target].text).empty()) return fail(scanner.place(fields[target]) + "the label is empty");
    add_label(corpus, std::move(fields[target]));
  }
}

Result<std::string> read_whole_file(const std::string &path, const std::string &name) {
  auto text = read_file(path, uint64_t{1} << 28);
  if (!text) return text;
  if (!is_text(*text)) return not_text(name + ": ", *text);
  return text;
}

Result<void> read_folder(const ReadRequest &request, const std::string &path, Corpus &corpus) {
  auto folder = read_class_folder(request.root, path, {".txt"});
  if (!folder) return tl::unexpected(folder.error());
  corpus.labels = std::move(folder->labels);
  corpus.whole_files = true;
  for (const FolderFile &file : folder->files) {
    auto text = read_whole_file(file.path, file.name);
    if (!text) return tl::unexpected(text.error());
    corpus.texts.push_back(std::move(*text));
    corpus.label_of.push_back(file.label);
    corpus.fields.push_back({file.name, 0, 0});
  }
  return {};
}

Result<Corpus> read_corpus(const ReadRequest &request, const std::string &path, const TextOptions &options) {
  Corpus corpus;
  corpus.labels.file = path;
  Result<void> done;
  bool table = !options.text.empty() && (path.ends_with(".csv") || path.ends_with(".tsv") || request.needs_targets);
  if (request.needs_targets && options.text.empty() != options.target.empty())
    done = fail("text: text and target both name a column of a table, or neither");
  else if (!request.needs_targets && request.schema.text_files) {
    auto text = read_whole_file(resolve_path(request.root, path), path);
    if (!text) return tl::unexpected(text.error());
    corpus.texts.push_back(std::move(*text));
  } else if (table)
    done = read_table(request, path, options, corpus);
  else if (request.needs_targets && is_folder(resolve_path(request.root, path)))
    done = read_folder(request, path, corpus);
  else
    done = read_lines(request, path, corpus);
  if (!done) return tl::unexpected(done.error());
  if (corpus.texts.empty()) return fail(path + ": no samples in it");
  return corpus;
}

Result<void> set_targets(const ReadRequest &request, const TextOptions &options, const Corpus &corpus, RawData &data) {
  data.targets.count = data.features.count;
  bool named =
      request.targets_are_classes || corpus.whole_files || !options.classes.empty() || !request.schema.classes.empty();
  if (!named) {
    std::vector<float> values;
    for (const CsvField &field : corpus.fields) {
      auto value = parse_number(field.text);
      if (!value)
        return fail(data.source + ":" + std::to_string(field.line) + ": the label " + in_quotes(field.text) +
                        " is not a number",
                    "name the classes: classes = [\"no\", \"yes\"]");
      values.push_back(static_cast<float>(*value));
    }
    data.targets.shape = {1};
    data.targets.values = std::move(values);
    return {};
  }
  auto classes = name_classes(request, options.classes, corpus.labels, options.target);
  if (!classes) return tl::unexpected(classes.error());
  data.schema.classes = std::move(classes->names);
  std::vector<int32_t> labels;
  for (int32_t label : corpus.label_of) labels.push_back(classes->index_of[static_cast<size_t>(label)]);
  if (request.targets_are_classes) {
    data.targets.values = std::move(labels);
  } else {
    data.targets.shape = {1};
    data.targets.values = std::vector<float>(labels.begin(), labels.end());
  }
  return {};
}

Result<RawData> read_text(const ReadRequest &request) {
  auto paths = path_arguments(*request.call, 1, 1, "text(\"file\", max_tokens = 2000)");
  if (!paths) return tl::unexpected(paths.error());
  auto options = text_options(request);
  if (!options) return tl::unexpected(options.error());
  auto corpus = read_corpus(request, paths->front(), *options);
  if (!corpus) return tl::unexpected(corpus.error());
  RawData data;
  data.source = paths->front();
  data.schema.text_files = corpus->whole_files;
  data.features.count = static_cast<int64_t>(corpus->texts.size());
  data.features.shape = {options->how.length};
  if (request.needs_targets)
    if (auto done = set_targets(request, *options, *corpus, data); !done) return tl::unexpected(done.error());
  data.vectorise = [texts = std::move(corpus->texts), how = options->how, limit = options->vocabulary](
                       RawData &raw, const std::vector<int64_t> &training_rows, Schema &schema) {
    if (schema.vocabulary.empty()) schema.vocabulary = fitted_vocabulary(texts, training_rows, how.rule, limit);
    raw.features = vectorised(texts, schema.vocabulary, how);
  };
  return data;
}

}  // namespace
}  // namespace netc::runtime

extern "C" const nc_reader_module nc_module_text = {{"reader", "text"}, netc::runtime::read_text};
