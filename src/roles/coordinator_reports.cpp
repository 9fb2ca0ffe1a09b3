// What the coordinator says of its peers, gamers and tasks: who is there, what runs where, and why
// there.
#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>

#include "model/value_writer.h"
#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

constexpr size_t kTasksListedMax = 1000;
constexpr size_t kGamersListedMax = 1000;

const char* circle_name(Circle circle) {
    return circle == Circle::kOwn ? "own" : circle == Circle::kPublic ? "public" : "invited";
}

std::string count_of(uint64_t count, const char* noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

const char* state_name(sched::TaskRecord::State state) {
    switch (state) {
        case sched::TaskRecord::State::kHeld:
            return "held";
        case sched::TaskRecord::State::kStalled:
            return "stalled";
        case sched::TaskRecord::State::kQueued:
            return "queued";
        case sched::TaskRecord::State::kLeased:
            return "leased";
        case sched::TaskRecord::State::kLocal:
            return "local";
        case sched::TaskRecord::State::kFree:
            break;
    }
    return "ended";
}

}  // namespace

// The operator, in this process or logged in as an admin. A gamer sees its own tasks, a peer those
// that it holds.
bool Coordinator::Impl::sees_all(const Session* asker) {
    return !asker || asker->who.roles.admin;
}

// Whom the asker is for this; where nobody logs in, everybody is the operator's.
sched::OwnerIndex Coordinator::Impl::owner_of_asker(const Session* asker) {
    if (!asker) return OwnerNames::kOperator;
    if (const Gamer* gamer = gamers_.find(asker->gamer)) return gamer->owner;
    const sched::PeerRecord* peer = scheduler_.peers().find(asker->peer);
    return peer ? peer->owner : sched::kNoOwner;
}

// How somebody's machine is used, how fast it is and what its owner wishes is not for friends to
// know: they see who is there, for which circle, with how many slots and for what.
Bytes Coordinator::Impl::call_peers(const Session* asker) {
    const bool all = sees_all(asker);
    const bool open = !options_.access;
    const sched::OwnerIndex mine = owner_of_asker(asker);
    ValueWriter writer(4096);
    writer.map(1).key("peers").array(static_cast<uint32_t>(peer_links_.size()));
    for (const auto& [peer_id, link] : peer_links_) {
        const sched::PeerRecord& record = *scheduler_.peers().find(link.id);
        const bool own = record.owner != sched::kNoOwner && record.owner == mine;
        const bool whole = all || own || open;
        const auto* word = link.session && whole ? link.session->owner_word.get() : nullptr;
        writer.map(5u + (whole ? 9u : 0u) + (all ? 3u : 0u) + (word ? 4u : 0u));
        writer.key("peer_id").text(peer_id);
        if (word) {
            writer.key("mode").text(word->mode);
            writer.key("why").text(word->why);
            writer.key("duty_permille").unsigned_integer(word->duty_permille);
            writer.key("data_used").unsigned_integer(word->data_used);
        }
        if (all) {
            const Session* at = link.session;
            writer.key("address").text(at ? at->connection->peer_address() : "");
            writer.key("account").text(link.account);
            writer.key("owner").text(owners_.name_of(record.owner));
        }
        writer.key("own").boolean(own);
        writer.key("circle_accepted").text(circle_name(record.accepts));
        writer.key("slots").unsigned_integer(record.slots);
        if (whole) {
            writer.key("gpu_model").text(link.gpu_model);
            writer.key("cpu_cores").unsigned_integer(link.cpu_cores);
            writer.key("speed").number(record.speed);
            writer.key("window_tasks").unsigned_integer(record.window_tasks);
            writer.key("held").unsigned_integer(record.held);
            writer.key("completed").unsigned_integer(record.completed);
            writer.key("failed").unsigned_integer(record.failed);
            writer.key("link_us").number(record.link_us);
            writer.key("connected_us").unsigned_integer(loop_.now_us() - record.joined_us);
        }
        writer.key("task_types").array(static_cast<uint32_t>(record.learned.size()));
        for (const sched::Learned& learned : record.learned) {
            writer.map(whole ? 4 : 1).key("task_type").text(scheduler_.type_name(learned.type));
            if (!whole) continue;
            writer.key("samples").unsigned_integer(learned.samples);
            writer.key("compute_us").number(learned.compute_us);
            writer.key("round_us").number(learned.round_us);
        }
    }
    return writer.take();
}

// Who is there and who is awaited, for the operator; how many, for everybody.
Bytes Coordinator::Impl::call_gamers(const Session* asker) {
    const bool all = sees_all(asker);
    size_t connected = 0;
    size_t count = 0;
    gamers_.for_each([&](uint64_t, const Gamer& gamer) {
        connected += gamer.session ? 1 : 0;
        ++count;
    });
    const size_t listed = all ? std::min(count, kGamersListedMax) : 0;
    ValueWriter writer(4096);
    writer.map(3).key("connected").unsigned_integer(connected);
    writer.key("away").unsigned_integer(count - connected);
    writer.key("gamers").array(static_cast<uint32_t>(listed));
    size_t written = 0;
    gamers_.for_each([&](uint64_t, const Gamer& gamer) {
        if (written == listed) return;
        ++written;
        const Session* at = gamer.session;
        const uint64_t since_us = at ? at->opened_us : gamer.away_since_us;
        writer.map(9).key("client_id").text(gamer.client_id);
        writer.key("account").text(gamer.account);
        writer.key("owner").text(owners_.name_of(gamer.owner));
        writer.key("address").text(at ? at->connection->peer_address() : "");
        writer.key("connected").boolean(at != nullptr);
        writer.key("since_us").unsigned_integer(loop_.now_us() - since_us);
        writer.key("pending_tasks").unsigned_integer(gamer.tasks.size());
        // Of all that is connected under its account: so the limits count.
        writer.key("account_pending_bytes")
            .unsigned_integer(gamer.share ? gamer.share->pending_bytes() : 0);
        writer.key("asks").boolean(at && at == asker);  // this very question
    });
    return writer.take();
}

// Of a task that was with peers, and is not any more.
static std::string attempts_text(const sched::TaskRecord& record) {
    using Trouble = sched::TaskRecord::Trouble;
    const bool is_one = record.attempts == 1;
    const char* const end = record.trouble == Trouble::kTimeout ? "ran out of time"
                            : record.trouble == Trouble::kLost  ? "was lost with the peer"
                            : record.trouble == Trouble::kGivenUp
                                ? "was given up as its gamer's connection was lost"
                                : "failed";
    return is_one
               ? std::string("its attempt at a peer ") + end
               : "of its " + std::to_string(record.attempts) + " attempts at peers the last " + end;
}

static const char* copy_text(sched::CopyCause cause) {
    using sched::CopyCause;
    switch (cause) {
        case CopyCause::kLate:
            return "the first attempt takes longer than nearly all there did";
        case CopyCause::kLastMoment:
            return "later nobody else could have answered in time";
        case CopyCause::kShort:
            return "there was too little time to wait for one, and most slots were idle";
        case CopyCause::kSuspect:
            return "the first peer has said nothing for a while, and the task is urgent";
        case CopyCause::kDead:
            return "the first peer has said nothing for so long that it counts as dead";
        case CopyCause::kNone:
            break;
    }
    return "";
}

static std::string in_ms(uint64_t us) {
    char text[64];
    std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(us) / 1000);
    return text;
}

// Of a task whose data is a content: where that was when it was placed.
static std::string data_text(const sched::Placement& placement) {
    using sched::Residence;
    switch (placement.data) {
        case Residence::kThere:
            return "; it has the data";
        case Residence::kComing:
            return "; the data is on its way there, for another " + in_ms(placement.data_us);
        case Residence::kLacking:
            return "; needs " + in_ms(placement.data_us) + " for the data";
        case Residence::kNone:
            break;
    }
    return "";
}

static const char* residence_name(sched::Residence data) {
    using sched::Residence;
    return data == Residence::kThere ? "there" : data == Residence::kComing ? "coming" : "lacking";
}

// Why a task is where it is, in plain words.
std::string Coordinator::Impl::why_there(uint64_t task, const sched::TaskRecord& record) {
    using State = sched::TaskRecord::State;
    const std::string reach = std::string("of circle ") + circle_name(record.reach.circle) +
                              (record.reach.circle == Circle::kOwn ? " of this owner" : "");
    const uint32_t serving = scheduler_.peers().serving(record.type, record.reach);
    switch (record.state) {
        case State::kHeld: {
            const Gamer* gamer = gamers_.find(relay(task).gamer);
            return gamer && gamer->behind
                       ? "waits until its gamer has read more of the results that wait for it"
                       : "waits for the tasks that it depends on";
        }
        case State::kStalled:
            return "waits for the rest of its input, which stalled while others waited";
        case State::kQueued:
            if (serving > 0) {
                return "waits for room: " + count_of(serving, "peer") + " " + reach +
                       " may take it, and none has any";
            }
            return record.reach.circle == Circle::kOwn &&
                           scheduler_.peers().machines_of(record.reach.owner) == 0
                       ? "waits: no peer " + reach + " is connected"
                       : "waits: no peer " + reach + " takes tasks of this type";
        case State::kLocal:
            return std::string("computed by the coordinator: ") +
                   (record.attempts == 0 ? "no peer " + reach + " takes it"
                                         : attempts_text(record));
        case State::kLeased:
        case State::kFree:
            break;
    }
    const sched::Placement* placement = scheduler_.explain(task);
    if (!placement) return "placed among peers " + reach;
    const uint64_t predicted_us =
        placement->finish_us - std::min(placement->at_us, placement->finish_us);
    std::string why = placement->is_safer ? "most surely in time of " : "done first of ";
    why += count_of(placement->considered, "peer") + " " + reach + ", predicted in " +
           in_ms(predicted_us);
    if (placement->chance < 1) {
        why += ", in time by a chance of " +
               std::to_string(static_cast<int>(std::lround(placement->chance * 100))) + " %";
    }
    why += placement->free_slot ? ": a slot is free"
                                : ": after " + count_of(placement->held, "other task");
    why += data_text(*placement);
    if (placement->attempt > 1) why += "; attempt " + std::to_string(placement->attempt);
    if (const sched::Placement* copy = record.has_copy ? scheduler_.explain(task, true) : nullptr) {
        why += std::string("; at a second peer as well: ") + copy_text(copy->copy);
    }
    return why;
}

Bytes Coordinator::Impl::call_tasks(const Session* asker) {
    struct Row {
        const Gamer* gamer;  // NULL: not for the asker to know
        uint64_t id;         // on the asker's hop
        uint64_t task;
        const sched::TaskRecord* record;
    };
    std::vector<Row> rows;
    size_t pending = 0;
    const auto add = [&](const Gamer* gamer, uint64_t id, uint64_t task) {
        ++pending;
        const sched::TaskRecord* record = scheduler_.find(task);
        if (!record || rows.size() >= kTasksListedMax) return;
        rows.push_back({gamer, id, task, record});
    };
    if (!sees_all(asker) && asker->peer != 0) {
        for (uint64_t task : scheduler_.peers().find(asker->peer)->leases) {
            add(nullptr, scheduler_.attempt_at(task, asker->peer)->attempt_id, task);
        }
    } else {
        gamers_.for_each([&](uint64_t id, Gamer& gamer) {
            if (!sees_all(asker) && asker->gamer != id) return;
            for (uint64_t client_task : gamer.tasks.sorted_keys()) {
                add(&gamer, client_task, *gamer.tasks.find(client_task));
            }
        });
    }
    const uint64_t now = loop_.now_us();
    ValueWriter writer(4096);
    writer.map(2).key("pending").unsigned_integer(pending);
    writer.key("tasks").array(static_cast<uint32_t>(rows.size()));
    for (const Row& row : rows) {
        char id[17];
        std::snprintf(id, sizeof id, "%016" PRIx64, row.id);
        const sched::PeerRecord* peer =
            scheduler_.peers().find(row.gamer ? row.record->run.peer : asker->peer);
        writer.map(row.gamer ? 9 : 6);
        writer.key("task").text(id);
        if (row.gamer) {
            writer.key("client_id").text(row.gamer->client_id);
            writer.key("circle").text(circle_name(row.record->reach.circle));
            writer.key("why").text(why_there(row.task, *row.record));
        }
        writer.key("task_type").text(scheduler_.type_name(row.record->type));
        writer.key("state").text(state_name(row.record->state));
        writer.key("attempts").unsigned_integer(row.record->attempts);
        writer.key("peer_id").text(peer ? peer->peer_id : "");
        writer.key("left_us").unsigned_integer(
            row.record->deadline_us > now ? row.record->deadline_us - now : 0);
    }
    return writer.take();
}

// Task ids are the gamers' own; without a client_id the operator gets the first gamer's that has
// one.
uint64_t Coordinator::Impl::find_task(uint64_t task_id, const std::string& client_id,
                                      const Session* asker) {
    if (!sees_all(asker) && asker->peer != 0)
        return scheduler_.task_of_attempt(asker->peer, task_id);
    uint64_t task = 0;
    gamers_.for_each([&](uint64_t id, Gamer& gamer) {
        if (!sees_all(asker) && asker->gamer != id) return;
        if (task != 0 || (!client_id.empty() && gamer.client_id != client_id)) return;
        if (const uint64_t* found = gamer.tasks.find(task_id)) task = *found;
    });
    return task;
}

Result<Bytes> Coordinator::Impl::call_explain(uint64_t task) {
    const sched::TaskRecord* record = scheduler_.find(task);
    if (!record) return field_error(Status::kStale, "task", "no such task is pending");
    const sched::Placement* placement = scheduler_.explain(task);
    ValueWriter writer;
    const sched::Placement* copy = record->has_copy ? scheduler_.explain(task, true) : nullptr;
    const bool has_content = placement && placement->data != sched::Residence::kNone;
    writer.map((placement ? 11u : 4u) + (copy ? 2u : 0u) + (has_content ? 2u : 0u));
    writer.key("state").text(state_name(record->state));
    writer.key("attempts").unsigned_integer(record->attempts);
    writer.key("circle").text(circle_name(record->reach.circle));
    writer.key("why").text(why_there(task, *record));
    if (copy) {
        const sched::PeerRecord* second = scheduler_.peers().find(copy->peer);
        writer.key("copy_peer_id").text(second ? second->peer_id : "");
        writer.key("copy_why").text(copy_text(copy->copy));
    }
    if (!placement) return writer.take();
    const sched::PeerRecord* peer = scheduler_.peers().find(placement->peer);
    writer.key("peer_id").text(peer ? peer->peer_id : "");
    writer.key("attempt").unsigned_integer(placement->attempt);
    writer.key("predicted_us")
        .unsigned_integer(placement->finish_us - std::min(placement->at_us, placement->finish_us));
    writer.key("chance").number(static_cast<double>(placement->chance));
    writer.key("free_slot").boolean(placement->free_slot);
    writer.key("held_before").unsigned_integer(placement->held);
    writer.key("peers_considered").unsigned_integer(placement->considered);
    if (has_content) {
        writer.key("data").text(residence_name(placement->data));
        writer.key("data_us").unsigned_integer(placement->data_us);
    }
    return writer.take();
}

}  // namespace p2c2r::roles
