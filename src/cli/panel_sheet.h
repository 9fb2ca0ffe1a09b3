// Pictures next to each other under a title, each with its caption.
#pragma once

#include <string>
#include <vector>

#include "cli/picture.h"

namespace p2c2r::cli {

struct Panel {
    std::string caption;
    Picture picture;
};

// Row by row, `columns` in each; all panels have the size of the first.
Picture panel_sheet(const std::string& title, const std::vector<Panel>& panels, uint32_t columns);

// As `file` in `directory`, PNG.
Outcome write_png(Session& session, const Picture& picture, const std::string& directory,
                  const std::string& file);

}  // namespace p2c2r::cli
