#include "cli/failure.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "cli/printable.h"

namespace p2c2r::cli {

namespace {

// Whatever is wrong with it: not there, open to others, damaged, of another kind, too old. One that
// another process uses is as good as any.
bool is_about_file(const p2c2r_error& error) {
    static constexpr std::string_view kFiles[] = {"access_file",      "audit_file",   "ca_file",
                                                  "certificate_file", "data_file",    "file",
                                                  "key_file",         "identity_file"};
    return error.status != P2C2R_E_BUSY &&
           std::find(std::begin(kFiles), std::end(kFiles), error.field) != std::end(kFiles);
}

}  // namespace

std::string sentence(const p2c2r_error& error) {
    const std::string field =
        error.field[0] != '\0' ? std::string("field '") + error.field + "': " : "";
    return field + (error.text[0] != '\0' ? error.text : p2c2r_status_text(error.status));
}

std::string describe(const p2c2r_error& error) {
    return std::string(p2c2r_status_name(error.status)) + ": " + sentence(error);
}

Failure library_failure(int exit_code, const std::string& what, const p2c2r_error& error) {
    // The library speaks of its own options; whoever runs the program has others.
    const std::string_view field = error.field;
    const bool is_plaintext =
        error.status == P2C2R_E_DENIED && (field == "listen_address" || field == "coordinator_url");
    return {is_about_file(error) ? kExitUsage : exit_code,
            what + ": " + describe(error) + (is_plaintext ? " (here: --plaintext-anywhere)" : "")};
}

int report(const char* command, const Failure& failure) {
    std::fprintf(stderr, "p2c2r %s: %s\n", command, printable(failure.text).c_str());
    return failure.exit_code;
}

}  // namespace p2c2r::cli
