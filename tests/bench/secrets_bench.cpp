// secrets_bench: does the time of a refusal tell how near a guess was?
//
//   secrets_bench [--samples 200000] [--json]
//
// Two kinds of guesses in random order, each timed for itself; Welch's test says how probable a
// difference of their mean times as large as the measured one is if there is none. The slowest
// twentieth of all samples (interrupts) is left out. Guesses differ in every sample, so that what
// the processor remembers of the last one is the same for both kinds. A pair counts as different if
// p is at most 0.01 in three runs of three: one run in a hundred is by chance. The last pair is a
// compare that stops at the first difference: a run that does not find it has shown nothing.
//
// Welch, B. L.: The generalization of "Student's" problem when several different population
// variances are involved. Biometrika 34 (1947); its use for this: Reparaz, Balasch and Verbauwhede,
// "Dude, is my code constant time?" (2017).
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/prng.h"
#include "identity/access_list.h"
#include "process_figures.h"

using namespace p2c2r;

namespace {

constexpr int kRuns = 3;
constexpr double kChance = 0.01;
constexpr size_t kTokens = 1000;

class Chance final : public RandomSource {
  public:
    void fill(std::span<uint8_t> out) override {
        for (uint8_t& byte : out) byte = static_cast<uint8_t>(prng_.next());
    }
    uint64_t below(uint64_t end) { return prng_.next() % end; }

  private:
    Prng prng_{20261127};
};

struct Mean {
    double count = 0, mean = 0, squares = 0;
    void add(double value) {
        ++count;
        const double off = value - mean;
        mean += off / count;
        squares += off * (value - mean);
    }
    [[nodiscard]] double error() const { return squares / (count - 1) / count; }
};

// Of two kinds of samples; for so many of them Student's distribution is the normal one.
double chance_of(const std::vector<std::pair<bool, double>>& samples) {
    std::vector<double> sorted;
    for (const auto& [near, ns] : samples) sorted.push_back(ns);
    const auto cut = sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 20 * 19);
    std::nth_element(sorted.begin(), cut, sorted.end());
    std::array<Mean, 2> kinds;
    for (const auto& [near, ns] : samples) {
        if (ns <= *cut) kinds[near ? 1 : 0].add(ns);
    }
    const double t =
        (kinds[0].mean - kinds[1].mean) / std::sqrt(kinds[0].error() + kinds[1].error());
    return std::erfc(std::fabs(t) / std::sqrt(2.0));
}

// The most favourable p of the runs, or as soon as one is above the bar.
template <class Try>
double judge(size_t samples, Chance& chance, const Try& attempt) {
    double best = 0;
    for (int run = 0; run < kRuns && best <= kChance; ++run) {
        std::vector<std::pair<bool, double>> times;
        for (size_t i = 0; i < samples; ++i) {
            const bool near = chance.below(2) != 0;
            times.emplace_back(near, attempt(near));
        }
        best = std::max(best, chance_of(times));
    }
    return best;
}

double ns_since(uint64_t began) {
    return static_cast<double>(bench::now_ns() - began);
}

// ---- what is timed ------------------------------------------------------------------------------

// Guesses at a coordinator's door: any token, or one of those that it knows but for one byte.
double of_logins(size_t samples, Chance& chance) {
    identity::AccessList list(nullptr, nullptr);
    const identity::Moment now{1'000'000, 1'700'000'000'000};
    std::vector<identity::Token> known;
    for (size_t i = 0; i < kTokens; ++i) {
        auto made =
            list.add_token("gamer-" + std::to_string(i), "", identity::Roles{true}, chance, now);
        if (!made) std::exit(2);
        known.push_back(*made);
    }
    identity::LoginContext context;
    context.role = Role::kGamer;
    context.id = "guess";
    identity::Proof proof;
    proof.method = identity::LoginMethod::kToken;
    return judge(samples, chance, [&](bool near) {
        // Both kinds are made by the same steps: what goes before is not to be seen in the time.
        identity::Token guess;
        chance.fill(guess);
        const identity::Token& one = known[chance.below(known.size())];
        const size_t place = chance.below(one.size());
        const auto kept = static_cast<uint8_t>(near ? 0xff : 0);
        for (size_t i = 0; i < guess.size(); ++i) {
            const auto wrong = static_cast<uint8_t>(i == place ? guess[i] | 1 : 0);
            guess[i] = static_cast<uint8_t>((kept & (one[i] ^ wrong)) | (~kept & guess[i]));
        }
        proof.bytes.assign(reinterpret_cast<const char*>(guess.data()), guess.size());
        const uint64_t began = bench::now_ns();
        const bool in = list.admit(proof, context, "127.0.0.1", true, now).ok();
        const double ns = ns_since(began);
        if (in) std::exit(2);
        return ns;
    });
}

// Digests that differ in the first byte, or in the last, compared 64 times.
template <class Compare>
double of_compares(size_t samples, Chance& chance, const Compare& equal) {
    return judge(samples, chance, [&](bool near) {
        Digest256 a;
        chance.fill(a);
        Digest256 b = a;
        b[near ? b.size() - 1 : 0] ^= 0x55;
        unsigned same = 0;
        const uint64_t began = bench::now_ns();
        for (int i = 0; i < 64; ++i) same += equal(a, b) ? 1u : 0u;
        const double ns = ns_since(began);
        if (same != 0) std::exit(2);
        return ns;
    });
}

bool stops_early(const Digest256& a, const Digest256& b) {
    const volatile uint8_t* left = a.data();
    for (size_t i = 0; i < a.size(); ++i) {
        if (left[i] != b[i]) return false;
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    size_t samples = 200'000;
    bool json = false;
    for (int i = 1; i < argc; ++i) {
        const std::string key = argv[i];
        if (key == "--json") {
            json = true;
        } else if (key == "--samples" && i + 1 < argc) {
            samples = std::strtoull(argv[++i], nullptr, 10);
        } else {
            samples = 0;
        }
    }
    if (samples < 1000) {
        std::fprintf(stderr, "usage: secrets_bench [--samples N, at least 1000] [--json]\n");
        return 2;
    }
    Chance chance;
    const double logins = of_logins(samples, chance);
    const double compares = of_compares(
        samples, chance,
        [](const Digest256& a, const Digest256& b) { return equal_constant_time(a, b); });
    const double control = of_compares(samples, chance, stops_early);
    const auto say = [](const char* what, double p, bool good, const char* asked) {
        std::printf("%-58s p %-9.3g %-8s %s\n", what, p, good ? "holds" : "SHORT", asked);
    };
    const bool good = logins > kChance && compares > kChance && control <= kChance;
    say("refusals: any token, or a known one but for a byte", logins, logins > kChance, "> 0.01");
    say("compares: digests that differ at the front or at the end", compares, compares > kChance,
        "> 0.01");
    say("a compare that stops early is found", control, control <= kChance, "<= 0.01");
    if (json) {
        std::printf("{\"good\":%s,\"logins_p\":%.6f,\"compares_p\":%.6f,\"control_p\":%.6f}\n",
                    good ? "true" : "false", logins, compares, control);
    }
    return good ? 0 : 1;
}
