// How a connection becomes a gamer's or a peer's: hello, login, registration, resuming.
#include <algorithm>

#include "core/plant.h"
#include "core/utf8.h"
#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

void Coordinator::Impl::on_hello(Session& session, const wire::Frame& frame) {
    wire::Hello hello;
    if (const char* why = decode(frame.envelope, hello)) {
        return end_session(session, Status::kProtocol, why);
    }
    wire::HelloResponse response;
    response.library = kLibrary;
    const bool is_open = !options_.access || session.in_process;
    response.login_methods = is_open ? std::vector<uint32_t>{0} : identity::AccessList::methods();
    session.client_nonce = hello.nonce;
    random_.fill(session.server_nonce);
    response.nonce = session.server_nonce;
    const bool common = std::find(hello.versions.begin(), hello.versions.end(),
                                  wire::kProtocolVersion) != hello.versions.end();
    response.version = common ? wire::kProtocolVersion : 0;
    encode(response, envelope_);
    send(session, wire::Message::kHelloResponse);
    session.greeted_us = loop_.turn_us();
    if (!common) {
        return end_session(session, Status::kVersion,
                           "no protocol version in common; this coordinator speaks version " +
                               std::to_string(wire::kProtocolVersion));
    }
    if (hello.role != Role::kGamer && hello.role != Role::kPeer) {
        return end_session(session, Status::kProtocol, "hello names no role that can register");
    }
    session.role = hello.role;
    session.phase = Session::Phase::kRegister;
}

void Coordinator::Impl::register_refused(Session& session, Status status, const std::string& text,
                                         uint32_t retry_after_ms) {
    wire::RegisterResponse response;
    response.success = false;
    response.status = status;
    response.error = text;
    response.retry_after_ms = retry_after_ms;
    if (session.role == Role::kPeer) {
        encode_peer_response(response, envelope_);
        send(session, wire::Message::kPeerRegisterResponse);
    } else {
        encode_gamer_response(response, envelope_);
        send(session, wire::Message::kGamerRegisterResponse);
    }
    bury(session);
}

// Ids and names of types stand in logs, metrics and lists, which people look at in terminals.
bool Coordinator::Impl::check_names(
    Session& session, std::initializer_list<std::pair<const char*, std::string_view>> names) {
    for (const auto& [field, name] : names) {
        const char* const why = name.empty()          ? " is empty"
                                : !is_name_text(name) ? " holds a control character"
                                                      : nullptr;
        if (!why) continue;
        register_refused(session, Status::kArgument, std::string(field) + why);
        return false;
    }
    return true;
}

// Whose machine it is has been proven where logins are asked for; elsewhere a machine is taken at
// its word, but not one from anywhere.
sched::OwnerIndex Coordinator::Impl::owner_of(const Session& session, Circle claimed) {
    const bool proven = options_.access || session.in_process;
    if (!proven && (claimed != Circle::kOwn || is_stranger(session))) return sched::kNoOwner;
    return owners_.index_of(session.who.owner);
}

bool Coordinator::Impl::log_in(Session& session, const wire::Login& login, std::string_view id,
                               const identity::AdmitCheck& check) {
    if (!options_.access || session.in_process) {
        if (login.login_method != 0) {
            register_refused(session, Status::kUnsupported,
                             "login_method " + std::to_string(login.login_method) +
                                 " is not available; there is 0 (none)");
            return false;
        }
        session.who = {{}, identity::kOperator, {true, true, false}, false};
        const Result<Done> good = check(session.who);
        if (!good) register_refused(session, good.error().status, good.error().text);
        return good.ok();
    }
    const net::Connection& connection = *session.connection;
    const std::string binding = connection.channel_binding();
    if (options_.tls && binding.empty()) {
        register_refused(session, Status::kAuth, "this connection binds no login");
        return false;
    }
    const identity::LoginContext context{binding, session.role, session.client_nonce,
                                         session.server_nonce, id};
    const identity::Proof proof{static_cast<identity::LoginMethod>(login.login_method),
                                std::string(login.token)};
    Result<identity::Admitted> admitted = options_.access->admit(
        proof, context, connection.peer_address(), connection.is_loopback(), moment(), check);
    if (!admitted) {
        const Error& why = admitted.error();
        log_.format(LogLevel::kWarn, "roles", "login of '%.*s' from %s refused: %s",
                    static_cast<int>(id.size()), id.data(), connection.peer_address().c_str(),
                    why.text.c_str());
        register_refused(session, why.status, why.text, why.retry_after_ms);
        return false;
    }
    // What else is connected of this account would go on as the former owner's.
    if (admitted->moved && !P2C2R_PLANT("moved_account_goes_on")) {
        end_account(admitted->account, Status::kAgain, "the account belongs to another owner now");
    }
    session.who = std::move(*admitted);
    return true;
}

std::string Coordinator::Impl::share_name(const Session& session, const identity::Admitted& who,
                                          std::string name) const {
    if (!who.account.empty()) return who.account;
    if (!is_stranger(session)) return name;
    return "from " + identity::network_of(session.connection->peer_address());
}

Result<Done> Coordinator::Impl::has_place(const Session& session, const identity::Admitted& who,
                                          std::string name) const {
    const ShareLimits& limits = limits_of(session, who);
    name = share_name(session, who, std::move(name));
    if (shares_.has_place(name, limits)) return Done{};
    return make_error(Status::kLimit, "'" + name + "' has " + std::to_string(limits.connections) +
                                          " clients and peers here already, as many as one account "
                                          "may");
}

Share* Coordinator::Impl::take_share(Session& session, std::string name) {
    if (const Result<Done> place = has_place(session, session.who, name); !place) {
        register_refused(session, place.error().status, place.error().text);
        return nullptr;
    }
    Share& share = shares_.take(share_name(session, session.who, std::move(name)),
                                limits_of(session, session.who));
    if (share.users > 1) return &share;
    try {
        share.account = scheduler_.open_account();
    } catch (...) {
        shares_.drop(share);
        throw;
    }
    return &share;
}

void Coordinator::Impl::on_gamer_register(Session& session, const wire::Frame& frame) {
    wire::GamerRegister message;
    if (const char* why = decode(frame.envelope, message)) {
        return end_session(session, Status::kProtocol, why);
    }
    if (!check_names(session, {{"client_id", message.client_id}})) return;
    const std::string client_id(message.client_id);
    const auto may_resume = [&](const Gamer& old, const identity::Admitted& who) {
        return message.login.resume && old.account == who.account &&
               equal_constant_time(*message.login.resume, old.resume);
    };
    const auto check = [&](const identity::Admitted& who) -> Result<Done> {
        const auto known = gamer_ids_.find(client_id);
        if (known == gamer_ids_.end()) return has_place(session, who, "gamer " + client_id);
        const Gamer& old = *gamers_.find(known->second);
        // Of another account's it is taken, too, while that is away for a moment.
        if (may_resume(old, who) || (!old.session && old.account == who.account)) return Done{};
        return make_error(Status::kExists, "CLIENT_ID_TAKEN: '" + client_id + "' is connected");
    };
    if (!log_in(session, message.login, client_id, check)) return;
    const sched::OwnerIndex owner = owners_.index_of(session.who.owner);
    uint64_t gamer_id = 0;
    if (const auto known = gamer_ids_.find(client_id); known != gamer_ids_.end()) {
        Gamer& old = *gamers_.find(known->second);
        if (may_resume(old, session.who)) {
            // The gamer counts as away in between: what was half-way on the old connection ends.
            if (old.session) {
                end_session(*old.session, Status::kExists, "the session was resumed elsewhere");
            }
            gamer_id = known->second;
        } else {
            forget_gamer(known->second);
        }
    }
    if (gamer_id == 0) {
        Share* const share = take_share(session, "gamer " + client_id);
        if (!share) return;
        try {
            Gamer fresh;
            fresh.client_id = client_id;
            fresh.account = session.who.account;
            fresh.owner = owner;
            fresh.share = share;
            gamer_id = gamers_.insert();
            if (gamer_id != 0) {
                fresh.scope = scope_of(gamer_id, fresh.account, owner);
                gamer_ids_[client_id] = gamer_id;
                *gamers_.find(gamer_id) = std::move(fresh);
            }
        } catch (...) {
            // Without its id nobody would ever look for it again.
            if (gamer_id != 0) gamers_.erase(gamer_id);
            drop_share(*share);
            throw;
        }
        if (gamer_id == 0) {
            drop_share(*share);
            return register_refused(session, Status::kLimit, "too many gamers");
        }
    }
    Gamer& gamer = *gamers_.find(gamer_id);
    gamer.session = &session;
    random_.fill(gamer.resume);
    session.gamer = gamer_id;
    session.phase = Session::Phase::kGamer;
    handshake_over(session);
    session.connection->set_limits(wire::kLimitsAfterLogin);

    wire::RegisterResponse response;
    response.success = true;
    response.id = client_id;
    response.account = session.who.account;
    response.resume = gamer.resume;
    response.heartbeat_interval_ms = static_cast<uint32_t>(options_.heartbeat_interval_us / 1000);
    response.task_timeout_ms = static_cast<uint32_t>(options_.task_timeout_us / 1000);
    response.window_bytes = options_.gamer_window_bytes;
    response.content_bytes = contents_.scope_bytes_max();
    encode_gamer_response(response, envelope_);
    send(session, wire::Message::kGamerRegisterResponse);
    if (counts_dirty_) count_peers();  // the others are told a little later
    encode(counts_, envelope_);
    send(session, wire::Message::kPeerCountUpdate);
    // What ended while it was away.
    gamer.redelivered.clear();
    for (Kept& kept : gamer.kept) {
        gamer.redelivered.push_back(kept.client_task);
        session.out.send(*session.connection, wire::Message::kResultDelivery, kept.flags,
                         kept.client_task, kept.envelope, kept.params, kept.data);
    }
    held_bytes_ -= gamer.kept_bytes;
    gamer.kept_bytes = 0;
    gamer.kept.clear();
    push_back(session, nullptr);
    log_.format(LogLevel::kInfo, "roles", "gamer %s joined from %s", client_id.c_str(),
                session.connection->peer_address().c_str());
}

void Coordinator::Impl::on_peer_register(Session& session, const wire::Frame& frame) {
    wire::PeerRegister message;
    if (const char* why = decode(frame.envelope, message)) {
        return end_session(session, Status::kProtocol, why);
    }
    if (!check_names(session, {{"peer_id", message.peer_id}})) return;
    session.pulse.greeting_us = loop_.turn_us() - session.greeted_us;
    for (const std::string& type : message.capabilities.task_types) {
        if (!type.empty() && !check_names(session, {{"task_types", type}})) return;
    }
    if (message.circle == Circle::kPublic || message.circle_accepted == Circle::kPublic) {
        return register_refused(session, Status::kUnsupported,
                                "circle public is not available; there are own and invited");
    }
    if (message.slots == 0) return register_refused(session, Status::kArgument, "slots is 0");
    const std::string peer_id(message.peer_id);
    std::vector<std::string> types;
    for (const std::string& name : message.capabilities.task_types) {
        if (types.size() < limits::kTaskTypesPerPeerMax && !name.empty() &&
            name.size() <= limits::kTaskTypeLengthMax) {
            types.emplace_back(canonical_task_type(name));
        }
    }
    const std::string full =
        "this coordinator has its maximum of " + std::to_string(options_.max_peers) + " peers";
    const auto check = [&](const identity::Admitted& who) -> Result<Done> {
        if (const std::string* const lost = scheduler_.without_place(types)) {
            return field_error(Status::kLimit, "task_types",
                               "task_types: this coordinator has its maximum of " +
                                   std::to_string(limits::kTaskTypesMax) +
                                   " types of tasks at a time, and no place for '" + *lost + "'");
        }
        const auto known = peer_links_.find(peer_id);
        if (known == peer_links_.end()) {
            if (scheduler_.peers().size() >= options_.max_peers) {
                return make_error(Status::kLimit, full);
            }
            return has_place(session, who, "peer " + peer_id);
        }
        const PeerLink& old = known->second;
        const bool may_replace = message.login.resume && old.account == who.account &&
                                 equal_constant_time(*message.login.resume, old.resume);
        if (may_replace) return Done{};
        return make_error(Status::kExists, "PEER_ID_TAKEN: '" + peer_id + "' is connected");
    };
    if (!log_in(session, message.login, peer_id, check)) return;
    if (const auto known = peer_links_.find(peer_id); known != peer_links_.end()) {
        PeerLink& old = known->second;
        Session* former = old.session;
        const uint64_t former_peer = old.id;
        if (former) end_session(*former, Status::kExists, "the session was resumed elsewhere");
        if (peer_links_.count(peer_id))
            peer_gone(former_peer, true, "replaced by a new connection");
    }
    Share* const share = take_share(session, "peer " + peer_id);
    if (!share) return;
    sched::PeerRecord record;
    record.peer_id = peer_id;
    const sched::OwnerIndex owner = owner_of(session, message.circle);
    record.owner = owner;
    record.accepts = message.circle_accepted == Circle::kOwn ? Circle::kOwn : Circle::kInvited;
    record.slots = std::min(message.slots, kWindowTasksMax);
    record.window_tasks = std::min(message.window_tasks, kWindowTasksMax);
    record.window_bytes = message.window_bytes;
    record.speed = message.speed;
    record.content_bytes = message.content_bytes;
    uint64_t peer = 0;
    try {
        peer = scheduler_.peer_joined(std::move(record), types, loop_.turn_us());
    } catch (const std::bad_alloc&) {
        look_at_types();
        drop_share(*share);
        throw;
    }
    look_at_types();
    if (peer == 0) {
        drop_share(*share);
        return register_refused(session, Status::kLimit, full);
    }
    session.peer = peer;  // from here on the loss of the session takes it out again
    PeerLink& link = peer_links_[peer_id];
    link.peer_id = peer_id;
    link.account = session.who.account;
    link.gpu_model = message.capabilities.gpu ? message.capabilities.gpu_model : std::string();
    link.cpu_cores = message.capabilities.cpu_cores;
    link.session = &session;
    link.id = peer;
    link.share = share;
    link.scope = link.account.empty() ? 0 : scope_of(0, link.account, owner);
    random_.fill(link.resume);
    const uint32_t index = SlotMap<sched::PeerRecord>::index_of(peer);
    if (index >= peer_by_slot_.size()) peer_by_slot_.resize(index + 1);
    peer_by_slot_[index] = &link;
    session.phase = Session::Phase::kPeer;
    handshake_over(session);
    session.connection->set_limits(wire::kLimitsAfterLogin);

    wire::RegisterResponse response;
    response.success = true;
    response.id = peer_id;
    response.account = session.who.account;
    response.resume = link.resume;
    response.heartbeat_interval_ms = static_cast<uint32_t>(options_.heartbeat_interval_us / 1000);
    response.task_timeout_ms = static_cast<uint32_t>(options_.task_timeout_us / 1000);
    // One that cannot beat as often is not asked to.
    const auto beat_ms = static_cast<uint32_t>(options_.beat_interval_us / 1000);
    session.beats =
        message.beat_interval_ms != 0 && message.beat_interval_ms <= beat_ms && !session.in_process;
    if (session.beats) response.beat_interval_ms = beat_ms;
    encode_peer_response(response, envelope_);
    send(session, wire::Message::kPeerRegisterResponse);
    log_.format(LogLevel::kInfo, kPeersRoom, "peer %s joined from %s: %u slots, %zu task types",
                peer_id.c_str(), session.connection->peer_address().c_str(), message.slots,
                types.size());
    events_.on_peer_joined(peer_id);
    count_changed();
    request_turn_end();
}

}  // namespace p2c2r::roles
