#include "cli/failure.h"

#include <cstdio>

namespace p2c2r::cli {

std::string describe(const p2c2r_error& error) {
    std::string text = p2c2r_status_name(error.status);
    if (error.field[0] != '\0') text += std::string(": field '") + error.field + "'";
    text += ": ";
    text += error.text[0] != '\0' ? error.text : p2c2r_status_text(error.status);
    return text;
}

Failure library_failure(int exit_code, const std::string& what, const p2c2r_error& error) {
    return {exit_code, what + ": " + describe(error)};
}

int report(const char* command, const Failure& failure) {
    std::fprintf(stderr, "p2c2r %s: %s\n", command, failure.text.c_str());
    return failure.exit_code;
}

}  // namespace p2c2r::cli
