#include "cli/failure.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "cli/library_words.h"
#include "cli/message.h"
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
    const std::string text = error.text[0] != '\0' ? error.text : p2c2r_status_text(error.status);
    const std::string field = error.field;
    const bool speaks_of_it = field.empty() || text.find(field) != std::string::npos;
    return speaks_of_it || field == "task_type" ? text : "'" + field + "': " + text;
}

std::string describe(const p2c2r_error& error) {
    return std::string(p2c2r_status_name(error.status)) + ": " + in_options(error);
}

Failure library_failure(int exit_code, const std::string& what, const p2c2r_error& error) {
    const std::string_view field = error.field;
    const bool is_plaintext =
        error.status == P2C2R_E_DENIED && (field == "listen_address" || field == "coordinator_url");
    std::string text = what + ": " + describe(error);
    if (is_plaintext) {
        constexpr std::string_view kInJson = R"(options say {"allow_plaintext": true})";
        const size_t at = text.find(kInJson);
        at == std::string::npos ? text += " (--plaintext-anywhere)"
                                : text.replace(at, kInJson.size(), "--plaintext-anywhere is given");
    }
    return {is_about_file(error) ? kExitUsage : exit_code, std::move(text)};
}

Failure call_failure(int exit_code, const char* call, const p2c2r_error& error) {
    Failure failure = library_failure(exit_code, said_call(call), error);
    const std::string own_name = std::string("'") + call + "' is";
    if (const size_t at = failure.text.find(own_name); at != std::string::npos) {
        failure.text.replace(at, own_name.size(), "that is");
    }
    return failure;
}

int report(const char* command, const Failure& failure) {
    clear_status_line();
    std::fprintf(stderr, "p2c2r %s: %s\n", command, printable(failure.text).c_str());
    return failure.exit_code;
}

}  // namespace p2c2r::cli
