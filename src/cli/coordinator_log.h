// What `coordinator` and `host` write into their log.
#pragma once

#include "cli/log_writer.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::cli {

// An event function; `user` is the LogWriter.
void P2C2R_CALL log_coordinator_event(void* user, const p2c2r_event* event);

// Reads the certificate again, and says how that went.
void reload_certificate(p2c2r_coordinator* coordinator, LogWriter& log);

}  // namespace p2c2r::cli
