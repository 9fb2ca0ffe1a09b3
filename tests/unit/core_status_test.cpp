#include "core/status.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace p2c2r;

TEST_CASE("status: every listed number has a name and a text of its own") {
    std::set<std::string> names, texts;
    for (int32_t number = kStatusLowest; number <= 1; ++number) {
        CAPTURE(number);
        CHECK(is_known_status(number));
        CHECK(names.insert(status_name(static_cast<Status>(number))).second);
        CHECK(texts.insert(status_text(static_cast<Status>(number))).second);
    }
    CHECK(names.count("OK") == 1);
    CHECK(names.count("PENDING") == 1);
    CHECK(names.count("E_UNKNOWN") == 0);
}

TEST_CASE("status: other numbers are unknown and still have a name") {
    for (const int32_t number : {2, kStatusLowest - 1, INT32_MAX, INT32_MIN}) {
        CAPTURE(number);
        CHECK_FALSE(is_known_status(number));
        CHECK(std::string(status_name(static_cast<Status>(number))) == "E_UNKNOWN");
        CHECK_FALSE(std::string(status_text(static_cast<Status>(number))).empty());
    }
}

TEST_CASE("status: a result holds its value or its error") {
    Result<std::string> good = std::string("value");
    CHECK(good.ok());
    CHECK(*good == "value");
    CHECK(good->size() == 5);
    Result<std::string> bad = field_error(Status::kParams, "width", "0 is below 1");
    CHECK_FALSE(bad);
    CHECK(bad.error().status == Status::kParams);
    CHECK(bad.error().field == "width");
    CHECK(bad.error().text == "0 is below 1");
    CHECK(make_error(Status::kIo, "disk full").field.empty());
}
