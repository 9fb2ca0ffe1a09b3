// Errors speak of options and commands, not of the library's fields and calls.
#include <doctest/doctest.h>

#include <cstdio>

#include "cli/failure.h"
#include "cli/library_words.h"
#include "support/hosting.h"

using namespace p2c2r::cli;
using namespace p2c2r::test;

namespace {

p2c2r_error error_of(p2c2r_status status, const char* field, const char* text) {
    p2c2r_error error = {};
    error.status = status;
    std::snprintf(error.field, sizeof error.field, "%s", field);
    std::snprintf(error.text, sizeof error.text, "%s", text);
    return error;
}

}  // namespace

TEST_CASE("words: an error of what roles were made with names options, and of a task its params") {
    const struct {
        const char* field;
        const char* text;
        const char* said;
    } rows[] = {
        {"listen_address", "'x' is not loopback", "--listen-address: 'x' is not loopback"},
        {"peer_id", "peer_id must be short", "--peer-id must be short"},
        {"key_file", "certificate_file and key_file go together",
         "--key-file: --certificate-file and --key-file go together"},
        {"access_file", "'/a/access_file' is damaged",
         "--access-file: '/a/access_file' is damaged"},
        {"file", "cannot read '/x'", "cannot read '/x'"},
        {"schedule.hours", "options: schedule.hours '9' is no list", "--hours '9' is no list"},
        {"name", "there is no account 'x'", "there is no account 'x'"},
        {"name", "name has 65 bytes", "the account's name has 65 bytes"},
        {"from", "from 'x' is not any", "--from 'x' is not any"},
        {"", "", "invalid argument"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        std::string said = in_options(error_of(P2C2R_E_ARGUMENT, row.field, row.text));
        if (row.text[0] == '\0') {
            CHECK(said == p2c2r_status_text(P2C2R_E_ARGUMENT));
        } else {
            CHECK(said == row.said);
        }
    }
    CHECK(sentence(error_of(P2C2R_E_PARAMS, "mode", "has no such value")) ==
          "'mode': has no such value");
    CHECK(sentence(error_of(P2C2R_E_PARAMS, "mode", "mode is 0")) == "mode is 0");
    const Failure failure = call_failure(
        1, "key.invite",
        error_of(P2C2R_E_DENIED, "", "'key.invite' is for the coordinator's operator"));
    CHECK(failure.text == "making a join code: E_DENIED: that is for the coordinator's operator");
    CHECK(failure.exit_code == 1);
    const Failure plain =
        library_failure(1, "coordinator x",
                        error_of(P2C2R_E_DENIED, "coordinator_url",
                                 R"(refused unless options say {"allow_plaintext": true})"));
    CHECK(plain.text ==
          "coordinator x: E_DENIED: --coordinator: refused unless "
          "--plaintext-anywhere is given");
}

TEST_CASE("words: no message of a command that failed names a field or a call of the library") {
    const Workplace here;
    Hosting host(here, {"--no-peer"});
    const Machine& machine = host.machine;
    const std::string bad = here.write("bad", "x");
    const std::string many(200, 'n');
    const struct {
        std::vector<std::string> words;
        int exit_code;
        const char* says;
    } rows[] = {
        {{"join", host.code, "--no-benchmark", "--name", many}, 2, "join: --name must be 1 to"},
        {{"keys", "show", "--file", here.path("none")}, 2, "reading the key: "},
        {{"keys", "new", "--file", bad}, 2, "making a key: "},
        {{"peer", "--peer-id", many}, 2, "--peer-id must be 1 to"},
        {{"peer", "--coordinator", "http://x"}, 2, "--coordinator: 'http://x' begins"},
        {{"peer", "--hours", "10-99"}, 2, "E_ARGUMENT: --hours '10-99' is not"},
        {{"status", "--coordinator", "p2c2r://127.0.0.1:1"}, 2, "--server-pin: neither"},
        {{"token", many}, 2, "making a token: E_PARAMS: the account's name has 200 bytes"},
        {{"token", "bob", "--roles", "none"}, 2, "--roles: 'none' is not gamer, peer or both"},
        {{"revoke", "nobody"}, 1, "revoking the account: "},
        {{"exec", "nonsense", "--data", bad}, 1, "no executor for 'nonsense'"},
    };
    for (const auto& row : rows) {
        const Ran ran = machine.run(row.words);
        CAPTURE(ran.error);
        CHECK(ran.exit_code == row.exit_code);
        CHECK(ran.error.find(row.says) != std::string::npos);
        for (const char* own : {"field '", "client_id", "peer_id", "key.", "keys.",
                                "coordinator_url", "options: ", "server_pin"}) {
            CHECK(ran.error.find(own) == std::string::npos);
        }
    }
    CHECK(host.process.stop(kStopUs) == 0);
}
