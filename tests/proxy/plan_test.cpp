// The words of a plan: what they mean, and what is said to those that mean nothing.
#include <doctest/doctest.h>

#include "proxy/fault_plan.h"

using namespace p2c2r::test;
using Kind = Fault::Kind;

TEST_CASE("fault plan: a clause says when, for which connection, what, and which way") {
    std::string why;
    const auto plan = parse_plan(
        "delay 20ms jitter 500us down; at 2s stall 200ms up; connection 3 after 40kB down cut fin;;"
        " slice 7 throttle 2MB silence; at 0ms cut; cut rst",
        why);
    REQUIRE_MESSAGE(plan, why);
    const auto& clauses = plan->clauses;
    REQUIRE(clauses.size() == 6);
    REQUIRE(clauses[0].faults.size() == 2);
    CHECK(clauses[0].connection == 0);
    CHECK(clauses[0].at_us == 0);
    CHECK(clauses[0].faults[0].kind == Kind::kDelay);
    CHECK(clauses[0].faults[0].value == 20'000);
    CHECK(clauses[0].faults[0].up);
    CHECK(clauses[0].faults[0].down);
    CHECK(clauses[0].faults[1].kind == Kind::kJitter);
    CHECK(clauses[0].faults[1].value == 500);
    CHECK_FALSE(clauses[0].faults[1].up);
    CHECK(clauses[0].faults[1].down);
    CHECK(clauses[1].at_us == 2'000'000);
    CHECK(clauses[1].faults[0].kind == Kind::kStall);
    CHECK(clauses[1].faults[0].up);
    CHECK_FALSE(clauses[1].faults[0].down);
    CHECK(clauses[2].connection == 3);
    CHECK(clauses[2].after_bytes == 40'000);
    CHECK(clauses[2].after_way == Way::kDown);
    CHECK(clauses[2].faults[0].kind == Kind::kCut);
    CHECK_FALSE(clauses[2].faults[0].abrupt);
    REQUIRE(clauses[3].faults.size() == 3);
    CHECK(clauses[3].faults[0].kind == Kind::kSlice);
    CHECK(clauses[3].faults[0].value == 7);
    CHECK(clauses[3].faults[1].kind == Kind::kThrottle);
    CHECK(clauses[3].faults[1].value == 2'000'000);
    CHECK(clauses[3].faults[2].kind == Kind::kSilence);
    CHECK(clauses[4].faults[0].abrupt);
    CHECK(clauses[5].faults[0].abrupt);
    const auto nothing = parse_plan("  ", why);
    REQUIRE(nothing);
    CHECK(nothing->clauses.empty());
}

TEST_CASE("fault plan: what is wrong is named with its clause") {
    const std::pair<const char*, const char*> rows[] = {
        {"delay 1ms; dely 20ms", "clause 2: 'dely' is no fault"},
        {"delay", "'delay' needs a number of at least 0 with a unit (us, ms, s), not ''"},
        {"delay 20", "not '20'"},
        {"stall 20kB", "not '20kB'"},
        {"slice 0", "'slice' needs a number of at least 1 with a unit (none, kB, MB), not '0'"},
        {"throttle -3", "not '-3'"},
        {"throttle 99999999999999999999", "'throttle' needs"},
        {"at 1s", "'' is no fault"},
        {"at soon cut", "'at' needs a number"},
        {"after 3kB cut", "'after' needs a way behind its bytes, up or down"},
        {"connection 0 cut", "'connection' needs a number of at least 1"},
        {"cut up", "'up' is no fault"},
    };
    for (const auto& row : rows) {
        const char* const text = row.first;
        const char* const words = row.second;
        std::string why;
        CAPTURE(text);
        CHECK_FALSE(parse_plan(text, why));
        CHECK_MESSAGE(why.find(words) != std::string::npos, why);
        CHECK(why.starts_with("clause "));
    }
    std::string why;
    CHECK_FALSE(parse_faults("at 1s cut", why));
    CHECK(why.find("'at' is no fault") != std::string::npos);
    CHECK(parse_faults("stall 20ms down silence up", why)->size() == 2);
}
