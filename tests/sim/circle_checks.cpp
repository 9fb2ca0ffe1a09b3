// I15: circles and owners, judged by the truth about whose each host is.
#include <algorithm>

#include "sim/checkers.h"

namespace p2c2r::sim {

namespace {

constexpr uint32_t kOperator = 0;

const char* circle_name(Circle circle) {
    return circle == Circle::kOwn ? "own" : circle == Circle::kPublic ? "public" : "invited";
}

}  // namespace

bool Checkers::reaches(const Tracked& task, uint32_t host, bool limited) const {
    if (task.circle == Circle::kPublic) return false;
    const uint32_t owner = people_.owner_of(task.gamer);
    if (owner != kNobody && owner == people_.owner_of(host)) return true;
    return task.circle == Circle::kInvited && !limited;
}

void Checkers::check_circle(const PeerPipe& peer, uint64_t token, const Tracked& task) {
    const uint32_t gamer = host_of_token(token);
    for (const uint32_t host : {gamer, peer.host}) {
        if (!people_.is_revoked(host)) continue;
        fail("I15", "%s is given %s's task %llu, and %s was revoked", name(peer.host), name(gamer),
             number(task_of_token(token)), name(host));
    }
    if (!reaches(task, peer.host, peer.limited)) {
        fail("I15", "%s of owner %u%s is given task %llu of circle %s of %s, whose owner is %u",
             name(peer.host), people_.owner_of(peer.host),
             peer.limited ? ", which keeps to its circle," : "", number(task_of_token(token)),
             circle_name(task.circle), name(gamer), people_.owner_of(gamer));
    }
    if (task.circle == Circle::kOwn) {
        coverage_.hit(task.assigns == 0 ? Sometimes::kOwnTask : Sometimes::kOwnTaskAgain);
    } else if (peer.limited) {
        coverage_.hit(Sometimes::kLimitedServes);
    }
}

// The coordinator is a machine of its operator.
void Checkers::check_computed_here(uint64_t token, const Tracked& task) {
    const uint32_t gamer = host_of_token(token);
    if (people_.is_revoked(gamer)) {
        fail("I15", "the coordinator computes task %llu of %s, which was revoked",
             number(task_of_token(token)), name(gamer));
    }
    if (task.circle == Circle::kInvited) return;
    if (task.circle == Circle::kPublic || people_.owner_of(gamer) != kOperator) {
        fail("I15", "the coordinator computes task %llu of circle %s of %s, whose owner is %u",
             number(task_of_token(token)), circle_name(task.circle), name(gamer),
             people_.owner_of(gamer));
    }
    coverage_.hit(Sometimes::kOwnTaskHere);
}

bool Checkers::is_inside(uint32_t gamer, bool own, const PeerView& peer) const {
    Tracked task;
    task.circle = own ? Circle::kOwn : Circle::kInvited;
    task.gamer = gamer;
    return reaches(task, peer.host, peer.limited);
}

bool Checkers::coordinator_is_inside(uint32_t gamer, bool own) const {
    return !own || people_.owner_of(gamer) == kOperator;
}

// In a whole and quiet cluster an own task that nobody may run says so.
void Checkers::check_why_late(uint32_t host, uint64_t task, const Asked& asked,
                              const TaskResult& result) {
    if (result.status == Status::kUnsupported && result.field == "circle") {
        coverage_.hit(Sometimes::kPublicTask);
        if (asked.own)
            fail("I15", "%s: circle own is refused to task %llu", name(host), number(task));
    }
    const bool says_so = result.error.find("no peer of circle own") != std::string::npos;
    if (says_so) {
        coverage_.hit(Sometimes::kOwnTaskWaits);
        if (!asked.own) {
            fail("I15", "%s: task %llu is not of circle own and ends with: %s", name(host),
                 number(task), result.error.c_str());
        }
    }
    if (!asked.must_wait || says_so) return;
    fail("I15", "%s: own task %llu, for which there is no machine, ends with %s: %s", name(host),
         number(task), status_name(result.status), result.error.c_str());
}

}  // namespace p2c2r::sim
