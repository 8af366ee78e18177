// tune.html: the study as a page that needs nothing beside itself.
#pragma once

#include "tools/netc/tune/conclusion.h"

namespace netc::tune {

// Writes tune.html into the folder of the study.
Result<void> write_report(const Study &study, const StudySettings &settings, const Tuner &tuner, const Search &search,
                          const Conclusion &conclusion);

}  // namespace netc::tune
