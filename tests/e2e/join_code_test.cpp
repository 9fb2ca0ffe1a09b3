// What a join code's text holds, and what is none.
#include "cli/join_code.h"

#include <doctest/doctest.h>

#include "support/program.h"

using namespace p2c2r::test;
using p2c2r::cli::join_code_text;
using p2c2r::cli::JoinCode;
using p2c2r::cli::read_join_code;

namespace {

JoinCode some_code() {
    JoinCode code;
    code.hosts = {"192.168.1.20", "2001:db8::20", "desk.example.org"};
    code.port = 8765;
    for (size_t i = 0; i < code.pin.size(); ++i) code.pin[i] = static_cast<uint8_t>(i * 7);
    for (size_t i = 0; i < code.secret.size(); ++i) code.secret[i] = static_cast<uint8_t>(200 - i);
    code.gamer = true;
    return code;
}

}  // namespace

TEST_CASE("join code: what was put in comes out, however it was typed") {
    const JoinCode code = some_code();
    std::string text = join_code_text(code);
    CHECK(text.starts_with("P2C2R:"));
    std::string typed;
    for (char c : text) {
        if (c != '-') typed += static_cast<char>(std::tolower(c));
        if (typed.size() % 11 == 0) typed += ' ';
    }
    for (const std::string& given : {text, typed}) {
        CAPTURE(given);
        const auto read = read_join_code(given);
        REQUIRE(read);
        CHECK(read->hosts == code.hosts);
        CHECK(read->port == code.port);
        CHECK(read->pin == code.pin);
        CHECK(read->secret == code.secret);
        CHECK(read->gamer);
        CHECK_FALSE(read->peer);
    }
}

TEST_CASE("join code: a wrong or missing letter anywhere is noticed") {
    // Hosts of every length, so that the last letter has 0 to 4 bits over.
    for (const size_t more : {0, 1, 2, 3, 4}) {
        JoinCode code = some_code();
        code.hosts[2] += std::string(more, 'x');
        const std::string text = join_code_text(code);
        REQUIRE(read_join_code(text));
        const std::string all = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:=!\xc3";
        size_t accepted = 0;
        for (size_t i = 0; i < text.size(); ++i) {
            std::string wrong = text;
            for (const char other : all) {
                if (other == text[i]) continue;
                wrong[i] = other;
                accepted += read_join_code(wrong) ? 1 : 0;
            }
            accepted += read_join_code(text.substr(0, i)) ? 1 : 0;
            accepted += text[i] != '-' && read_join_code(text.substr(0, i) + text.substr(i + 1));
        }
        for (const char other : all) accepted += read_join_code(text + other) ? 1 : 0;
        CHECK(accepted == 0);
    }
    for (const char* other : {"", "hello", "P2C2R:", "P2C2R:1", "P2C2R:AAAA", "p2c2r://host:1"}) {
        CAPTURE(other);
        const auto read = read_join_code(other);
        REQUIRE_FALSE(read);
        CHECK(read.failure().exit_code == 2);
        CHECK(read.failure().text.starts_with("this is no join code: "));
    }
}

TEST_CASE("join code: its picture is square and bounded by light") {
    const std::string picture = p2c2r::cli::qr_text(join_code_text(some_code()));
    const std::vector<std::string> lines = lines_of(picture);
    REQUIRE(lines.size() > 10);
    const auto width = [](const std::string& line) {
        size_t count = 0;
        for (const char c : line) count += (static_cast<uint8_t>(c) & 0xc0) != 0x80;
        return count;
    };
    for (const std::string& line : lines) CHECK(width(line) == width(lines[0]));
    CHECK((width(lines[0]) + 1) / 2 == lines.size());
    CHECK(lines[0].find(' ') == std::string::npos);
    CHECK(p2c2r::cli::qr_text(std::string(8000, 'x')).empty());
}
