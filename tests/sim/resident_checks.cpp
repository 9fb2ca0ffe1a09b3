// I16: results that stay, and the stages that go on from them.
#include <algorithm>

#include "sim/checkers.h"
#include "sim/envelope_view.h"
#include "sim/wire_fields.h"

namespace p2c2r::sim {

namespace {

// What a call may end with whatever becomes of the line and of the coordinator.
bool is_no_answer(Status status) {
    return status == Status::kTimeout || status == Status::kDisconnected ||
           status == Status::kClosed || status == Status::kBusy || status == Status::kMemory;
}

}  // namespace

// ---- what an application sees ------------------------------------------------------------------

void Checkers::check_stayed(uint32_t host, uint64_t task, const Asked& asked,
                            const TaskResult& result) {
    if (!result.content) {
        if (result.source != Source::kLocal) coverage_.hit(Sometimes::kStaysNot);
        return check_data(host, task, asked, result);
    }
    const Content& kept = *result.content;
    const Origin made = asked.input.answered();
    coverage_.hit(Sometimes::kStays);
    if (!asked.stays || result.source == Source::kLocal || !kept.is_away || !result.data.empty()) {
        fail("I16", "%s: the result of task %llu %s", name(host), number(task),
             asked.stays ? "stays and is here at the same time" : "stays, and nobody asked for it");
    }
    if (kept.size() != made.size || kept.digest != sha256(bytes_of(made).span())) {
        fail("I16", "%s: what stays of task %llu is not the answer to its input of %zu bytes",
             name(host), number(task), made.size);
    }
}

// Nobody but those whose data lay at the coordinator alone may hear that it is gone.
void Checkers::check_is_gone(uint32_t host, uint64_t task, const Asked& asked,
                             const TaskResult& result) {
    coverage_.hit(Sometimes::kStageGone);
    if (asked.is_stage && result.field == "content") return;
    fail("I16", "%s: task %llu, whose data its gamer has, ends with E_CONTENT: %s", name(host),
         number(task), result.error.c_str());
}

void Checkers::content_told(uint32_t host, const Origin& made, const Error* error,
                            std::span<const uint8_t> data, Expected expected) {
    if (!error) {
        coverage_.hit(Sometimes::kBytesFetched);
        if (data.size() > limits::kChunkSizeMax) coverage_.hit(Sometimes::kBytesInChunks);
        if (!are_bytes_of(data, made)) {
            fail("I16", "%s gets other bytes than those %zu that stayed", name(host), made.size);
        }
        if (expected == Expected::kGone) {
            fail("I16", "%s gets %zu bytes that it has let go", name(host), made.size);
        }
        return;
    }
    const bool is_gone = error->status == Status::kContent;
    if (is_gone) coverage_.hit(Sometimes::kBytesGone);
    if (expected == Expected::kThere || (expected == Expected::kGone && !is_gone) ||
        (!is_gone && !is_no_answer(error->status))) {
        fail("I16", "%s asks for %zu bytes that %s, and hears %s: %s", name(host), made.size,
             expected == Expected::kThere ? "stayed" : "may be gone", status_name(error->status),
             error->text.c_str());
    }
}

// ---- where stages run, for the "sometimes" list ------------------------------------------------

const Checkers::Asked* Checkers::stage_of_token(uint64_t token) const {
    const auto tasks = asked_.find(host_of_token(token));
    if (tasks == asked_.end()) return nullptr;
    const auto found = tasks->second.find(task_of_token(token));
    return found != tasks->second.end() && found->second.is_stage ? &found->second : nullptr;
}

void Checkers::stage_began(uint32_t host, uint64_t token) {
    const Asked* const stage = stage_of_token(token);
    if (!stage) return;
    if (hosts_[host].kind == Kind::kCoordinator) return coverage_.hit(Sometimes::kStageHere);
    if (hosts_[host].kind != Kind::kPeer) {
        fail("I16", "%s computes task %llu, whose data it does not have", name(host),
             number(task_of_token(token)));
        return;
    }
    const auto made_at = stamp_hosts_.find(stage->made_by);
    if (made_at == stamp_hosts_.end()) return;
    if (made_at->second == host) return coverage_.hit(Sometimes::kStageAtMaker);
    coverage_.hit(Sometimes::kStageElsewhere);
    if (std::none_of(peer_pipes_.begin(), peer_pipes_.end(),
                     [&](const auto& entry) { return entry.second.host == made_at->second; })) {
        coverage_.hit(Sometimes::kStageMakerGone);
    }
}

// The peer asks for the data of this attempt.
void Checkers::stage_lacks(const PeerPipe& peer, uint64_t attempt) {
    const auto found = peer.attempts.find(attempt);
    if (found == peer.attempts.end()) return;
    const Asked* const stage = stage_of_token(found->second.token);
    if (!stage) return;
    const auto made_at = stamp_hosts_.find(stage->made_by);
    const bool is_maker = made_at != stamp_hosts_.end() && made_at->second == peer.host;
    coverage_.hit(is_maker ? Sometimes::kStageForgotten : Sometimes::kStageBrought);
}

// ---- the wire ----------------------------------------------------------------------------------

// So many bytes stay: of what came for this gamer none of them is on the way to it.
void Checkers::resident_sent(GamerPipe& gamer, uint64_t token, uint64_t size) {
    const uint64_t heard = std::exchange(tracked_[token].heard_bytes, 0);
    gamer.answers_heard -= std::min(gamer.answers_heard, heard);
    look_if_behind(gamer);
    if (size > limits::kChunkSizeMax) coverage_.hit(Sometimes::kStaysInChunks);
}

void Checkers::content_brought(const wire::Frame& frame) {
    const EnvelopeView view(frame.envelope);
    const std::span<const uint8_t> digest = view.bytes(key::kDigest);
    if (!brought_.insert({digest.begin(), digest.end()}).second) return;
    bytes_brought_ += static_cast<uint64_t>(
        view.sum_of_pair(key::kSizes).value_or(static_cast<int64_t>(frame.data.size())));
}

}  // namespace p2c2r::sim
