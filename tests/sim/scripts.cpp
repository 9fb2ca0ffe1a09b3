#include "sim/scripts.h"

#include <algorithm>
#include <cmath>

#include "sim/sim_origin.h"

namespace p2c2r::sim {

namespace {

constexpr size_t kScriptChunk = 100'000;

RunnerOptions forger_runner(const Options& options, const Prng& prng) {
    Prng drawn = Prng(prng).fork(1);
    RunnerOptions runner = draw_runner_options(options, drawn);
    runner.task_types = {kTypeEcho, kTypeDwell, kTypeContract};
    return runner;
}

RunnerOptions idle_runner() {
    RunnerOptions runner;
    runner.task_types.clear();
    return runner;
}

Nonce random_nonce(Prng& prng) {
    Nonce nonce;
    for (uint8_t& byte : nonce) byte = static_cast<uint8_t>(prng.next());
    return nonce;
}

}  // namespace

// ---- a peer that forges ------------------------------------------------------------------------

ForgerNode::ForgerNode(Stage& stage, Prng prng, uint32_t number)
    : Speaker(stage, prng, "forger-" + std::to_string(number), Checkers::Kind::kPeer,
              forger_runner(stage.options, prng), Role::kPeer),
      window_(static_cast<uint32_t>(2 + number % 5)) {}

void ForgerNode::end() {
    runner_.forget(*this);
    work_.clear();
    jobs_.clear();
}

void ForgerNode::healed() {
    runner_.set_type(kTypeDwell, true);
    runner_.set_type(kTypeEcho, true);
    if (!ready()) return;
    loop_.turn([this] {
        wire::Heartbeat beat;
        beat.window_tasks = window_;
        encode(beat, envelope_);
        send(wire::Message::kHeartbeat, 0);
    });
}

wire::Message ForgerNode::write_registration(const wire::Login& login, wire::EnvelopeBuffer& out) {
    wire::PeerRegister message;
    message.peer_id = name_;
    message.login = login;
    message.capabilities.task_types = {kTypeEcho, kTypeDwell, kTypeContract};
    message.slots = window_;
    message.window_tasks = window_;
    message.window_bytes = 64 << 20;
    // Where logins are asked for, whatever it claims to be counts for nothing.
    const bool limited = stage_.people.is_limited(host_);
    if (limited) message.circle_accepted = Circle::kOwn;
    if (limited || stage_.options.owners > 0) message.circle = Circle::kOwn;
    encode(message, out);
    return wire::Message::kPeerRegister;
}

void ForgerNode::on_lost() {
    for (const auto& [id, work] : work_) {
        if (work.running) runner_.cancel(work.job);
    }
    work_.clear();
    jobs_.clear();
}

void ForgerNode::on_message(const wire::Frame& frame) {
    if (frame.message == wire::Message::kTaskCancel) {
        const auto found = work_.find(frame.id);
        if (found == work_.end()) return;
        if (found->second.running) return runner_.cancel(found->second.job);
        // Its input was still on the way.
        exec::Output output;
        output.status = Status::kCancelled;
        answer(frame.id, found->second.attempt, output);
        work_.erase(found);
        return;
    }
    if (frame.message != wire::Message::kTaskAssign) return;
    if (!frame.envelope.empty()) {
        wire::TaskAssign message;
        if (decode(frame.envelope, message) != nullptr) return;
        Work& work = work_[frame.id];
        work = Work{};
        work.attempt = message.attempt;
        work.task_type = message.task_type;
        work.params = Bytes::copy(frame.params);
        work.token = decode_word('t', frame.params).value_or(0);
    }
    const auto found = work_.find(frame.id);
    if (found == work_.end() || found->second.running) return;
    std::vector<uint8_t>& data = found->second.data;
    data.insert(data.end(), frame.data.begin(), frame.data.end());
    if (!(frame.flags & wire::kFlagMore)) begin(frame.id, found->second);
}

void ForgerNode::begin(uint64_t id, Work& work) {
    exec::JobSpec spec;
    spec.task_type = work.task_type;
    spec.params = work.params;
    spec.data = Bytes::copy(std::span<const uint8_t>(work.data));
    work.running = true;
    const uint64_t tag = ++next_tag_;
    jobs_[tag] = id;
    const Nonce attempt = work.attempt;
    if (!stage_.healed && prng_.chance(0.1)) misbehave(id, work);
    if (!ready()) return;
    const uint64_t job = runner_.start(spec, tag, *this);
    if (job == 0) {
        exec::Output output;
        output.status = Status::kBusy;
        answer(id, attempt, output);
        jobs_.erase(tag);
        work_.erase(id);
        return;
    }
    // A short job has ended already.
    const auto found = work_.find(id);
    if (found != work_.end() && jobs_.count(tag)) found->second.job = job;
}

void ForgerNode::on_job_done(uint64_t tag, exec::Output&& output) {
    const auto job = jobs_.find(tag);
    if (job == jobs_.end()) return;
    const uint64_t id = job->second;
    jobs_.erase(job);
    const auto found = work_.find(id);
    if (found == work_.end()) return;
    const Nonce attempt = found->second.attempt;
    work_.erase(found);
    if (!ready()) return;
    answer(id, attempt, output);
    if (ready() && !stage_.healed && prng_.chance(0.05)) {
        stage_.coverage.hit(Sometimes::kResultTwice);
        forge(id, attempt);
    }
}

// Something that must not count, before the honest answer.
void ForgerNode::misbehave(uint64_t id, const Work& work) {
    switch (prng_.below(6)) {
        case 0:
            stage_.coverage.hit(Sometimes::kForgedNonce);
            return forge(id, random_nonce(prng_));
        case 1:
            stage_.coverage.hit(Sometimes::kForgedTask);
            // The neighbour's task: the same slot of another time, or the slot beside it.
            return forge(prng_.chance(0.5) ? id + 1 : id ^ (1ull << 32), work.attempt);
        case 2: {
            stage_.coverage.hit(Sometimes::kWindowChange);
            wire::Heartbeat beat;
            beat.window_tasks = static_cast<uint32_t>(prng_.below(2 * window_ + 1));
            encode(beat, envelope_);
            return send(wire::Message::kHeartbeat, 0);
        }
        case 3: {
            // A stream under the right nonce that announces more than it brings.
            if (!prng_.chance(0.1)) return;
            stage_.coverage.hit(Sometimes::kBrokenStream);
            wire::TaskResult message;
            message.attempt = work.attempt;
            message.sizes = wire::PayloadSizes{12, 100};
            encode(message, envelope_);
            send(wire::Message::kTaskResult, id, encode_word('s', runner_.next_stamp()), {},
                 wire::kFlagMore);
            if (!prng_.chance(0.5)) return;
            return send_chunk(wire::Message::kTaskResult, id, input_of(1, 50), true);
        }
        case 4: {
            stage_.coverage.hit(Sometimes::kRefuseTwice);
            wire::TaskRefuse message;
            message.attempt = work.attempt;
            encode(message, envelope_);
            send(wire::Message::kTaskRefuse, id);
            return send(wire::Message::kTaskRefuse, id);
        }
        default: {
            stage_.coverage.hit(Sometimes::kForgedNonce);
            Nonce nearly = work.attempt;
            nearly[prng_.below(nearly.size())] ^= 1;
            return forge(id, nearly);
        }
    }
}

void ForgerNode::forge(uint64_t id, const Nonce& attempt) {
    exec::Output output;
    output.status = Status::kOk;
    output.info = encode_word('s', runner_.next_stamp());
    output.data = encode_word('f', id);
    answer(id, attempt, output);
}

void ForgerNode::answer(uint64_t id, const Nonce& attempt, const exec::Output& output) {
    wire::TaskResult message;
    message.attempt = attempt;
    message.status = output.status;
    message.error = output.error;
    message.field = output.field;
    message.processing_us = output.processing_us;
    const size_t size = output.data.size();
    if (size <= kScriptChunk) {
        encode(message, envelope_);
        return send(wire::Message::kTaskResult, id, output.info, output.data);
    }
    message.sizes = wire::PayloadSizes{output.info.size(), size};
    encode(message, envelope_);
    send(wire::Message::kTaskResult, id, output.info, {}, wire::kFlagMore);
    for (size_t at = 0; at < size; at += kScriptChunk) {
        const size_t end = std::min(size, at + kScriptChunk);
        send_chunk(wire::Message::kTaskResult, id, output.data.slice(at, end - at), end == size);
    }
}

// ---- gamers on the bare wire -------------------------------------------------------------------

ScriptGamerNode::ScriptGamerNode(Stage& stage, Prng prng, uint32_t number, GamerKind kind,
                                 uint32_t tasks)
    : Speaker(stage, prng, "gamer-" + std::to_string(number), Checkers::Kind::kGamer, idle_runner(),
              Role::kGamer),
      kind_(kind),
      depends_(prng.fork(7)),
      tasks_left_(tasks) {}

wire::Message ScriptGamerNode::write_registration(const wire::Login& login,
                                                  wire::EnvelopeBuffer& out) {
    wire::GamerRegister message;
    message.client_id = name_;
    message.login = login;
    encode(message, out);
    return wire::Message::kGamerRegister;
}

void ScriptGamerNode::play(uint64_t until_us) {
    until_us_ = until_us;
    pause_us_ = (until_us - stage_.world.now_us()) / std::max(1u, tasks_left_);
    stage_.world.call_at(stage_.world.now_us() + prng_.below(pause_us_ + 1), [this] { step(); });
}

void ScriptGamerNode::step() {
    if (stage_.healed || stage_.world.now_us() >= until_us_ || tasks_left_ == 0) return;
    --tasks_left_;
    if (up()) {
        loop_.turn([this] {
            if (ready()) act();
        });
    }
    const double wait = std::min(-std::log(1 - prng_.unit()), 5.0) * static_cast<double>(pause_us_);
    stage_.world.call_at(stage_.world.now_us() + 1 + static_cast<uint64_t>(wait),
                         [this] { step(); });
}

void ScriptGamerNode::act() {
    const bool again = kind_ == GamerKind::kRepeat && !mine_.empty() && prng_.chance(0.4);
    if (again) {
        auto at = mine_.begin();
        std::advance(at, static_cast<ptrdiff_t>(prng_.below(mine_.size())));
        if (prng_.chance(0.2)) return cancel(at->first);
        return submit(at->first);
    }
    const uint64_t id = ++next_task_;
    mine_[id].drawn = draw_task(stage_.options, kind_, prng_);
    // Also on itself, on what has ended, and on what will never be.
    if (depends_.chance(stage_.options.script_depends_chance)) {
        const uint64_t back = depends_.below(6);
        mine_[id].depends_on = id > back ? id - back : id + back;
    }
    if (mine_.size() > 64) mine_.erase(mine_.begin());
    submit(id);
    if (kind_ == GamerKind::kGarbage && ready() && prng_.chance(0.05)) send_garbage();
    if (kind_ == GamerKind::kVanish && ready() && prng_.chance(0.05)) vanish();
}

void ScriptGamerNode::submit(uint64_t id) {
    const DrawnTask& drawn = mine_[id].drawn;
    mine_[id].answered = false;
    const uint64_t token = token_of(host_, id);
    wire::TaskSubmit message;
    message.task_type = drawn.task_type;
    message.priority = drawn.priority;
    message.circle = drawn.circle;
    message.deadline_us = prng_.chance(0.05) ? 0 : drawn.deadline_us;
    if (*message.deadline_us == 0 && prng_.chance(0.5)) message.deadline_us.reset();
    if (mine_[id].depends_on != 0) {
        message.depends_on.push_back(mine_[id].depends_on);
        stage_.coverage.hit(Sometimes::kDependsOnWire);
    }
    const Bytes params = encode_word('t', token);
    const Bytes data = input_of(token, drawn.size);
    // Chunks of any size, also where one frame would do.
    const bool chunks = drawn.size > kScriptChunk || (drawn.size > 10 && prng_.chance(0.1));
    if (!chunks) {
        encode(message, envelope_);
        return send(wire::Message::kTaskSubmit, id, params, data);
    }
    message.sizes = wire::PayloadSizes{params.size(), data.size()};
    encode(message, envelope_);
    send(wire::Message::kTaskSubmit, id, params, {}, wire::kFlagMore);
    const size_t chunk = 1 + static_cast<size_t>(prng_.below(kScriptChunk)) + drawn.size / 20;
    for (size_t at = 0; at < drawn.size; at += chunk) {
        if (kind_ == GamerKind::kVanish && prng_.chance(0.05)) {
            stage_.coverage.hit(Sometimes::kVanishMidStream);
            return vanish();
        }
        const size_t end = std::min(drawn.size, at + chunk);
        send_chunk(wire::Message::kTaskSubmit, id, data.slice(at, end - at), end == drawn.size);
    }
}

void ScriptGamerNode::cancel(uint64_t id) {
    encode(wire::TaskCancel{}, envelope_);
    send(wire::Message::kTaskCancel, id);
}

void ScriptGamerNode::on_ready() {
    // After resuming: whatever has no answer, once more.
    if (kind_ != GamerKind::kVanish || stage_.healed) return;
    for (const auto& [id, mine] : mine_) {
        if (!mine.answered && ready() && prng_.chance(0.9)) submit(id);
    }
}

void ScriptGamerNode::on_message(const wire::Frame& frame) {
    const bool delivery = frame.message == wire::Message::kResultDelivery;
    if (!delivery && frame.message != wire::Message::kTaskTimeout) return;
    const auto found = mine_.find(frame.id);
    if (found == mine_.end() || (frame.flags & wire::kFlagMore)) return;
    found->second.answered = true;
    if (!delivery || frame.envelope.empty() || frame.params.empty()) return;
    const Origin input{token_of(host_, frame.id), 0, found->second.drawn.size};
    if (!are_bytes_of(frame.data, input.answered())) {
        stage_.checkers.fail("I1", "%s: the result of task %llu is not the answer to its input",
                             name_.c_str(), static_cast<unsigned long long>(frame.id));
    }
}

// ---- what no client does -----------------------------------------------------------------------

void ScriptGamerNode::vanish() {
    stage_.coverage.hit(Sometimes::kVanishResume);
    if (prng_.chance(0.2)) forget_secret();
    drop(false);
    later(prng_.below(prng_.chance(0.7) ? 1'000'000 : 12'000'000), [this] { connect(); });
}

bool ScriptGamerNode::spoil_handshake() {
    if (kind_ != GamerKind::kGarbage || !prng_.chance(0.3)) return false;
    stage_.coverage.hit(Sometimes::kWrongPhase);
    if (prng_.chance(0.5)) {
        write_registration({}, envelope_);
        send(wire::Message::kGamerRegister, 0);
    } else {
        encode(wire::TaskCancel{}, envelope_);
        send(wire::Message::kTaskCancel, 1);
    }
    return true;
}

void ScriptGamerNode::send_garbage() {
    std::vector<uint8_t> bytes;
    const auto random_bytes = [&](size_t count) {
        for (size_t i = 0; i < count; ++i) bytes.push_back(static_cast<uint8_t>(prng_.next()));
    };
    switch (prng_.below(6)) {
        case 0:  // no frames at all
            stage_.coverage.hit(Sometimes::kGarbage);
            random_bytes(1 + static_cast<size_t>(prng_.below(300)));
            return connection()->write_raw(bytes);
        case 1: {  // a lie about a length, and then nothing
            stage_.coverage.hit(Sometimes::kGarbage);
            bytes.resize(wire::kFrameHeadMax);
            const size_t size = wire::write_frame_start(bytes.data(), wire::Message::kTaskSubmit, 0,
                                                        1, {}, 0xFFFFFF);
            bytes.resize(size);
            return connection()->write_raw(bytes);
        }
        case 2: {  // an envelope of noise
            stage_.coverage.hit(Sometimes::kGarbageEnvelope);
            random_bytes(1 + static_cast<size_t>(prng_.below(60)));
            const auto message = static_cast<wire::Message>(20 + prng_.below(12));
            return connection()->send_copy(message, 0, prng_.below(100), bytes, {}, {});
        }
        case 3: {  // a message that is not a gamer's
            stage_.coverage.hit(Sometimes::kWrongPhase);
            wire::TaskResult result;
            encode(result, envelope_);
            return send(wire::Message::kTaskResult, 1);
        }
        case 4:  // hello once more
            stage_.coverage.hit(Sometimes::kWrongPhase);
            encode(wire::Hello{}, envelope_);
            return send(wire::Message::kHello, 0);
        default:  // a stream of more bytes than announced
            stage_.coverage.hit(Sometimes::kGarbageEnvelope);
            wire::TaskSubmit message;
            message.task_type = kTypeEcho;
            message.sizes = wire::PayloadSizes{12, 10};
            encode(message, envelope_);
            const uint64_t id = ++next_task_;
            send(wire::Message::kTaskSubmit, id, encode_word('t', token_of(host_, id)), {},
                 wire::kFlagMore);
            return send_chunk(wire::Message::kTaskSubmit, id, input_of(1, 100), true);
    }
}

}  // namespace p2c2r::sim
