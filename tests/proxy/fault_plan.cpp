#include "proxy/fault_plan.h"

#include <charconv>
#include <sstream>
#include <string_view>
#include <utility>

namespace p2c2r::test {

namespace {

constexpr uint64_t kValueMax = 1'000'000'000'000;

using Units = std::vector<std::pair<std::string_view, uint64_t>>;

const Units& times() {
    static const Units units = {{"us", 1}, {"ms", 1000}, {"s", 1'000'000}};
    return units;
}

const Units& sizes() {
    static const Units units = {{"", 1}, {"kB", 1000}, {"MB", 1'000'000}};
    return units;
}

// The words of one clause, read from left to right.
class Words {
  public:
    explicit Words(const std::string& text) {
        std::istringstream stream(text);
        for (std::string word; stream >> word;) words_.push_back(word);
    }
    [[nodiscard]] bool empty() const { return next_ == words_.size(); }
    bool take(std::string_view word) {
        if (empty() || words_[next_] != word) return false;
        ++next_;
        return true;
    }
    std::string take_any() { return empty() ? std::string() : words_[next_++]; }

    // A number of at least `least` with one of these units. What is wrong is kept for the end.
    uint64_t number(const std::string& before, const Units& units, uint64_t least) {
        const std::string word = take_any();
        uint64_t value = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        const std::string_view unit(end, static_cast<size_t>(word.data() + word.size() - end));
        for (const auto& [name, factor] : units) {
            if (error != std::errc() || unit != name || value > kValueMax / factor) continue;
            if (value * factor >= least) return value * factor;
        }
        std::string known;
        for (const auto& [name, factor] : units) {
            known += (known.empty() ? "" : ", ") + (name.empty() ? "none" : std::string(name));
        }
        fail("'" + before + "' needs a number of at least " + std::to_string(least) +
             " with a unit (" + known + "), not '" + word + "'");
        return 0;
    }
    void fail(const std::string& text) {
        if (why_.empty()) why_ = text;
    }
    [[nodiscard]] const std::string& why() const { return why_; }

  private:
    std::vector<std::string> words_;
    size_t next_ = 0;
    std::string why_;
};

Fault take_fault(Words& words) {
    using Kind = Fault::Kind;
    Fault fault;
    const std::string word = words.take_any();
    if (word == "delay" || word == "jitter" || word == "stall") {
        fault.kind = word == "delay"    ? Kind::kDelay
                     : word == "jitter" ? Kind::kJitter
                                        : Kind::kStall;
        fault.value = words.number(word, times(), 0);
    } else if (word == "slice" || word == "throttle") {
        fault.kind = word == "slice" ? Kind::kSlice : Kind::kThrottle;
        fault.value = words.number(word, sizes(), 1);
    } else if (word == "silence") {
        fault.kind = Kind::kSilence;
    } else if (word == "cut") {
        fault.kind = Kind::kCut;
        fault.abrupt = !words.take("fin");
        if (fault.abrupt) words.take("rst");
        return fault;  // of both ways, always
    } else {
        words.fail("'" + word +
                   "' is no fault; there are delay, jitter, stall, cut, slice, throttle, silence");
        return fault;
    }
    if (words.take("up")) {
        fault.down = false;
    } else if (words.take("down")) {
        fault.up = false;
    }
    return fault;
}

std::vector<Fault> take_faults(Words& words) {
    std::vector<Fault> faults;
    do {
        faults.push_back(take_fault(words));
    } while (words.why().empty() && !words.empty());
    return faults;
}

FaultClause take_clause(Words& words) {
    FaultClause clause;
    if (words.take("connection")) {
        const uint64_t number = words.number("connection", {{"", 1}}, 1);
        clause.connection = static_cast<uint32_t>(number);
    }
    if (words.take("at")) {
        clause.at_us = words.number("at", times(), 0);
    } else if (words.take("after")) {
        clause.after_bytes = words.number("after", sizes(), 1);
        if (words.take("down")) {
            clause.after_way = Way::kDown;
        } else if (!words.take("up")) {
            words.fail("'after' needs a way behind its bytes, up or down");
        }
    }
    clause.faults = take_faults(words);
    return clause;
}

}  // namespace

std::optional<FaultPlan> parse_plan(const std::string& text, std::string& why) {
    FaultPlan plan;
    std::istringstream stream(text);
    size_t number = 0;
    for (std::string part; std::getline(stream, part, ';');) {
        ++number;
        if (part.find_first_not_of(" \t\n") == std::string::npos) continue;
        Words words(part);
        plan.clauses.push_back(take_clause(words));
        if (words.why().empty()) continue;
        why = "clause " + std::to_string(number) + ": " + words.why();
        return std::nullopt;
    }
    return plan;
}

std::optional<std::vector<Fault>> parse_faults(const std::string& text, std::string& why) {
    Words words(text);
    std::vector<Fault> faults = take_faults(words);
    if (words.why().empty()) return faults;
    why = words.why();
    return std::nullopt;
}

}  // namespace p2c2r::test
