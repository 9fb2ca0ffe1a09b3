// Counts of data: days, months, restarts, and files that are not what they should be.
#include <doctest/doctest.h>

#include "owner/data_budget.h"

using namespace p2c2r;
using namespace p2c2r::owner;

TEST_CASE("data: days and months begin anew and a clock that goes back begins none") {
    DataBudget budget;
    budget.count(100, 20261130);
    CHECK(budget.day_bytes() == 100);
    budget.count(250, 20261130);
    CHECK(budget.day_bytes() == 250);
    CHECK(budget.month_bytes() == 250);
    budget.count(260, 20261201);
    CHECK(budget.day_bytes() == 10);
    CHECK(budget.month_bytes() == 10);
    budget.count(300, 20261202);
    CHECK(budget.day_bytes() == 40);
    CHECK(budget.month_bytes() == 50);
    budget.count(310, 20261201);
    CHECK(budget.day_bytes() == 50);
    CHECK(budget.month_bytes() == 60);
    budget.count(320, 0);
    CHECK(budget.month_bytes() == 70);
    budget.count(330, 20270101);
    CHECK(budget.month_bytes() == 10);
}

TEST_CASE("data: what came before a day was known is of the first day") {
    DataBudget budget;
    budget.count(70, 0);
    budget.count(100, 20261130);
    CHECK(budget.day_bytes() == 100);
    CHECK(budget.month_bytes() == 100);
}

TEST_CASE("data: counts survive a restart whose totals begin at nothing") {
    DataBudget before;
    before.count(1'000, 20261126);
    Result<DataBudget> after = DataBudget::parse(before.text());
    REQUIRE(after.ok());
    CHECK(after->day_bytes() == 1'000);
    after->count(5, 20261126);
    CHECK(after->day_bytes() == 1'005);
    CHECK(after->month_bytes() == 1'005);
    after->count(6, 20261127);
    CHECK(after->day_bytes() == 1);
    CHECK(after->month_bytes() == 1'006);
}

TEST_CASE("data: a file that holds something else is refused") {
    const std::string good = DataBudget().text();
    CHECK(DataBudget::parse(good).ok());
    for (size_t size = 0; size < good.size(); ++size) {
        CHECK_FALSE(DataBudget::parse(good.substr(0, size)).ok());
    }
    for (const std::string& bad :
         {good + "x", std::string("p2c2r data 1\ndate 1\nday 5\nmonth 4\n"),
          std::string("p2c2r data 1\ndate 1\nday -5\nmonth 4\n"),
          std::string("p2c2r data 1\ndate 999999999\nday 5\nmonth 5\n"),
          std::string("p2c2r data 1\ndate 1\nday 99999999999999999999999\nmonth 5\n")}) {
        CAPTURE(bad);
        const Result<DataBudget> parsed = DataBudget::parse(bad);
        REQUIRE_FALSE(parsed.ok());
        CHECK(parsed.error().status == Status::kContent);
    }
}
