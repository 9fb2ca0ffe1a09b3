// The bugs that can be planted into this build, to check the checkers: each must be found.
#pragma once

#include <cstdint>

namespace p2c2r::sim {

struct Plant {
    const char* name;
    const char* text;
    uint64_t seed = 0;  // one that shows it; 0: look for it from 1 on
};

inline constexpr Plant kPlants[] = {
    {"nonce_not_compared", "a result counts without its attempt nonce", 1},
    {"slot_freed_on_cancel", "a cancelled task gives its slot back before its worker has stopped",
     1},
    {"attempts_not_counted", "a task that times out is tried without end", 5},
    {"duplicate_delivered", "a result is delivered twice", 1},
    {"lost_peer_tasks_forgotten", "tasks of a lost peer are not placed again", 1},
    {"deadline_on_wrong_clock", "an order carries the coordinator's time instead of what remains",
     1},
    {"window_ignored", "a peer is given one task more than its window", 1},
    {"resume_loses_tasks", "a client that reconnects does not submit its tasks again", 4},
    {"cancel_not_sent", "a peer is not told that what it works on is over", 1},
    {"cancel_stops_at_peer", "a peer that is told so does not tell its worker", 1},
    {"unheard_order_holds_slot", "an order that never left keeps its slot when it is given up", 30},
    {"delta_not_applied", "a peer computes from a content without the changes to it", 1},
    {"circle_ignored_on_failover", "an own task that is placed again may go to anybody", 4},
    {"own_task_computed_here", "the coordinator computes own tasks of other owners", 4},
    {"serves_after_revocation", "what is connected of a revoked account goes on", 21},
    {"moved_account_goes_on", "a machine goes on as its former owner's after another one's code",
     4},
    {"copy_not_cancelled", "a peer whose answer came second is not told", 1},
    {"copies_without_budget", "late tasks are copied whatever share of all that is", 1},
    {"begun_taken_back", "what a peer began first is taken back from it", 2},
    {"answer_of_both_counted", "the answers of both attempts at a task count", 1},
    {"bytes_not_counted", "inputs in chunks are held and not counted", 1},
    {"budget_underflow", "a task whose result has begun is taken out of the budget twice", 5},
    {"expired_task_started", "a peer starts on what is over", 2},
    {"turn_unfair", "an account that was served keeps its turn", 4},
    {"timer_leaked", "a client looks at its tasks every second, whether it has any", 1},
    {"late_answer_delivered", "a client waits for longer than its tasks' deadlines", 2},
    {"dependency_started_early", "a client does not wait for what its tasks depend on", 1},
    {"dependency_ignored", "a coordinator does not wait for what a task depends on", 2},
    {"attempt_id_reused", "every attempt at a task has the same id on a peer's hop", 1},
    {"slots_exceeded", "a peer runs one task more than its slots", 1},
    {"stream_overfed", "a stream is fed to a connection that has enough queued", 2},
    {"parts_mixed_up", "parts are put together in another order", 2},
    {"stays_cut_short", "of a result in chunks that stays the first piece is kept alone", 9},
    {"residents_outlive_gamer", "what stayed of a gamer's results stays when it has gone", 21},
    {"goodbye_keeps_tasks", "the tasks of a gamer that says goodbye go on", 77},
};

// Plants this one for all seeds to come; NULL: none. False: there is no such plant.
bool choose_plant(const char* name);

}  // namespace p2c2r::sim
