#include "cli/daemon.h"

namespace p2c2r::cli {

Result<std::unique_ptr<LogWriter>> open_log(const Settings& settings) {
    const int32_t level = log_level_from(settings.text("log.level").value_or("info"));
    const LogFormat format = settings.text("log.format").value_or("text") == "json"
                                 ? LogFormat::kJson
                                 : LogFormat::kText;
    return LogWriter::open(settings.text("log.file").value_or(""), format, level);
}

void DaemonOptions::add_to(Command& command) {
    command.add_flag("--stop-with-input", stop_with_input,
                     "Stop when standard input ends: for a launcher that holds the other end");
}

}  // namespace p2c2r::cli
