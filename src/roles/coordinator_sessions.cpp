// Connections of the coordinator: their messages, their beat and their end.
#include <algorithm>

#include "core/plant.h"
#include "core/utf8.h"
#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

constexpr uint64_t kScanUsMax = 500'000;
constexpr uint64_t kCountIntervalUs = 100'000;  // between two peer_count_update

const char* name_of(wire::Message message) {
    const char* name = wire::message_name(message);
    return name ? name : "of an unknown number";
}

}  // namespace

void Coordinator::Impl::on_frame(Session& session, const wire::Frame& frame) {
    session.heard_us = loop_.turn_us();
    if (session.silence != sched::Silence::kHeard) speaks_again(session);
    hear(session, frame);
    // Errors are small, and may be much larger than what they answer.
    if (std::exchange(told_error_, false)) push_back(session, nullptr);
}

void Coordinator::Impl::hear(Session& session, const wire::Frame& frame) {
    using Phase = Session::Phase;
    using wire::Message;
    if (frame.params.size() + frame.data.size() >= kWorthALook) look_at_process();
    switch (session.phase) {
        case Phase::kGamer:
            switch (frame.message) {
                case Message::kTaskSubmit:
                    return frame.envelope.empty() ? on_submit_chunk(session, frame)
                                                  : on_submit(session, frame);
                case Message::kTaskCancel:
                    return on_cancel(session, frame);
                case Message::kCall:
                    return on_call(session, frame);
                case Message::kContentPut:
                    return on_content_put(session, frame);
                case Message::kContentDrop:
                    return on_content_drop(session, frame);
                case Message::kHeartbeat:
                    return on_heartbeat(session, frame);
                case Message::kGoodbye:
                    return on_goodbye(session, frame);
                default:
                    break;
            }
            break;
        case Phase::kPeer:
            switch (frame.message) {
                case Message::kTaskResult:
                    return frame.envelope.empty() ? on_result_chunk(session, frame)
                                                  : on_result(session, frame);
                case Message::kTaskRefuse:
                    return on_refuse(session, frame);
                case Message::kContentWant:
                    return on_content_want(session, frame);
                case Message::kHeartbeat:
                    return on_heartbeat(session, frame);
                case Message::kCall:
                    return on_call(session, frame);
                case Message::kPeerDisconnect: {
                    wire::PeerDisconnect message;
                    if (const char* why = decode(frame.envelope, message)) {
                        return end_session(session, Status::kProtocol, why);
                    }
                    const std::string reason(message.reason);
                    const uint64_t peer = session.peer;
                    bury(session);
                    return peer_gone(peer, false, reason);
                }
                case Message::kGoodbye:
                    return on_goodbye(session, frame);
                default:
                    break;
            }
            break;
        case Phase::kHello:
            if (frame.message == Message::kHello) return on_hello(session, frame);
            break;
        case Phase::kRegister:
            if (frame.message == Message::kGamerRegister && session.role == Role::kGamer) {
                return on_gamer_register(session, frame);
            }
            if (frame.message == Message::kPeerRegister && session.role == Role::kPeer) {
                return on_peer_register(session, frame);
            }
            if (frame.message == Message::kGoodbye) return bury(session);
            break;
        case Phase::kClosed:
            return;
    }
    end_session(session, Status::kProtocol,
                std::string("unexpected message ") + name_of(frame.message));
}

void Coordinator::Impl::on_heartbeat(Session& session, const wire::Frame& frame) {
    wire::Heartbeat beat;
    if (const char* why = decode(frame.envelope, beat)) {
        return end_session(session, Status::kProtocol, why);
    }
    if (session.phase == Session::Phase::kPeer && (beat.mode || beat.why || beat.duty_permille)) {
        for (const auto& [field, word] :
             {std::pair{"mode", beat.mode}, std::pair{"why", beat.why}}) {
            if (word && !is_name_text(*word)) {
                return end_session(
                    session, Status::kProtocol,
                    std::string(field) + " of a heartbeat holds a control character");
            }
        }
        if (!session.owner_word) session.owner_word = std::make_unique<Session::OwnerWord>();
        Session::OwnerWord& word = *session.owner_word;
        if (beat.mode) word.mode = *beat.mode;
        if (beat.why) word.why = *beat.why;
        word.duty_permille = beat.duty_permille.value_or(word.duty_permille);
    }
    if (session.owner_word && beat.data_used) session.owner_word->data_used = *beat.data_used;
    if (session.phase == Session::Phase::kPeer && beat.speed) {
        scheduler_.peer_speed(session.peer, *beat.speed, loop_.turn_us());
    }
    if (session.phase == Session::Phase::kPeer && beat.window_tasks) {
        const uint32_t window = std::min(*beat.window_tasks, kWindowTasksMax);
        const sched::PeerRecord* record = scheduler_.peers().find(session.peer);
        if (record && record->window_tasks != window) {
            scheduler_.peer_window(session.peer, window, loop_.turn_us());
            count_changed();
            request_turn_end();
        }
    }
}

// ---- the end of a connection -------------------------------------------------------------------

// With a status it is the word of somebody who could not go on, and may be back: a loss.
void Coordinator::Impl::on_goodbye(Session& session, const wire::Frame& frame) {
    wire::Goodbye goodbye;
    if (const char* why = decode(frame.envelope, goodbye)) {
        return end_session(session, Status::kProtocol, why);
    }
    std::string why(goodbye.error.empty() ? "goodbye" : goodbye.error);
    if (P2C2R_PLANT("goodbye_keeps_tasks")) {
        return session_lost(session, Status::kDisconnected, why);
    }
    if (goodbye.status != Status::kOk) {
        why = std::string(status_name(goodbye.status)) + ": " + why;
        return session_lost(session, Status::kDisconnected, why);
    }
    const uint64_t gamer = session.gamer;
    const uint64_t peer = session.peer;
    bury(session);
    if (peer != 0) return peer_gone(peer, false, why);
    forget_gamer(gamer);
}

void Coordinator::Impl::end_session(Session& session, Status status, const std::string& why) {
    if (session.phase == Session::Phase::kClosed) return;
    wire::Goodbye goodbye;
    goodbye.status = status;
    goodbye.error = std::string_view(why).substr(0, limits::kTextLengthMax);
    encode(goodbye, envelope_);
    send(session, wire::Message::kGoodbye);
    session_lost(session, status, why);
}

void Coordinator::Impl::session_lost(Session& session, Status status, const std::string& why) {
    if (session.phase == Session::Phase::kClosed) return;
    if (status == Status::kProtocol || status == Status::kLimit) {
        ++stats_.protocol_errors;
        // The failure of a peer is told as an event, and logged there.
        log_.format(session.peer != 0 ? LogLevel::kDebug : LogLevel::kWarn, "roles",
                    "connection from %s closed: %s", session.connection->peer_address().c_str(),
                    why.c_str());
    }
    const uint64_t gamer_id = session.gamer;
    const uint64_t peer = session.peer;
    bury(session);
    if (Gamer* gamer = gamers_.find(gamer_id)) gamer_away(*gamer, gamer_id);
    if (peer != 0) peer_gone(peer, true, why);
    request_turn_end();
}

// Takes the session out of everything that refers to it. It is destroyed at the end of the turn:
// one of its own functions may be running.
void Coordinator::Impl::bury(Session& session) {
    using Phase = Session::Phase;
    if (session.phase == Phase::kClosed) return;
    if (session.phase == Phase::kHello || session.phase == Phase::kRegister)
        handshake_over(session);
    session.phase = Phase::kClosed;
    session.out.clear();
    if (session.contents) {
        session.contents->clear();
        count_incoming(session);
    }
    caught_up(session);
    session.connection->count_queue_in(nullptr);
    if (Gamer* gamer = gamers_.find(session.gamer)) {
        if (gamer->session == &session) gamer->session = nullptr;
    }
    const uint32_t index = SlotMap<sched::PeerRecord>::index_of(session.peer);
    if (session.peer != 0 && index < peer_by_slot_.size() && peer_by_slot_[index] &&
        peer_by_slot_[index]->session == &session) {
        peer_by_slot_[index]->session = nullptr;
    }
    session.gamer = session.peer = 0;
    bytes_in_before_ += session.connection->bytes_in();
    bytes_out_before_ += session.connection->bytes_out();
    session.connection->close();
    std::unique_ptr<Session>* slot = sessions_.find(session.id);
    graveyard_.push_back(std::move(*slot));
    sessions_.erase(session.id);
    request_turn_end();
}

void Coordinator::Impl::peer_gone(uint64_t peer, bool failed, const std::string& why) {
    sched::PeerRecord* record = scheduler_.peers().find(peer);
    if (!record) return;
    // Moved, for memory may be short: a peer that is only half gone could never come back.
    const std::string peer_id = std::move(record->peer_id);
    const size_t held = record->leases.size();
    scheduler_.peer_left(peer, failed, loop_.turn_us(), actions_);
    const uint32_t index = SlotMap<sched::PeerRecord>::index_of(peer);
    if (index < peer_by_slot_.size()) peer_by_slot_[index] = nullptr;
    if (const auto link = peer_links_.find(peer_id); link != peer_links_.end()) {
        if (link->second.share) drop_share(*link->second.share);
        peer_links_.erase(link);
    }
    settle();
    log_.format(failed ? LogLevel::kWarn : LogLevel::kInfo, kPeersRoom,
                "peer %s %s: %s; %zu tasks are placed again", peer_id.c_str(),
                failed ? "failed" : "left", why.c_str(), held);
    if (failed) {
        events_.on_peer_failed(peer_id, why);
    } else {
        events_.on_peer_left(peer_id, why);
    }
    count_changed();
}

// The connection is gone; the tasks go on, and their answers wait a while for the gamer.
void Coordinator::Impl::gamer_away(Gamer& gamer, uint64_t gamer_id) {
    gamer.away_since_us = loop_.turn_us();
    for (uint64_t client_task : gamer.tasks.sorted_keys()) {
        const uint64_t task = task_of(gamer, client_task);
        if (task == 0) continue;  // it waited for another one and went with that
        Relay& half = relay(task);
        half.result_open = false;
        // The rest of this input will never come over the old connection.
        if (!half.complete) withdraw(task);
    }
    ask_others(gamer_id);
}

void Coordinator::Impl::forget_gamer(uint64_t gamer_id) {
    Gamer* gamer = gamers_.find(gamer_id);
    if (!gamer) return;
    // This takes memory, and nothing may fail once its share is dropped.
    Gamer nobody;
    for (uint64_t client_task : gamer->tasks.sorted_keys()) {
        // With a task go those that wait for it, so it may have gone already.
        if (const uint64_t* task = gamer->tasks.find(client_task)) withdraw(*task);
    }
    held_bytes_ -= std::exchange(gamer->kept_bytes, 0);
    log_.format(LogLevel::kInfo, "roles", "gamer %s left", gamer->client_id.c_str());
    forget_contents_of(gamer_id, *gamer);
    gamer_ids_.erase(gamer->client_id);
    if (gamer->share) drop_share(*gamer->share);
    *gamer = std::move(nobody);
    gamers_.erase(gamer_id);
    request_turn_end();
}

// ---- time --------------------------------------------------------------------------------------

// Now and then: who is silent, who is away for too long; and once an interval a word to everybody.
void Coordinator::Impl::scan_sessions() {
    const uint64_t now = loop_.turn_us();
    const uint64_t interval = options_.heartbeat_interval_us;
    const uint64_t silent = kSilentIntervals * interval + kSilentSlackUs;
    const bool beats = now >= beat_us_;
    // First: whatever fails below, there is a next time.
    loop_.arm(scan_timer_, now + std::min(interval / 2, kScanUsMax));
    if (beats) beat_us_ = beat_us_ + interval > now ? beat_us_ + interval : now + interval;
    scheduler_.forgive(now);
    watch_certificate();
    watch_audit();
    save_access_again(moment());
    std::vector<uint64_t> gone;
    std::vector<uint64_t> registered;
    wire::Heartbeat beat;
    beat.timestamp_ms = loop_.unix_ms();
    encode(beat, envelope_);
    sessions_.for_each([&](uint64_t id, std::unique_ptr<Session>& session) {
        if (session->phase != Session::Phase::kGamer && session->phase != Session::Phase::kPeer) {
            return;
        }
        registered.push_back(id);
        if (now - session->heard_us > silent && session->is_read_from()) {
            gone.push_back(id);
        } else if (beats) {
            send(*session, wire::Message::kHeartbeat);
        }
    });
    for (uint64_t id : gone) {
        if (auto* session = sessions_.find(id)) {
            end_session(**session, Status::kDisconnected, "silent for too long");
        }
    }
    look_who_is_behind();
    close_most_behind();
    for (uint64_t id : registered) {
        if (auto* session = sessions_.find(id)) check_pace(**session, now);
        if (auto* session = sessions_.find(id)) check_incoming(**session, now);
    }
    std::vector<uint64_t> expired;
    gamers_.for_each([&](uint64_t id, Gamer& gamer) {
        if (gamer.behind && (!gamer.session || gamer.session->behind_since_us == 0)) {
            place_tasks(gamer);  // memory was short for it
        }
        if (!gamer.session && now - gamer.away_since_us > options_.resume_grace_us) {
            expired.push_back(id);
        }
    });
    for (uint64_t id : expired) forget_gamer(id);
}

void Coordinator::Impl::count_changed() {
    if (counts_dirty_) return;
    counts_dirty_ = true;
    const uint64_t now = loop_.turn_us();
    loop_.arm(count_timer_, std::max(now, counts_sent_us_ + kCountIntervalUs));
}

void Coordinator::Impl::count_peers() {
    counts_.total_peers = static_cast<uint32_t>(scheduler_.peers().size());
    counts_.available_peers = 0;
    scheduler_.peers().for_each([&](uint64_t, sched::PeerRecord& record) {
        if (record.window_tasks > 0) ++counts_.available_peers;
    });
}

void Coordinator::Impl::send_counts() {
    counts_dirty_ = false;
    counts_sent_us_ = loop_.turn_us();
    count_peers();
    try {
        encode(counts_, envelope_);
    } catch (const std::bad_alloc&) {
        return count_changed();  // a little later, then
    }
    sessions_.for_each([&](uint64_t, std::unique_ptr<Session>& session) {
        if (session->phase == Session::Phase::kGamer) {
            send(*session, wire::Message::kPeerCountUpdate);
        }
    });
}

}  // namespace p2c2r::roles
