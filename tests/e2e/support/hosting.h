// A host of one test, on loopback, and codes for it.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "program.h"

namespace p2c2r::test {

struct Hosting {
    Machine machine;
    cli::Process process;
    std::string code;

    Hosting(const Workplace& here, const std::vector<std::string>& more = {})
        : machine(here, "hosting") {
        std::vector<std::string> arguments = {"host",      "--port",        "0",
                                              "--address", "127.0.0.1",     "--no-qr",
                                              "--device",  "native",        "--listen-address",
                                              "127.0.0.1", "--no-benchmark"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        process = here.start(arguments, "host.log", machine.environment);
        auto line = process.read_line_with("    p2c2r join ", kPatienceUs);
        REQUIRE_MESSAGE(line, here.read("host.log"));
        code = *line;
    }
    [[nodiscard]] std::string another_code(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> arguments = {"invite", "--address", "127.0.0.1", "--no-qr"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Ran ran = machine.run(arguments);
        REQUIRE_MESSAGE(ran.exit_code == 0, ran.error);
        return text_behind(ran.out, "    p2c2r join ");
    }
};

}  // namespace p2c2r::test
