// The row of `bench failover` about the coordinator itself: it is killed in the middle of a load,
// nobody takes its place, and the gamer goes on asking for a while. Whatever was submitted, before
// or after, has to end exactly once: with a result, or with an error that the application is told
// no later than 2 ms after the task's deadline. The client alone can do that then, by its own
// clock. Each round has a coordinator, peers and a client of its own.
#include <algorithm>
#include <cstdio>
#include <deque>
#include <nlohmann/json.hpp>

#include "cli/failover_rows.h"
#include "cli/hold_cluster.h"
#include "cli/progress.h"
#include "cli/statistics.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kEndingHoldUs = 10'000;
constexpr uint32_t kEndingSlots = 4;
constexpr uint64_t kEndingPaceUs = 2'000;  // between two tasks: half of what the peers can do
// Deadlines differ, so that they do not all pass at the same moment; none is so short that what
// ends before the fault would miss it.
constexpr uint64_t kEndingDeadlineLeastUs = 60'000;
constexpr uint64_t kEndingDeadlineStepUs = 1'700;
constexpr uint64_t kEndingDeadlines = 97;
constexpr uint64_t kBeforeFaultUs = 300'000;
constexpr uint64_t kAfterFaultUs = 200'000;
// Another moment within a task each round.
constexpr uint64_t kFaultStepUs = 730;
// After the last deadline: who ends twice shows it, and who has not ended by then never does.
constexpr uint64_t kListenUs = 100'000;
constexpr uint64_t kPatienceUs = 1'000'000;
constexpr uint64_t kLatenessUsMax = 2'000;

struct Submitted {
    uint64_t deadline_us = 0;  // absolute
    uint64_t ended_us = 0;     // the first time
    uint32_t ends = 0;
    int32_t status = P2C2R_PENDING;

    [[nodiscard]] uint64_t late_us() const {
        return ended_us > deadline_us ? ended_us - deadline_us : 0;
    }
};

// The tasks of one round. They stay where they are: an end that comes twice finds its task.
class Endings {
  public:
    explicit Endings(p2c2r_client* client) : client_(client) {}
    ~Endings() {
        for (const uint64_t task : ids_) p2c2r_client_forget(client_, task);
    }
    Endings(const Endings&) = delete;
    Endings& operator=(const Endings&) = delete;

    Outcome submit() {
        const uint64_t index = tasks_.size();
        const uint64_t within_us =
            kEndingDeadlineLeastUs + index % kEndingDeadlines * kEndingDeadlineStepUs;
        Submitted& task = tasks_.emplace_back();
        task.deadline_us = p2c2r_now_us() + within_us;
        last_deadline_us_ = std::max(last_deadline_us_, task.deadline_us);
        const std::string params = json({{"hold_us", kEndingHoldUs}}).dump();
        p2c2r_task_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.task_type = "hold";
        desc.deadline_us = within_us;
        desc.place = P2C2R_PLACE_REMOTE;
        desc.flags = P2C2R_TASK_NO_CACHE;
        desc.params_format = P2C2R_FORMAT_JSON;
        desc.params = params.data();
        desc.params_size = params.size();
        desc.done = on_done;
        desc.user = &task;
        p2c2r_task id = 0;
        p2c2r_error why = {};
        if (p2c2r_client_submit(client_, &desc, &id, &why) != P2C2R_OK) {
            return library_failure(kExitSomeFailed, "submit", why);
        }
        ids_.push_back(id);
        return std::nullopt;
    }
    [[nodiscard]] const std::deque<Submitted>& tasks() const { return tasks_; }
    [[nodiscard]] uint64_t last_deadline_us() const { return last_deadline_us_; }
    [[nodiscard]] bool all_ended() const {
        return std::all_of(tasks_.begin(), tasks_.end(),
                           [](const Submitted& task) { return task.ends > 0; });
    }

  private:
    static void P2C2R_CALL on_done(void* user, p2c2r_task, p2c2r_result* result) {
        const ResultHandle owned(result);
        auto* task = static_cast<Submitted*>(user);
        if (++task->ends > 1) return;
        task->ended_us = p2c2r_now_us();
        p2c2r_result_info info = {};
        info.struct_size = sizeof info;
        p2c2r_result_info_get(result, &info);
        task->status = info.status;
    }

    p2c2r_client* const client_;
    std::deque<Submitted> tasks_;
    std::vector<p2c2r_task> ids_;
    uint64_t last_deadline_us_ = 0;
};

struct Tally {
    uint64_t rounds = 0;
    uint64_t tasks = 0;
    uint64_t results = 0;
    uint64_t twice = 0;
    uint64_t never = 0;
    std::vector<uint64_t> errors_late_us;  // of all errors: 0 for those that came before
    uint64_t results_late_us_max = 0;

    void add(const Endings& endings) {
        ++rounds;
        for (const Submitted& task : endings.tasks()) {
            ++tasks;
            if (task.ends == 0) ++never;
            if (task.ends > 1) ++twice;
            if (task.ends == 0) continue;
            if (task.status == P2C2R_OK) {
                ++results;
                results_late_us_max = std::max(results_late_us_max, task.late_us());
            } else {
                errors_late_us.push_back(task.late_us());
            }
        }
    }
};

// Submits at its pace until then, or only listens.
Outcome turn(HoldCluster& cluster, Endings& endings, bool submits, uint64_t until_us,
             StopSignals& signals) {
    uint64_t due_us = p2c2r_now_us();
    for (uint64_t now_us = due_us; now_us < until_us; now_us = p2c2r_now_us()) {
        if (signals.count() > 0) return Failure{kExitSomeFailed, "stopped"};
        for (; submits && due_us <= now_us; due_us += kEndingPaceUs) {
            if (Outcome failure = endings.submit()) return failure;
        }
        const uint64_t next_us = submits ? std::min(due_us, until_us) : until_us;
        cluster.session().wait_and_dispatch(next_us - std::min(now_us, next_us), &signals);
    }
    return std::nullopt;
}

Outcome play_coordinator_round(const FailoverPlan& plan, Tally& tally, StopSignals& signals) {
    HoldShape shape;
    shape.peers = plan.peers;
    shape.slots = kEndingSlots;
    Result<std::unique_ptr<HoldCluster>> started = HoldCluster::start(shape, signals);
    if (!started) return started.failure();
    HoldCluster& cluster = **started;
    Endings endings(cluster.client());
    const uint64_t fault_us = p2c2r_now_us() + kBeforeFaultUs + tally.rounds * kFaultStepUs;
    if (Outcome failure = turn(cluster, endings, true, fault_us, signals)) return failure;
    cluster.kill_coordinator();
    if (Outcome failure = turn(cluster, endings, true, p2c2r_now_us() + kAfterFaultUs, signals)) {
        return failure;
    }
    for (const uint64_t after_us : {kListenUs, kPatienceUs}) {
        if (after_us == kPatienceUs && endings.all_ended()) break;
        const uint64_t until_us = endings.last_deadline_us() + after_us;
        if (Outcome failure = turn(cluster, endings, false, until_us, signals)) return failure;
    }
    tally.add(endings);
    return std::nullopt;
}

}  // namespace

Result<BenchRow> failover_coordinator(const FailoverPlan& plan, StopSignals& signals) {
    Tally tally;
    Progress progress(plan.coordinator_rounds, "rounds", !error_is_terminal());
    while (tally.rounds < plan.coordinator_rounds) {
        if (Outcome failure = play_coordinator_round(plan, tally, signals)) return *failure;
        progress.update({tally.rounds, tally.never + tally.twice}, count_text(tally.tasks, "task"));
    }
    progress.finish({tally.rounds, tally.never + tally.twice}, count_text(tally.tasks, "task"));
    const auto errors = static_cast<uint64_t>(tally.errors_late_us.size());
    const uint64_t p99_us = percentile(tally.errors_late_us, 0.99);
    const uint64_t max_us = percentile(tally.errors_late_us, 1.0);
    BenchRow row;
    row.name = "coordinator";
    row.measured = count_text(tally.tasks, "task") + ": " + std::to_string(tally.results) +
                   " results, " + std::to_string(errors) + " errors, " +
                   std::to_string(tally.twice) + " ended twice, " + std::to_string(tally.never) +
                   " never; errors late by p99 " + number_text(ms(p99_us), 2) + ", max " +
                   number_text(ms(max_us), 2) + " ms";
    row.bar = "each ends once, p99 <= 2 ms past its deadline";
    row.verdict = verdict_of(tally.twice == 0 && tally.never == 0 && errors > 0 &&
                             tally.results > 0 && p99_us <= kLatenessUsMax);
    row.why = count_text(tally.rounds, "round") + " with " + count_text(plan.peers, "peer") +
              "; the coordinator is killed, and tasks go on coming for 200 ms; no result came "
              "later than " +
              number_text(ms(tally.results_late_us_max), 2) + " ms past its deadline";
    row.figures = {{"rounds", tally.rounds},
                   {"tasks", tally.tasks},
                   {"results", tally.results},
                   {"errors", errors},
                   {"twice", tally.twice},
                   {"never", tally.never},
                   {"late_p99_us", p99_us},
                   {"late_max_us", max_us},
                   {"results_late_max_us", tally.results_late_us_max},
                   {"bar_p99_us", kLatenessUsMax}};
    return row;
}

}  // namespace p2c2r::cli
