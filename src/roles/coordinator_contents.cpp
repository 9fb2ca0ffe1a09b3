// Contents at the coordinator: what gamers put here, tasks that refer to it, and peers that ask for
// it. The picture and the rules are in sched/content_store.h.
#include <algorithm>

#include "core/plant.h"
#include "model/patches.h"
#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

// Scopes of accounts are numbers of their own; those of gamers without one are the gamers' ids.
constexpr uint64_t kAccountScopeBit = 1ull << 63;

// A content of which less than so much comes in such a time is given up: it holds memory that
// others could use.
constexpr uint64_t kIncomingLookUs = 5'000'000;
constexpr uint64_t kIncomingBytesLeast = 16 * 1024 * (kIncomingLookUs / 1'000'000);

}  // namespace

// ---- whose contents ----------------------------------------------------------------------------

// An account that has come to another owner is another one: nothing that was brought or answered
// under one owner is there under the next.
sched::ContentStore::Scope Coordinator::Impl::scope_of(uint64_t gamer_id,
                                                       const std::string& account,
                                                       sched::OwnerIndex owner) {
    if (account.empty()) return gamer_id;
    const auto known = account_scopes_.find({account, owner});
    if (known != account_scopes_.end()) return known->second;
    const uint64_t scope = kAccountScopeBit | (account_scopes_.size() + 1);
    account_scopes_.emplace(std::pair(account, owner), scope);
    return scope;
}

// Without an account nobody can show later that these were his: the next of that client_id may be
// somebody else.
void Coordinator::Impl::forget_contents_of(uint64_t gamer_id, Gamer& gamer) {
    while (!gamer.residents.empty() && !P2C2R_PLANT("residents_outlive_gamer")) {
        const Digest256 digest = *gamer.residents.begin();
        let_content_go(gamer, digest);
    }
    if (gamer.scope != gamer_id) return;
    contents_.forget_scope(gamer_id);
    answers_.forget_scope(gamer_id);
}

// ---- tasks -------------------------------------------------------------------------------------

bool Coordinator::Impl::check_content(Gamer& gamer, uint64_t client_task,
                                      const wire::TaskSubmit& message) {
    if (message.payload_place != 1 || !keeps_contents()) {
        answer_error(gamer, client_task, Status::kUnsupported, "payload_place",
                     keeps_contents() ? "payload_place other than inline and resident is not "
                                        "available here"
                                      : "payload_place other than inline is not available here");
        return false;
    }
    if (message.digest.empty()) {
        answer_error(gamer, client_task, Status::kArgument, "digest",
                     "digest is missing: payload_place says that the data is a content");
        return false;
    }
    return true;
}

void Coordinator::Impl::attach_content(uint64_t task, Relay& relay, const Digest256& digest,
                                       uint64_t entry) {
    relay.has_content = true;
    relay.content = relay.content_sent = 0;
    relay.awaits = nullptr;
    if (entry != 0) return give_content(task, relay, entry);
    const Gamer& gamer = *gamers_.find(relay.gamer);
    AwaitedContents::value_type& awaited = *awaited_.try_emplace({digest, gamer.scope}).first;
    try {
        awaited.second.push_back(task);
    } catch (...) {
        if (awaited.second.empty()) awaited_.erase(awaited.first);
        throw;
    }
    relay.awaits = &awaited;
    if (asker_of(awaited) == task) ask_content(task);
}

void Coordinator::Impl::give_content(uint64_t task, Relay& relay, uint64_t entry) {
    contents_.pin(entry);
    relay.content = entry;
    scheduler_.content_known(task, entry);
}

void Coordinator::Impl::detach_content(uint64_t task, Relay& relay) noexcept {
    relay.has_content = false;
    if (relay.content != 0) contents_.unpin(std::exchange(relay.content, 0));
    AwaitedContents::value_type* awaited = std::exchange(relay.awaits, nullptr);
    if (!awaited) return;
    std::vector<uint64_t>& tasks = awaited->second;
    const bool was_asker = asker_of(*awaited) == task;
    std::erase(tasks, task);
    if (tasks.empty()) {
        awaited_.erase(AwaitedContents::key_type(awaited->first));
        return;
    }
    // The gamer may not answer for a task that has ended: another one asks in its place.
    const uint64_t next = was_asker ? asker_of(*awaited) : 0;
    if (next == 0) return;
    try {
        ask_content(next);
    } catch (const std::bad_alloc&) {
        // Then it is asked for when the gamer comes back, or the tasks end at their deadlines.
    }
}

uint64_t Coordinator::Impl::asker_of(const AwaitedContents::value_type& awaited) {
    for (const uint64_t task : awaited.second) {
        const Gamer* gamer = gamers_.find(relay(task).gamer);
        if (gamer && gamer->session) return task;
    }
    return 0;
}

// `task` is an asker.
void Coordinator::Impl::ask_content(uint64_t task) {
    const Relay& asking = relay(task);
    Session& session = *gamers_.find(asking.gamer)->session;
    const Digest256& digest = asking.awaits->first.first;
    if (session.contents && session.contents->is_coming(digest)) return;
    encode(wire::ContentWant{digest_text(digest)}, envelope_);
    send(session, wire::Message::kContentWant, asking.client_task);
}

// This gamer has gone away, and what it was asked for does not come: the others of its account that
// wait for it are asked. It is asked anew itself when it submits again.
void Coordinator::Impl::ask_others(uint64_t gamer_id) noexcept {
    for (const auto& awaited : awaited_) {
        const auto is_its = [&](uint64_t task) { return relay(task).gamer == gamer_id; };
        if (std::none_of(awaited.second.begin(), awaited.second.end(), is_its)) continue;
        const uint64_t task = asker_of(awaited);
        try {
            if (task != 0) ask_content(task);
        } catch (const std::bad_alloc&) {
            // Then the tasks end at their deadlines.
        }
    }
}

// ---- from the gamer ----------------------------------------------------------------------------

void Coordinator::Impl::count_incoming(Session& session) {
    const uint64_t now = session.contents->announced_bytes();
    incoming_bytes_ += now - session.incoming_counted;
    session.incoming_counted = now;
}

void Coordinator::Impl::on_content_put(Session& session, const wire::Frame& frame) {
    if (!keeps_contents()) {
        return end_session(session, Status::kProtocol, "content_put where no contents are kept");
    }
    Gamer& gamer = *gamers_.find(session.gamer);
    if (!session.contents) {
        session.contents = std::make_unique<ContentInbox>(ContentInbox::Limits{});
    }
    if (session.contents->is_idle()) session.incoming_looked_us = loop_.turn_us();
    ContentInbox& inbox = *session.contents;
    ContentInbox::Taken taken = inbox.take(frame, contents_.scope_bytes_max());
    count_incoming(session);
    // It counts like a task of that size, with its first frame for all that follow.
    if (taken.size) {
        const Share::Answer answer = gamer.share->bring(*taken.size, loop_.turn_us());
        if (answer.refusal != Share::Refusal::kNone) {
            inbox.refuse(frame.id);
            count_incoming(session);
            return content_failed(gamer, taken.stated, Status::kBusy, field_of(answer.refusal),
                                  text_of(answer.refusal), retry_after_ms(answer.wait_us));
        }
    }
    // What nobody uses now makes way for what comes.
    if (taken.size) {
        const uint64_t more = taken.state == ContentInbox::State::kWhole ? *taken.size : 0;
        const uint64_t room = options_.memory_max / 10 * 9 - more;
        give_way(room);
        if (budget_bytes() > room) {
            inbox.refuse(frame.id);
            count_incoming(session);
            return content_failed(gamer, taken.stated, Status::kBusy, "memory",
                                  "the coordinator holds as many payload bytes as it may",
                                  kRetryAfterMs);
        }
    }
    switch (taken.state) {
        case ContentInbox::State::kMore:
            return;
        case ContentInbox::State::kWhole:
            return content_arrived(gamer, taken.stated, std::move(taken.bytes));
        case ContentInbox::State::kForged:
            return content_failed(gamer, taken.stated, Status::kContent, "content",
                                  "the content's bytes are not of its digest");
        case ContentInbox::State::kRefused:
            if (taken.too_large) {
                return content_failed(gamer, taken.stated, Status::kSize, "content",
                                      "a content of more than the " +
                                          std::to_string(contents_.scope_bytes_max()) +
                                          " bytes that one gamer may have here");
            }
            return content_failed(gamer, taken.stated, Status::kBusy, "content",
                                  "more than 8 contents, or 64 MiB of them, at the same time",
                                  kRetryAfterMs);
        case ContentInbox::State::kIgnored:
            return;
        case ContentInbox::State::kBroken:
            return end_session(session, Status::kProtocol, inbox.why());
    }
}

void Coordinator::Impl::check_incoming(Session& session, uint64_t now_us) {
    if (!session.contents || session.contents->is_idle()) return;
    if (now_us - session.incoming_looked_us < kIncomingLookUs) return;
    session.incoming_looked_us = now_us;
    const std::vector<Digest256> slow = session.contents->refuse_slow(kIncomingBytesLeast);
    count_incoming(session);
    for (const Digest256& digest : slow) {
        Gamer* gamer = gamers_.find(session.gamer);
        if (!gamer) return;
        content_failed(*gamer, digest, Status::kTimeout, "content",
                       "less than 16 KiB a second of the content came");
    }
}

void Coordinator::Impl::content_arrived(Gamer& gamer, const Digest256& digest, Bytes&& bytes) {
    const auto found = awaited_.find({digest, gamer.scope});
    const bool needed = found != awaited_.end();
    const uint64_t entry = contents_.add(digest, std::move(bytes), gamer.scope, needed);
    if (!needed) return;
    if (entry == 0) {
        return content_failed(gamer, digest, Status::kBusy, "content",
                              "the contents that this account's tasks use leave no room for "
                              "another one",
                              kRetryAfterMs);
    }
    const std::vector<uint64_t> tasks = std::move(found->second);
    awaited_.erase(found);
    contents_.pin(entry);  // while it goes from hand to hand
    for (const uint64_t task : tasks) {
        Relay& waiting = relay(task);
        waiting.awaits = nullptr;
        give_content(task, waiting, entry);
        waits_less(task);
    }
    contents_.unpin(entry);
}

void Coordinator::Impl::content_failed(Gamer& gamer, const Digest256& digest, Status status,
                                       std::string_view field, std::string_view error,
                                       uint32_t retry_after_ms) {
    const auto found = awaited_.find({digest, gamer.scope});
    if (found == awaited_.end()) return;
    const std::vector<uint64_t> tasks = std::move(found->second);
    awaited_.erase(found);
    for (const uint64_t task : tasks) relay(task).awaits = nullptr;
    for (const uint64_t task : tasks) {
        if (!scheduler_.find(task)) continue;  // it depended on one of the others
        Gamer* owner = gamers_.find(relay(task).gamer);
        ++stats_.failed_tasks;
        if (owner) {
            answer_error(*owner, relay(task).client_task, status, field, error, retry_after_ms);
        }
        withdraw(task);
    }
}

void Coordinator::Impl::on_content_drop(Session& session, const wire::Frame& frame) {
    wire::ContentDrop message;
    if (const char* why = decode(frame.envelope, message)) {
        return end_session(session, Status::kProtocol, why);
    }
    Gamer& gamer = *gamers_.find(session.gamer);
    let_content_go(gamer, digest_of(message.digest));
}

// ---- to the peers ------------------------------------------------------------------------------

void Coordinator::Impl::on_content_want(Session& session, const wire::Frame& frame) {
    wire::ContentWant message;
    if (const char* why = decode(frame.envelope, message)) {
        return end_session(session, Status::kProtocol, why);
    }
    // A peer gets the content of a task that it holds, and no other.
    const uint64_t task = scheduler_.task_of_attempt(session.peer, frame.id);
    if (task == 0) return;
    Relay& wanting = relay(task);
    if (!wanting.has_content || wanting.content == 0) return;
    const uint64_t entry = wanting.content;
    if (digest_text(contents_.digest(entry)) != message.digest) return;
    // Once for an attempt, which it lasts for: who asks again would only take our uplink.
    if (std::exchange(wanting.content_sent, frame.id) == frame.id) return;
    scheduler_.content_lacking(task, session.peer, loop_.turn_us());
    request_turn_end();  // for the timer
    const Bytes bytes = contents_.bytes(entry);
    wire::ContentPut put;
    put.digest = digest_text(contents_.digest(entry));
    if (needs_chunks(0, bytes.size())) put.sizes = wire::PayloadSizes{0, bytes.size()};
    encode(put, envelope_);
    session.out.send(*session.connection, wire::Message::kContentPut, 0,
                     kContentIdBit | ++contents_sent_, envelope_.span(), {}, bytes);
}

void Coordinator::Impl::content_used(Session& session, const Relay& relay) {
    const sched::PeerRecord* const peer = scheduler_.peers().find(session.peer);
    if (!peer || contents_.bytes(relay.content).size() > peer->content_bytes) return;
    contents_.note_holder(relay.content, session.peer);
}

// ---- for who needs the bytes -------------------------------------------------------------------

Result<Done> Coordinator::Impl::charge_copy(Relay& relay, uint64_t size) {
    Gamer* gamer = gamers_.find(relay.gamer);
    if (!gamer || budget_bytes() + size > options_.memory_max / 10 * 9 ||
        !gamer->share->fits(size, options_.gamer_window_bytes)) {
        return field_error(Status::kBusy, "content",
                           "memory is short for a changed copy of the content");
    }
    relay.budget += size;
    gamer->share->holds_more(size);
    held_bytes_ += size;
    return Done{};
}

Result<Payload> Coordinator::Impl::whole_input(Relay& relay) {
    Payload whole;
    if (!relay.in_chunks) {
        whole.params = relay.whole.params;
        whole.data = relay.whole.data;
    } else {
        // The only place where a payload is opened into one piece.
        const auto join = [&](Bytes Chunk::*part) {
            size_t size = 0;
            for (const Chunk& chunk : relay.chunks) size += (chunk.*part).size();
            Buffer buffer = Buffer::allocate(size);
            size_t at = 0;
            for (const Chunk& chunk : relay.chunks) {
                const Bytes& bytes = chunk.*part;
                copy_run(buffer.data() + at, bytes.data(), bytes.size());
                at += bytes.size();
            }
            return std::move(buffer).freeze(size);
        };
        whole.params = join(&Chunk::params);
        whole.data = join(&Chunk::data);
    }
    if (relay.has_checksum && relay.checksum != payload_checksum(whole.params, whole.data)) {
        return make_error(Status::kContent, "the checksum of the task does not match its bytes");
    }
    if (!relay.has_content) return whole;
    const Bytes& content = contents_.bytes(relay.content);
    if (whole.data.empty()) {
        whole.data = content;
        return whole;
    }
    if (const Result<Done> charged = charge_copy(relay, content.size()); !charged) {
        return charged.error();
    }
    Result<Bytes> changed = apply_patches(content.span(), whole.data.span());
    if (!changed) return changed.error();
    whole.data = std::move(*changed);
    return whole;
}

// To a peer that keeps no contents, or none as large as this one: as if there were none.
void Coordinator::Impl::assign_whole(const sched::Action& action, Session& session, Relay& input) {
    Result<Payload> whole = whole_input(input);
    if (!whole) {
        // Nobody else would say otherwise.
        const uint64_t client_task = input.client_task;
        ++stats_.failed_tasks;
        if (Gamer* gamer = gamers_.find(input.gamer)) {
            answer_error(*gamer, client_task, whole.error().status, whole.error().field,
                         whole.error().text);
        }
        scheduler_.withdraw_unheard(action.task, action.attempt_id, loop_.turn_us(), actions_);
        drop_task(action.task, false);
        return request_turn_end();
    }
    wire::TaskAssign& message = assign_;
    message.digest = {};
    message.checksum.reset();
    message.sizes.reset();
    if (needs_chunks(whole->params.size(), whole->data.size())) {
        message.sizes = wire::PayloadSizes{whole->params.size(), whole->data.size()};
    }
    encode(message, envelope_);
    session.out.send(*session.connection, wire::Message::kTaskAssign, 0, action.attempt_id,
                     envelope_.span(), whole->params, whole->data);
    if (session.beats) watch(session);
}

}  // namespace p2c2r::roles
