// Under which addresses a code leads to a coordinator: what its host tells, or what it listens at.
#include <doctest/doctest.h>

#include "cli/addresses_posix.h"
#include "cli/guest_hosts.h"
#include "cli/invitation.h"
#include "cli/join_code.h"
#include "cli/machine.h"
#include "support/program.h"

using namespace p2c2r::test;
using p2c2r::cli::guest_hosts;
using p2c2r::cli::read_host;
using p2c2r::cli::read_hosts;
using p2c2r::cli::read_join_code;

using Names = std::vector<std::string>;

TEST_CASE("guest hosts: addresses and names are taken, and written in one form") {
    for (const auto& row : std::initializer_list<std::pair<const char*, const char*>>{
             {"192.0.2.7", "192.0.2.7"},
             {"2001:db8:0:0::7", "2001:db8::7"},
             {"[2001:DB8::7]", "2001:db8::7"},
             {"::1", "::1"},
             {"desk", "desk"},
             {"desk.example.org", "desk.example.org"},
             {"desk.example.org.", "desk.example.org"},
             {"3com.example", "3com.example"},
             {"xn--bcher-kva.example", "xn--bcher-kva.example"}}) {
        CAPTURE(row.first);
        const auto read = read_host(row.first);
        REQUIRE(read);
        CHECK(*read == row.second);
    }
    const auto several = read_hosts("desk.example.org,[2001:db8::7],desk.example.org");
    REQUIRE(several);
    CHECK(*several == Names{"desk.example.org", "2001:db8::7"});
    CHECK(read_host(std::string(63, 'a') + "." + std::string(63, 'b')));
}

TEST_CASE("guest hosts: what is no address is refused in words that say what is wrong") {
    for (const auto& row : std::initializer_list<std::pair<std::string, const char*>>{
             {"", "names no host"},
             {"127.0.0.1:1",
              "has a port, which is no part of an address: `p2c2r host --port` sets it"},
             {"desk.example.org:8765", "has a port"},
             {"[::1]:8765", "has a port"},
             {"foo bar!", "is neither an IP address nor the name of a host"},
             {"p2c2r://desk", "is no IPv6 address"},
             {"b\xc3\xbc"
              "cher.example",
              "is neither an IP address nor the name of a host"},
             {"under_score", "is neither"},
             {"256.0.0.1", "is no IPv4 address, nor a name: its last part is a number"},
             {"10.1", "is no IPv4 address"},
             {"1:2:3", "is no IPv6 address"},
             {"fe80::1%eth0", "is no IPv6 address"},
             {"[192.0.2.7]", "is no IPv6 address in brackets"},
             {"[::1", "is no IPv6 address in brackets"},
             {"::1]", "is no IPv6 address in brackets"},
             {"[]", "is no IPv6 address in brackets"},
             {"0.0.0.0", "stands for all addresses of a machine"},
             {"::", "stands for all addresses of a machine"},
             {"-desk", "begins or ends with '-'"},
             {"desk-.example", "begins or ends with '-'"},
             {"desk..example", "an empty part"},
             {".", "an empty part"},
             {std::string(64, 'a'), "a part of 64 letters; at most 63"},
             {std::string(254, 'a'), "has 254 bytes; a name has at most 253"}}) {
        const std::string& text = row.first;
        CAPTURE(text);
        const auto read = read_host(text);
        REQUIRE_FALSE(read);
        CHECK(read.failure().exit_code == 2);
        CHECK_MESSAGE(read.failure().text.find(row.second) != std::string::npos,
                      read.failure().text);
        CHECK(read.failure().text.starts_with("'" + text.substr(0, 80)));
    }
    CHECK_FALSE(read_hosts("a,,b"));
    CHECK_FALSE(read_hosts(""));
    CHECK(read_hosts("a,b,c,d,e,f,g,h"));
    CHECK_FALSE(read_hosts("a,b,c,d,e,f,g,h,i"));
}

TEST_CASE("guest hosts: those that were given, or those that the listener lets in") {
    const Names own = {"192.0.2.2", "fd00::2"};
    CHECK(guest_hosts({"", {}}, own) == own);
    CHECK(guest_hosts({"::", {}}, own) == own);
    CHECK(guest_hosts({"0:0:0:0:0:0:0:0", {}}, own) == own);
    CHECK(guest_hosts({"0.0.0.0", {}}, own) == Names{"192.0.2.2"});
    CHECK(guest_hosts({"fd00::0002", {}}, own) == Names{"fd00::2"});
    CHECK(guest_hosts({"127.0.0.1", {}}, own) == Names{"127.0.0.1"});
    CHECK(guest_hosts({"::1", {}}, own) == Names{"::1"});
    CHECK(guest_hosts({"localhost", {}}, own) == Names{"127.0.0.1"});
    CHECK(guest_hosts({"::", {}}, {}) == Names{"127.0.0.1"});
    CHECK(guest_hosts({"127.0.0.1", {"desk.example.org"}}, own) == Names{"desk.example.org"});
}

TEST_CASE("guest hosts: whoever alone can come in by a code is told so") {
    using p2c2r::cli::loopback_text;
    const std::string alone = loopback_text({"127.0.0.1"}, {"127.0.0.1", {}});
    CHECK(alone.starts_with("Only this machine can join with this code: it listens on 127.0.0.1 "));
    CHECK(loopback_text({"127.0.0.1", "::1"}, {"::", {}})
              .starts_with("Only this machine can join with this code: 127.0.0.1 leads "));
    CHECK(
        loopback_text({"desk.example.org"}, {"::1", {}})
            .starts_with("Others can join with this code only by a tunnel from desk.example.org "));
    CHECK(loopback_text({"192.0.2.2"}, {"::", {}}).empty());
    CHECK(loopback_text({"127.0.0.1", "192.0.2.2"}, {"", {}}).empty());
}

TEST_CASE("guest hosts: invite hands out what the running host tells, not what one before it did") {
    const Workplace here;
    const Machine desk(here, "desk");
    const auto host_with = [&](const Names& more) {
        Names words = {"host", "--port", "0", "--no-peer", "--no-qr", "--device", "native"};
        words.insert(words.end(), more.begin(), more.end());
        return here.start(words, "host.log", desk.environment);
    };
    const auto hosts_of = [](const std::string& text) {
        const auto code = read_join_code(text);
        REQUIRE(code);
        return code->hosts;
    };
    const auto invited = [&] {
        const Ran ran = desk.run({"invite", "--no-qr"});
        REQUIRE_MESSAGE(ran.exit_code == 0, ran.error);
        return ran.out;
    };
    {
        auto host = host_with({"--listen-address", "127.0.0.1"});
        const auto shown = host.read_line_with("    p2c2r join ", kPatienceUs);
        REQUIRE_MESSAGE(shown, here.read("host.log"));
        CHECK(hosts_of(*shown) == Names{"127.0.0.1"});
        CHECK(host.read_line_with("Only this machine can join", kPatienceUs));
        const std::string out = invited();
        CHECK(hosts_of(text_behind(out, "    p2c2r join ")) == Names{"127.0.0.1"});
        CHECK(
            out.find("Only this machine can join with this code: it listens on 127.0.0.1 alone") !=
            std::string::npos);
        // Joining itself does not make it forget.
        const Ran joined = desk.run({"join", *shown, "--no-benchmark", "--name", "desk-2"});
        CHECK(joined.exit_code != 3);
        CHECK(hosts_of(text_behind(invited(), "    p2c2r join ")) == Names{"127.0.0.1"});
        CHECK(host.stop(kStopUs) == 0);
    }
    {
        auto host = host_with({"--listen-address", "127.0.0.1", "--address",
                               "desk.example.org,[2001:db8::7]", "--no-invite"});
        REQUIRE_MESSAGE(host.read_line_with("hosting on ", kPatienceUs), here.read("host.log"));
        const std::string out = invited();
        CHECK(hosts_of(text_behind(out, "    p2c2r join ")) ==
              Names{"desk.example.org", "2001:db8::7"});
        CHECK(out.find("only by a tunnel from desk.example.org") != std::string::npos);
        CHECK(host.stop(kStopUs) == 0);
    }
    const Ran nobody = desk.run({"invite", "--no-qr"});
    CHECK(nobody.exit_code == 3);
    CHECK(nobody.out.empty());
    for (const char* bad : {"127.0.0.1:1", "foo bar!"}) {
        CAPTURE(bad);
        for (const char* command : {"invite", "host"}) {
            const Ran ran = desk.run({command, "--address", bad});
            CHECK(ran.exit_code == 2);
            CHECK(ran.error.starts_with(std::string("p2c2r ") + command + ": --address '" + bad));
        }
    }
}

TEST_CASE("guest hosts: a code whose host is more than a host is refused") {
    p2c2r::cli::JoinCode code;
    code.port = 8765;
    code.hosts = {"desk,p2c2r+plain://192.0.2.9"};
    const auto read = read_join_code(p2c2r::cli::join_code_text(code));
    REQUIRE_FALSE(read);
    CHECK(read.failure().text.starts_with("this is no join code: 'desk,"));
}
