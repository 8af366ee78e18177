// Reader of tables: csv("file.csv", target = "species") and tsv(...). The optional part "csv".
#include "runtime/data/arguments.h"
#include "runtime/data/csv_table.h"
#include "runtime/data/module.h"

namespace netc::runtime {

static Result<RawData> read_csv(const ReadRequest &request) {
  std::string usage = call_name(*request.call) + "(\"file.csv\", target = \"name\")";
  auto paths = path_arguments(*request.call, 1, 1, usage);
  if (!paths) return tl::unexpected(paths.error());
  auto options = csv_options(*request.call);
  if (!options) return tl::unexpected(options.error());
  auto text = read_data_file(request, (*paths)[0]);
  if (!text) return tl::unexpected(text.error());
  CsvScanner scanner((*paths)[0], *text, options->separator);
  CsvTable table(request, std::move(*options), (*paths)[0]);
  if (auto done = table.open(scanner); !done) return tl::unexpected(done.error());
  if (auto done = table.read_rows(scanner); !done) return tl::unexpected(done.error());
  auto data = table.settle();
  if (data) data->features = table.features();
  return data;
}

}  // namespace netc::runtime

extern "C" const nc_reader_module nc_module_csv = {{"reader", "csv"}, netc::runtime::read_csv};
