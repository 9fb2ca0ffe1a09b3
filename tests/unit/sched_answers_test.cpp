// What an answer cache tells to whom, and what it forgets.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <tuple>

#include "core/prng.h"
#include "sched/answer_cache.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::sched;

namespace {

struct SameChance final : RandomSource {
    void fill(std::span<uint8_t> out) override {
        for (uint8_t& byte : out) byte = 7;
    }
} chance;

std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

AnswerCache::Question ask(std::string_view data, std::string_view params = {}) {
    AnswerCache::Question question;
    question.scope = 1;
    question.params = bytes_of(params);
    question.data = bytes_of(data);
    return question;
}

AnswerCache::Answer answer(std::string_view data) {
    return {{}, Bytes::copy(data), 5};
}

}  // namespace

TEST_CASE("answers: a question is computed once and then known") {
    AnswerCache cache(100'000, chance);
    CHECK(cache.find(ask("q")).entry == 0);
    const uint64_t entry = cache.lead(ask("q"), 1);
    REQUIRE(entry != 0);
    CHECK(cache.find(ask("q")).entry == entry);
    CHECK(cache.find(ask("q")).answer == nullptr);
    cache.follow(entry, 2);
    cache.follow(entry, 3);
    cache.follow(entry, 4);
    cache.unfollow(entry, 3);
    CHECK(cache.answered(entry, answer("a")) == std::vector<uint64_t>{2, 4});
    const AnswerCache::Found found = cache.find(ask("q"));
    REQUIRE(found.answer != nullptr);
    CHECK(found.answer->data.text() == "a");
    CHECK(cache.stats().hits == 1);
    CHECK(cache.stats().followed == 3);
    CHECK(cache.stats().misses == 1);
}

TEST_CASE("answers: a question differs by each thing that its answer or its circle depends on") {
    AnswerCache cache(100'000, chance);
    const Digest256 one{1};
    const Digest256 two{2};
    std::vector<AnswerCache::Question> questions(8, ask("da", "pa"));
    questions[1].type = 1;
    questions[2].circle = Circle::kOwn;
    questions[3].scope = 2;
    questions[4].content = &one;
    questions[5].content = &two;
    questions[6] = ask("ada", "p");
    questions[7] = ask("db", "pa");
    for (size_t i = 0; i < questions.size(); ++i) {
        CAPTURE(i);
        CHECK(cache.find(questions[i]).entry == 0);
        const uint64_t entry = cache.lead(questions[i], i + 1);
        REQUIRE(entry != 0);
        cache.answered(entry, answer(std::to_string(i)));
    }
    for (size_t i = 0; i < questions.size(); ++i) {
        REQUIRE(cache.find(questions[i]).answer != nullptr);
        CHECK(cache.find(questions[i]).answer->data.text() == std::to_string(i));
    }
}

TEST_CASE("answers: who follows a leader that gives up leads in turn") {
    AnswerCache cache(100'000, chance);
    const uint64_t entry = cache.lead(ask("q"), 1);
    cache.follow(entry, 2);
    cache.follow(entry, 3);
    CHECK(cache.give_up(entry) == 2);
    CHECK(cache.leader(entry) == 2);
    CHECK(cache.has_followers(entry));
    CHECK(cache.give_up(entry) == 3);
    CHECK_FALSE(cache.has_followers(entry));
    CHECK(cache.give_up(entry) == 0);
    CHECK(cache.size() == 0);
    CHECK(cache.bytes_held() == 0);
}

TEST_CASE("answers: what is too large is told to those who follow and not kept") {
    AnswerCache cache(10'000, chance);
    const uint64_t entry = cache.lead(ask("q"), 1);
    cache.follow(entry, 2);
    CHECK(cache.answered(entry, answer(std::string(2'501, 'a'))) == std::vector<uint64_t>{2});
    CHECK(cache.size() == 0);
    const std::string huge(AnswerCache::kQuestionSizeMax + 1, 'q');
    CHECK(cache.lead(ask(huge), 1) == 0);
}

TEST_CASE("answers: one that leaves takes its scope's answers along") {
    AnswerCache cache(100'000, chance);
    AnswerCache::Question other = ask("q");
    other.scope = 2;
    cache.answered(cache.lead(ask("q"), 1), answer("a"));
    cache.answered(cache.lead(other, 2), answer("b"));
    cache.forget_scope(1);
    CHECK(cache.find(ask("q")).entry == 0);
    CHECK(cache.find(other).answer != nullptr);
}

TEST_CASE("answers: stay within their bytes and right under random use") {
    Prng prng(test::seed());
    AnswerCache cache(20'000, chance);
    std::map<uint64_t, uint64_t> leading;  // question to entry
    for (int step = 0; step < 20'000; ++step) {
        const uint64_t number = prng.below(60);
        const std::string text = "question " + std::to_string(number);
        const AnswerCache::Found found = cache.find(ask(text));
        if (found.answer) {
            REQUIRE(found.answer->data.size() == 100 + number);
        } else if (found.entry != 0) {
            REQUIRE(leading.at(number) == found.entry);
            if (prng.below(2) == 0) {
                cache.follow(found.entry, 1'000'000 + static_cast<uint64_t>(step));
            } else if (prng.below(3) > 0) {
                cache.answered(found.entry, answer(std::string(100 + number, 'a')));
                leading.erase(number);
            } else if (cache.give_up(found.entry) == 0) {
                leading.erase(number);
            }
        } else {
            REQUIRE(leading.count(number) == 0);
            leading[number] = cache.lead(ask(text), number + 1);
            REQUIRE(leading[number] != 0);
        }
        // Besides what is being computed.
        REQUIRE(cache.bytes_held() <= 20'000 + leading.size() * 1'000);
    }
    CHECK(cache.stats().hits > 0);
    CHECK(cache.stats().evicted > 0);
}

TEST_CASE("answers: what an account's machines have answered goes with it") {
    AnswerCache cache(100'000, chance);
    AnswerCache::Answer by_seven = answer("a");
    by_seven.by = 7;
    cache.answered(cache.lead(ask("q1"), 1), by_seven);
    cache.answered(cache.lead(ask("q2"), 2), answer("b"));
    cache.forget_scope(7);
    CHECK(cache.find(ask("q1")).entry == 0);
    CHECK(cache.find(ask("q2")).answer != nullptr);
    cache.shrink_to(0);
    CHECK(cache.size() == 0);
    CHECK(cache.bytes_held() == 0);
}
