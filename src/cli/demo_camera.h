// The moving camera as a part: of its own command, and what `demo stream --camera` goes on with.
#pragma once

#include "cli/camera_report.h"
#include "cli/demo.h"

namespace p2c2r::cli {

struct CameraPart {
    CameraFacts facts;
    std::string html;  // of a page, from its heading on
};
// Into options.out: before/, after/, contact_sheet.png, logs/.
Result<CameraPart> run_camera_part(const DemoCameraOptions& options, StopSignals& signals);
void print_camera_part(const CameraPart& part, const std::string& out);

}  // namespace p2c2r::cli
