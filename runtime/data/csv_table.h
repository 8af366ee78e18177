// CsvTable: the columns of a table and what its rows become. Used in this order: open() with the header, read_rows()
// with all records, whole or in parts, settle() once all are read, features() for the rows that are held.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/data/csv_options.h"
#include "runtime/data/csv_scanner.h"
#include "runtime/data/labels.h"
#include "runtime/data/reader.h"

namespace netc::runtime {

class CsvTable {
 public:
  // Keeps a copy of the request, whose pointers are used by open() and settle() only.
  CsvTable(const ReadRequest &request, CsvOptions options, std::string path);

  // Reads the header and finds the columns.
  Result<void> open(CsvScanner &scanner);
  // Reads all records that are left.
  Result<void> read_rows(CsvScanner &scanner);
  int64_t rows() const { return rows_; }  // read so far, without those that were dropped
  // Forgets the features of the rows read so far; their targets, weights and groups are kept.
  void forget_features() { values_.clear(); }
  // All but the features: targets, weights, groups, the schema. They are no longer in the table afterwards.
  Result<RawData> settle();
  // False when a text was read after settle() that was not there before: the file has changed.
  bool knows_all_texts() const;
  // The features of the rows that are held, after settle().
  Array features() const;

 private:
  using Names = std::vector<std::string>;
  struct Feature {
    size_t column = 0;
    std::optional<TextColumn> texts;  // of a categorical or indexed one: values_ hold the numbers of texts
    Names categories;
    std::vector<int32_t> index_of;  // the category of each text; -1: none of them
    bool indexed = false, indicated = false;
  };

  Result<void> read_header(CsvScanner &scanner);
  Result<size_t> column(const std::string &name, const char *role) const;
  Result<void> choose_columns();
  Result<Names> feature_names(const std::vector<bool> &used) const;
  Result<Names> in_order_of_inputs(const Names &names) const;
  Result<void> mark_features(const Names &names);
  Result<bool> read_row(const CsvScanner &scanner, const std::vector<CsvField> &fields);
  Result<bool> read_feature(const CsvScanner &scanner, const CsvField &field, Feature &feature);
  Result<bool> read_target(const CsvScanner &scanner, const CsvField &field, size_t column);
  Result<float> read_number(const CsvScanner &scanner, const CsvField &field, size_t column) const;
  Result<void> settle_categories(Feature &feature);
  bool has_named_classes() const;
  std::string of_column(size_t index) const { return " (column " + columns_[index] + ")"; }

  ReadRequest request_;
  CsvOptions options_;
  std::string path_, reader_;  // "csv" or "tsv"
  Names columns_;
  std::vector<CsvField> first_row_;  // of a file without a header
  std::vector<Feature> features_;
  std::vector<size_t> targets_, weight_, group_;
  TextColumn classes_;
  int64_t rows_ = 0;
  bool has_missing_ = false;
  std::vector<float> values_, target_values_, weights_;
  std::vector<int32_t> class_texts_;
  std::vector<int64_t> groups_;
};

}  // namespace netc::runtime
