#include "core/log.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace p2c2r;

namespace {

struct Lines final : LogSink {
    void write(LogLevel level, std::string_view room, std::string_view text) override {
        lines.push_back(std::to_string(static_cast<int>(level)) + " " + std::string(room) + " " +
                        std::string(text));
    }
    std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("log: lines above the level and lines without a sink are not written") {
    Lines sink;
    const Log log(&sink, LogLevel::kWarn);
    log.write(LogLevel::kError, "net", "one");
    log.write(LogLevel::kWarn, "net", "two");
    log.write(LogLevel::kInfo, "net", "three");
    log.format(LogLevel::kDebug, "net", "%d", 4);
    CHECK(sink.lines == std::vector<std::string>{"1 net one", "2 net two"});
    const Log nobody;
    CHECK_FALSE(nobody.enabled(LogLevel::kError));
    nobody.write(LogLevel::kError, "net", "nobody reads this");
    nobody.format(LogLevel::kError, "net", "%s", "nor this");
}

TEST_CASE("log: a formatted line is complete up to 1023 bytes and cut there") {
    Lines sink;
    const Log log(&sink, LogLevel::kTrace);
    log.format(LogLevel::kTrace, "exec", "task %s took %d us", "upscale", 17);
    log.format(LogLevel::kTrace, "exec", "%s", std::string(1023, 'x').c_str());
    log.format(LogLevel::kTrace, "exec", "%s", std::string(5000, 'x').c_str());
    REQUIRE(sink.lines.size() == 3);
    CHECK(sink.lines[0] == "5 exec task upscale took 17 us");
    CHECK(sink.lines[1] == "5 exec " + std::string(1023, 'x'));
    CHECK(sink.lines[2] == sink.lines[1]);
}
