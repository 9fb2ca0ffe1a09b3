#include "model/worth.h"

#include <doctest/doctest.h>

using namespace p2c2r;

namespace {

// A layer of 2 KB up and 20 KB down, 40 ms here and 4 ms there, over 10 / 50 Mbit/s and 20 ms.
WorthCase small_layer() {
    WorthCase task;
    task.bytes_up = 2'000;
    task.bytes_down = 20'000;
    task.local_us = 40'000;
    task.remote_us = 4'000;
    task.queue_us = 1'000;
    task.rtt_us = 20'000;
    task.up_bits_per_s = 10e6;
    task.down_bits_per_s = 50e6;
    return task;
}

}  // namespace

TEST_CASE("worth: one task takes a round trip, its bytes both ways, the queue and the computing") {
    const Worth worth = judge_worth(small_layer());
    CHECK(worth.remote_us == doctest::Approx(20'000 + 1'600 + 1'000 + 4'000 + 3'200));
    CHECK(worth.local_us == 40'000);
}

TEST_CASE(
    "worth: many in a row reach what the narrowest of uplink, helper and downlink lets through") {
    WorthCase task = small_layer();
    task.wanted_per_s = 10'000;
    Worth worth = judge_worth(task);
    CHECK(worth.remote_per_s == doctest::Approx(250));  // of the helper: 4 ms each
    CHECK(worth.limit == WorthLimit::kHelper);
    task.bytes_down = 50'000;
    worth = judge_worth(task);
    CHECK(worth.remote_per_s == doctest::Approx(125));
    CHECK(worth.limit == WorthLimit::kDownlink);
    CHECK(worth.down_bits_per_s == doctest::Approx(50e6));
    task.bytes_up = 25'000;
    worth = judge_worth(task);
    CHECK(worth.remote_per_s == doctest::Approx(50));
    CHECK(worth.limit == WorthLimit::kUplink);
    CHECK(std::string(worth_limit_name(worth.limit)) == "uplink");
    CHECK(worth.up_bits_per_s == doctest::Approx(10e6));
}

TEST_CASE("worth: more than the game wants is no gain") {
    WorthCase task = small_layer();
    Worth worth = judge_worth(task);
    CHECK(worth.remote_per_s == 60);
    CHECK(worth.limit == WorthLimit::kWanted);
    CHECK(worth.send);
    CHECK(worth.text == "send: 60 a second, 25 here");
    task.local_us = 10'000;  // reaches 60 here too, and sooner
    worth = judge_worth(task);
    CHECK_FALSE(worth.send);
    CHECK(worth.text == "keep here: done in 10 ms, 29.8 by way of the helper");
}

TEST_CASE("worth: as many but sooner is sent") {
    WorthCase task = small_layer();
    task.wanted_per_s = 20;
    const Worth worth = judge_worth(task);
    CHECK(worth.send);
    CHECK(worth.text == "send: done in 29.8 ms, 40 here");
}

TEST_CASE("worth: a task that would lose says what the link takes and what it has") {
    WorthCase task = small_layer();
    task.bytes_up = 141'667;  // a frame as JPEG: 68 Mbit/s at 60 a second
    Worth worth = judge_worth(task);
    CHECK_FALSE(worth.send);
    CHECK(worth.text == "keep here: 60 a second take 68 Mbit/s up, the link has 10");
    task = small_layer();
    task.bytes_down = 400'000;
    worth = judge_worth(task);
    CHECK_FALSE(worth.send);
    CHECK(worth.text == "keep here: 60 a second take 192 Mbit/s down, the link has 50");
    task = small_layer();
    task.remote_us = 80'000;
    worth = judge_worth(task);
    CHECK_FALSE(worth.send);
    CHECK(worth.text == "keep here: the helper takes 80 ms for one, this machine 40");
}

TEST_CASE("worth: a gain within the error of predictions is none") {
    WorthCase task = small_layer();
    task.rtt_us = 100'000;
    task.remote_us = 38'000;  // 26.3 a second, 25 here
    CHECK_FALSE(judge_worth(task).send);
    task.remote_us = 36'000;  // 27.8
    CHECK(judge_worth(task).send);
}

TEST_CASE("worth: no bytes in a direction take nothing of it") {
    WorthCase task = small_layer();
    task.bytes_up = task.bytes_down = 0;
    const Worth worth = judge_worth(task);
    CHECK(worth.remote_us == 25'000);
    CHECK(worth.up_bits_per_s == 0);
    CHECK(worth.send);
}

TEST_CASE("worth: what waits here is no sooner than it is done") {
    WorthCase task = small_layer();
    task.wanted_per_s = 20;
    task.local_us = 25'000;
    CHECK_FALSE(judge_worth(task).send);
    task.local_wait_us = 10'000;
    const Worth worth = judge_worth(task);
    CHECK(worth.local_us == 35'000);
    CHECK(worth.send);
}

TEST_CASE("worth: where only one side is in time, that one wins") {
    WorthCase task = small_layer();  // more a second there
    task.deadline_us = 45'000;
    task.rtt_us = 60'000;
    Worth worth = judge_worth(task);
    CHECK_FALSE(worth.send);
    CHECK(worth.text == "keep here: done in 40 ms, 69.8 by way of the helper, 45 are there");
    task = small_layer();
    task.wanted_per_s = 1;
    task.deadline_us = 39'000;
    worth = judge_worth(task);
    CHECK(worth.send);
    CHECK(worth.text == "send: done in 29.8 ms, 40 here, 39 are there");
    task.deadline_us = 10'000;  // neither is: as without
    CHECK(judge_worth(task).text == "send: done in 29.8 ms, 40 here");
}

TEST_CASE("worth: a task is moved only when the other side wins by a quarter") {
    WorthCase task = small_layer();
    task.wanted_per_s = 20;  // both reach that: the sooner wins
    struct Row {
        double local_us;
        bool from_there;  // where it goes that was there
        bool from_here;
    };
    for (const Row& row :
         {Row{20'000, false, false}, Row{23'000, false, false}, Row{25'000, true, false},
          Row{35'000, true, false}, Row{45'000, true, true}}) {
        CAPTURE(row.local_us);
        task.local_us = row.local_us;
        CHECK(goes_there(task, true) == row.from_there);
        CHECK(goes_there(task, false) == row.from_here);
    }
}

TEST_CASE("worth: an hour of play costs its compute-seconds and the coordinator's share") {
    WorthCase task = small_layer();
    task.remote_us = 1'000;  // 60 a second: 216 s of an hour
    task.price_per_compute_s = 0.15 / 3600;
    task.fee = 0.10;
    CHECK(judge_worth(task).price_per_hour == doctest::Approx(0.01));
}

TEST_CASE(
    "worth: a learned mean begins with its first sample and follows an eighth of each change") {
    LearnedMean mean;
    CHECK(mean.value() == 0);
    CHECK(mean.samples() == 0);
    mean.add(80);
    CHECK(mean.value() == 80);
    mean.add(160);
    CHECK(mean.value() == 90);
    for (int i = 0; i < 100; ++i) mean.add(40);
    CHECK(mean.value() == doctest::Approx(40).epsilon(0.01));
    CHECK(mean.samples() == 102);
}
