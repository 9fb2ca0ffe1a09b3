// scheduler_bench: what one decision costs, among few and many peers, and how good the choice is.
//
// Peers differ 30-fold in speed. "decision" is admit + choose + lease + answer; "choice" the
// choosing alone. Regret: predicted finish of the chosen peer against the best of all peers, found
// by looking at each of them. Usage: scheduler_bench [--json]
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include "core/prng.h"
#include "process_figures.h"
#include "sched/scheduler.h"

using namespace p2c2r;

namespace {

class SeededRandom : public RandomSource {
  public:
    void fill(std::span<uint8_t> out) override {
        for (size_t at = 0; at < out.size(); at += 8) {
            const uint64_t word = prng_.next();
            std::memcpy(out.data() + at, &word, std::min<size_t>(8, out.size() - at));
        }
    }

  private:
    Prng prng_{3};
};

struct Row {
    unsigned peers;
    double decision_ns;
    double choice_ns;
    double regret;
};

Row measure(unsigned peers_count) {
    SeededRandom random;
    sched::Scheduler scheduler(peers_count, random);
    Prng prng(5);
    std::vector<sched::Action> actions;
    std::vector<uint64_t> peers;
    std::vector<double> speed_us;
    uint64_t now = 1'000'000;
    for (unsigned i = 0; i < peers_count; ++i) {
        sched::PeerRecord record;
        record.peer_id = "p" + std::to_string(i);
        record.slots = 4;
        record.window_tasks = 8;
        record.window_bytes = 1 << 20;
        peers.push_back(scheduler.peer_joined(std::move(record), {"upscale"}, now));
        speed_us.push_back(1000 * std::exp2(prng.unit() * 4.9));  // 1 .. 30 ms
    }
    const sched::TypeIndex type = scheduler.type_index("upscale");
    for (unsigned i = 0; i < peers_count; ++i) {
        scheduler.peers().learn(peers[i], type, 100, static_cast<uint64_t>(speed_us[i]),
                                static_cast<uint64_t>(speed_us[i]) + 500, now);
    }
    struct Running {
        uint64_t peer, attempt_id;
        Nonce nonce;
    };
    std::vector<Running> running;
    const unsigned held = peers_count * 3;  // of 4 slots each: about 75 % load
    const unsigned steps = 400'000;
    double regret = 0;
    unsigned regrets = 0;
    uint64_t spent_ns = 0;
    for (unsigned step = 0; step < steps; ++step) {
        now += 5;
        const bool look = step > held && step % 2000 == 0;
        if (look) {
            const auto choice = scheduler.peers().choose({type, 100}, now);
            double best = 1e18;
            for (uint64_t peer : peers) {
                const sched::PeerRecord& record = *scheduler.peers().find(peer);
                if (!record.takes(100)) continue;
                const double own =
                    scheduler.peers().estimate_us(record, type, 100) + record.link_us;
                const double wait =
                    record.held < record.slots ? 0 : record.backlog_us / record.slots;
                best = std::min(best, wait + own);
            }
            const double chosen = static_cast<double>(choice.finish_us - now);
            if (best > 0) {
                regret += std::max(0.0, chosen / best - 1);
                ++regrets;
            }
        }
        const uint64_t before = bench::now_ns();
        sched::Admission admission;
        admission.type = type;
        admission.deadline_us = now + 5'000'000;
        admission.start_timeout_us = 250'000;
        admission.bytes = 100;
        scheduler.admit(admission, now);
        scheduler.dispatch(now, actions);
        for (const sched::Action& action : actions) {
            if (action.kind != sched::Action::Kind::kAssign) continue;
            running.push_back(
                {action.peer, action.attempt_id, scheduler.find(action.task)->run.nonce});
        }
        actions.clear();
        if (running.size() > held) {
            const size_t at = prng.below(running.size());
            const Running one = running[at];
            running[at] = running.back();
            running.pop_back();
            scheduler.answered(one.peer, one.attempt_id, one.nonce, Status::kOk, 1000, now,
                               actions);
        }
        spent_ns += bench::now_ns() - before;
    }
    const unsigned looks = 1'000'000;
    uint64_t sink = 0;
    const uint64_t before = bench::now_ns();
    for (unsigned i = 0; i < looks; ++i) {
        sink += scheduler.peers().choose({type, 100}, now + i).peer;
    }
    const uint64_t choice_ns = bench::now_ns() - before;
    if (sink == 1) std::puts("");
    return {peers_count, static_cast<double>(spent_ns) / steps,
            static_cast<double>(choice_ns) / looks, regrets ? regret / regrets : 0};
}

}  // namespace

int main(int argc, char** argv) {
    const bool json = argc > 1 && std::strcmp(argv[1], "--json") == 0;
    std::printf("%8s %14s %12s %10s\n", "peers", "decision ns", "choice ns", "regret %");
    bool good = true;
    std::string rows;
    for (unsigned peers : {2u, 100u, 1000u, 10000u}) {
        const Row row = measure(peers);
        std::printf("%8u %14.0f %12.1f %10.2f\n", row.peers, row.decision_ns, row.choice_ns,
                    row.regret * 100);
        good = good && row.choice_ns < 2000 && row.regret <= 0.05;
        char text[160];
        std::snprintf(text, sizeof text,
                      "%s{\"peers\":%u,\"decision_ns\":%.0f,\"choice_ns\":%.1f,\"regret\":%.4f}",
                      rows.empty() ? "" : ",", row.peers, row.decision_ns, row.choice_ns,
                      row.regret);
        rows += text;
    }
    if (json) std::printf("{\"good\":%s,\"rows\":[%s]}\n", good ? "true" : "false", rows.c_str());
    return good ? 0 : 1;
}
