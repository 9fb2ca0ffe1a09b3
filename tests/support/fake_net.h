// A loop with a clock that the test moves, and connections that hand frames over on it: enough to
// run the real roles in one thread without a socket. Faults beyond "cut" belong to the simulator.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "core/crypto.h"
#include "core/prng.h"
#include "exec/executor.h"
#include "exec/job_control.h"
#include "net/loop.h"
#include "net/transport.h"

namespace p2c2r::test {

class FakeLoop : public net::Loop {
  public:
    uint64_t now_us() override { return now_; }
    uint64_t unix_ms() override { return now_ / 1000; }
    void arm(net::Timer& timer, uint64_t at_us) override { timers_[&timer] = {at_us, ++sequence_}; }
    void disarm(net::Timer& timer) override { timers_.erase(&timer); }
    void post(std::function<void()> work) override { posted_.push_back(std::move(work)); }
    void at_turn_end(TurnEnd& hook) override {
        if (hook.asked) return;
        hook.asked = true;
        hooks_.push_back(&hook);
    }
    void forget_turn_end(TurnEnd& hook) override {
        hook.asked = false;
        std::erase(hooks_, &hook);
    }

    // Runs what waits until nothing does, without moving the clock.
    void settle() {
        for (int turns = 0; turns < 100000; ++turns) {
            if (!posted_.empty()) {
                std::function<void()> work = std::move(posted_.front());
                posted_.pop_front();
                work();
            } else if (!fire_due() && hooks_.empty()) {
                return;
            }
            end_turn();
        }
        throw std::runtime_error("the loop does not come to rest");
    }
    void advance(uint64_t us) {
        const uint64_t end = now_ + us;
        settle();
        for (;;) {
            uint64_t next = UINT64_MAX;
            for (const auto& [timer, at] : timers_) next = std::min(next, at.first);
            if (next > end) break;
            now_ = std::max(now_, next);
            settle();
        }
        now_ = end;
        settle();
    }
    // The clock goes on, and nothing runs.
    void stall(uint64_t us) { now_ += us; }
    // Until `done` or the time is over; the time it took.
    bool run_until(const std::function<bool()>& done, uint64_t limit_us) {
        const uint64_t end = now_ + limit_us;
        settle();
        while (!done() && now_ < end) advance(std::min<uint64_t>(1000, end - now_));
        return done();
    }
    ~FakeLoop() override {
        // With what waits go connections, which say goodbye by it.
        is_ending_ = true;
        later_.clear();
    }
    // In so much time; what is asked for for the same time is done in order.
    void later(uint64_t us, std::function<void()> work) {
        if (is_ending_) return;
        auto& timer = later_.emplace_back(std::make_unique<net::Timer>());
        timer->fire = std::move(work);
        arm(*timer, now_ + us);
    }
    [[nodiscard]] size_t timers_count() const { return timers_.size(); }

  private:
    bool fire_due() {
        net::Timer* due = nullptr;
        std::pair<uint64_t, uint64_t> first{now_ + 1, 0};
        for (const auto& [timer, at] : timers_) {
            if (at < first) {
                first = at;
                due = timer;
            }
        }
        if (!due) return false;
        timers_.erase(due);
        due->fire();
        return true;
    }
    void end_turn() {
        while (!hooks_.empty()) {
            TurnEnd* hook = hooks_.front();
            hooks_.erase(hooks_.begin());
            hook->asked = false;
            hook->run();
        }
    }

    uint64_t now_ = 1'000'000'000;
    uint64_t sequence_ = 0;
    std::map<net::Timer*, std::pair<uint64_t, uint64_t>> timers_;
    std::deque<std::function<void()>> posted_;
    bool is_ending_ = false;
    std::deque<std::unique_ptr<net::Timer>> later_;  // until the end: only slow links have them
    std::vector<TurnEnd*> hooks_;
};

// Both ends of one connection share this.
class FakeConnection : public net::Connection {
  public:
    struct Core {
        std::string address = "fake";
        std::string binding;
        FakeLoop* loop;
        net::ConnectionEvents* events[2] = {nullptr, nullptr};
        FakeConnection* ends[2] = {nullptr, nullptr};
        std::deque<std::vector<uint8_t>> inbox[2];  // frames on their way to this end
        size_t inbox_bytes[2] = {0, 0};
        bool paused[2] = {false, false};
        bool was_high[2] = {false, false};  // as a sender: owes an on_writable
        bool open = true;
        uint64_t delay_us = 0;
        uint64_t open_us = 0;           // before that nothing that the near end sends leaves
        uint64_t words_us[2] = {0, 0};  // what each end says of the last words that came
        net::PartialFrame partial[2];   // what each end says of the frame that just comes
        uint64_t frames = 0;
    };
    FakeConnection(std::shared_ptr<Core> core, int side) : core_(std::move(core)), side_(side) {
        core_->ends[side_] = this;
    }
    ~FakeConnection() override {
        close();
        core_->ends[side_] = nullptr;
    }

    static std::pair<std::unique_ptr<FakeConnection>, std::unique_ptr<FakeConnection>> pair(
        FakeLoop& loop) {
        auto core = std::make_shared<Core>();
        core->loop = &loop;
        return {std::make_unique<FakeConnection>(core, 0),
                std::make_unique<FakeConnection>(core, 1)};
    }
    // The network loses it: both ends hear of it.
    void cut(Status status = Status::kDisconnected) { end(*core_, true, true, status); }

    void set_events(net::ConnectionEvents* events) override { core_->events[side_] = events; }
    void set_limits(const wire::FrameLimits&) override {}
    void send(wire::Message message, uint8_t flags, uint64_t id, std::span<const uint8_t> envelope,
              const Bytes& params, const Bytes& data) override {
        send_copy(message, flags, id, envelope, params.span(), data.span());
    }
    void send_copy(wire::Message message, uint8_t flags, uint64_t id,
                   std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                   std::span<const uint8_t> data) override {
        const int to = 1 - side_;
        std::vector<uint8_t> bytes(wire::kFrameHeadMax + envelope.size() + params.size() +
                                   data.size());
        size_t size =
            wire::write_frame_start(bytes.data(), message, flags, id, envelope, params.size());
        const auto add = [&](std::span<const uint8_t> part) {
            std::copy(part.begin(), part.end(), bytes.begin() + static_cast<ptrdiff_t>(size));
            size += part.size();
        };
        add(params);
        size += wire::write_bin_header(bytes.data() + size, data.size());
        add(data);
        bytes.resize(size);
        core_->inbox[to].push_back(std::move(bytes));
        core_->inbox_bytes[to] += size;
        queue_is(core_->inbox_bytes[to]);
        if (core_->inbox_bytes[to] >= net::kSendHighMark) core_->was_high[side_] = true;
        const uint64_t now = core_->loop->now_us();
        const uint64_t waits_us = side_ == 0 && core_->open_us > now ? core_->open_us - now : 0;
        pass_on([core = core_, to] { take(*core, to); }, waits_us);
    }
    size_t queued_bytes() const override { return core_->inbox_bytes[1 - side_]; }
    void pause_reading(bool paused) override {
        core_->paused[side_] = paused;
        if (paused) return;
        for (size_t i = 0; i < core_->inbox[side_].size(); ++i) {
            core_->loop->post([core = core_, to = side_] { take(*core, to); });
        }
    }
    // The next frame reaches this end, although it does not read.
    void take_one() {
        core_->paused[side_] = false;
        take(*core_, side_);
        core_->paused[side_] = true;
    }
    // Where both ends say that the other one is, and what their logins are bound to.
    void pretend(const std::string& address, const std::string& binding) {
        core_->address = address;
        core_->binding = binding;
    }
    net::PartialFrame partial_frame() const override { return core_->partial[side_]; }
    void begin_frame(const net::PartialFrame& partial) { core_->partial[side_] = partial; }
    uint64_t last_words_us() const override { return core_->words_us[side_]; }
    // Some of a frame that has begun comes to this end.
    void some_bytes(uint64_t size) { in_ += size; }
    // Words of the handshake of TLS have come to this end.
    void heard_words() { core_->words_us[side_] = core_->loop->now_us(); }
    // Where this end wants the data of a chunk that has begun to come.
    uint8_t* place_of(wire::Message message, uint64_t id, size_t size) {
        return core_->events[side_]->place_data(*this, message, id, size);
    }
    [[nodiscard]] bool is_paused() const { return core_->paused[side_]; }
    [[nodiscard]] FakeConnection* other_end() const { return core_->ends[1 - side_]; }
    void close() override {
        core_->events[side_] = nullptr;
        // What was sent before still arrives; then the other side hears of the end.
        pass_on([core = core_, other = 1 - side_] { end(*core, other == 0, other == 1); });
    }
    std::string peer_address() const override { return core_->address; }
    std::string channel_binding() const override { return core_->binding; }
    bool is_loopback() const override { return core_->address == "fake"; }
    uint64_t bytes_in() const override { return in_; }
    uint64_t bytes_out() const override { return out_; }

    // What is sent takes so long.
    void set_delay(uint64_t us) { core_->delay_us = us; }
    // Called by the near end: TLS shakes hands first, which takes a round trip of that delay.
    void shake_hands() {
        core_->open_us = core_->loop->now_us() + 2 * core_->delay_us;
        const auto words_come = [core = core_](int side) {
            return [core, side] { core->words_us[side] = core->loop->now_us(); };
        };
        core_->loop->later(core_->delay_us, words_come(1));
        core_->loop->later(2 * core_->delay_us, words_come(0));
    }

  private:
    void pass_on(std::function<void()> work, uint64_t waits_us = 0) {
        if (core_->delay_us == 0) return core_->loop->post(std::move(work));
        core_->loop->later(waits_us + core_->delay_us, std::move(work));
    }
    // The next frame reaches this end.
    static void take(Core& core, int to) {
        if (!core.open || !core.events[to] || core.paused[to] || core.inbox[to].empty()) return;
        const std::vector<uint8_t> bytes = std::move(core.inbox[to].front());
        core.inbox[to].pop_front();
        core.inbox_bytes[to] -= bytes.size();
        const int from = 1 - to;
        core.ends[to]->in_ += bytes.size();
        if (core.ends[from]) {
            core.ends[from]->out_ += bytes.size();
            core.ends[from]->queue_is(core.inbox_bytes[to]);
        }
        ++core.frames;
        if (core.was_high[from] && core.inbox_bytes[to] < net::kSendLowMark) {
            core.was_high[from] = false;
            if (core.events[from]) core.events[from]->on_writable(*core.ends[from]);
            if (!core.events[to]) return;
        }
        Buffer memory = Buffer::allocate(bytes.size());
        std::copy(bytes.begin(), bytes.end(), memory.data());
        wire::FrameParse parse =
            wire::parse_frame({memory.data(), bytes.size()}, wire::kLimitsAfterLogin);
        if (parse.kind != wire::FrameParse::Kind::kFrame) throw std::runtime_error("bad frame");
        wire::FrameMemory frame_memory{&memory, true};
        parse.frame.memory = &frame_memory;
        const net::PartialFrame& partial = core.partial[to];
        const uint64_t began_us = partial.size > 0 ? partial.since_us : core.loop->now_us();
        core.events[to]->on_frame(*core.ends[to], parse.frame);
        core.words_us[to] = began_us;
    }
    static void end(Core& core, bool tell_first, bool tell_second,
                    Status status = Status::kDisconnected) {
        if (!core.open) return;
        core.open = false;
        for (int side : {0, 1}) {
            net::ConnectionEvents* events = std::exchange(core.events[side], nullptr);
            if (events && (side == 0 ? tell_first : tell_second)) {
                events->on_closed(*core.ends[side], status, "cut");
            }
        }
    }

    std::shared_ptr<Core> core_;
    int side_;
    uint64_t in_ = 0;
    uint64_t out_ = 0;
};

// Connects to whoever accepts; `reachable` false refuses.
class FakeTransport : public net::Transport {
  public:
    explicit FakeTransport(FakeLoop& loop) : loop_(loop) {}
    Accept accept;
    bool reachable = true;
    uint64_t delay_us = 0;   // of each way
    bool relayed = false;    // what is connected at once is a relay, which the delay lies behind
    bool encrypted = false;  // each connection binds logins by a text of its own, and over a long
                             // way shakes hands before
    std::string address = "fake";       // another one is not loopback
    std::vector<FakeConnection*> made;  // the far ends, for cut(); may have gone
    uint64_t copied = 0;
    uint64_t payload_bytes_copied() const override { return copied; }

    Result<std::unique_ptr<net::Listener>> listen(const std::string&, uint32_t, Accept take,
                                                  std::shared_ptr<net::TlsContext>) override {
        accept = std::move(take);
        class Fake : public net::Listener {
            uint32_t port() const override { return 1; }
        };
        return std::unique_ptr<net::Listener>(std::make_unique<Fake>());
    }
    std::unique_ptr<Attempt> connect(const std::string&, uint32_t, uint64_t, Connected connected,
                                     std::shared_ptr<net::TlsContext>) override {
        class Cancelled : public Attempt {
          public:
            ~Cancelled() override { *alive = false; }
            std::shared_ptr<bool> alive = std::make_shared<bool>(true);
        };
        using Ends = std::pair<std::unique_ptr<net::Connection>, std::unique_ptr<net::Connection>>;
        auto attempt = std::make_unique<Cancelled>();
        loop_.post([this, alive = attempt->alive, connected = std::move(connected)] {
            if (!*alive) return;
            if (!reachable || !accept) {
                connected(make_error(Status::kDisconnected, "nobody listens"));
                return;
            }
            auto [near, far] = FakeConnection::pair(loop_);
            near->pretend(address, encrypted ? "connection " + std::to_string(made.size()) : "");
            made.push_back(far.get());
            if (delay_us == 0) {
                accept(std::move(far));
                return connected(std::unique_ptr<net::Connection>(std::move(near)));
            }
            // The request, the answer to it, and the word that that has come.
            near->set_delay(delay_us);
            FakeConnection* const caller = near.get();
            auto ends = std::make_shared<Ends>(std::move(near), std::move(far));
            loop_.later(relayed ? 0 : 2 * delay_us, [this, caller, ends, alive, connected] {
                if (encrypted) caller->shake_hands();
                if (*alive) connected(std::move(ends->first));
            });
            loop_.later(relayed ? 0 : 3 * delay_us,
                        [this, ends] { accept(std::move(ends->second)); });
        });
        return attempt;
    }

  private:
    FakeLoop& loop_;
};

// Runs jobs in virtual time: `takes_us` each, `behave` computes the output. All at the same time,
// or `at_once` of them, first come, first served, as long as they may still begin.
class FakeRunner : public exec::Runner {
  public:
    FakeRunner(FakeLoop& loop, std::vector<std::string> types)
        : loop_(loop), types_(std::move(types)) {}
    std::function<exec::Output(const exec::JobSpec&)> behave = [](const exec::JobSpec& spec) {
        exec::Output output;
        output.status = Status::kOk;
        output.info = spec.params.owned();
        output.data = spec.data.owned();
        output.processing_us = 10;
        return output;
    };
    uint64_t takes_us = 0;
    uint32_t at_once = 0;  // 0: all
    bool inside = false;   // a job is done before start() returns
    uint64_t started = 0;
    uint64_t given = 0;  // jobs that brought their executor; not among those that started
    bool refuses_given = false;
    uint64_t cancelled = 0;

    uint64_t start(const exec::JobSpec& spec, uint64_t tag, exec::RunnerEvents& events) override {
        if (spec.executor) {
            ++given;
            if (refuses_given) return 0;
        } else {
            ++started;
        }
        const uint64_t id = ++jobs_;
        if (inside) {
            events.on_job_done(tag, output_of(spec));
            return id;
        }
        Running& job = running_[id];
        job.events = &events;
        job.tag = tag;
        job.output = output_of(spec);
        job.timer = std::make_unique<net::Timer>();
        job.timer->fire = [this, id] { end(id); };
        job.start_by_us = spec.start_by_us != 0 ? spec.start_by_us : spec.deadline_us;
        waiting_.push_back(id);
        begin();
        return id;
    }
    void cancel(uint64_t id) override {
        const auto found = running_.find(id);
        if (found == running_.end()) return;
        ++cancelled;
        found->second.output = exec::Output{};
        found->second.output.status = Status::kCancelled;
        if (!std::exchange(found->second.begun, true)) {
            waiting_.erase(std::find(waiting_.begin(), waiting_.end(), id));
            ++begun_;
        }
        loop_.arm(*found->second.timer, loop_.now_us());
    }
    void forget(exec::RunnerEvents& events) override {
        for (auto& [id, job] : running_) {
            if (job.events == &events) job.events = nullptr;
        }
    }
    bool can_run(std::string_view type) const override {
        return std::find(types_.begin(), types_.end(), type) != types_.end();
    }
    std::vector<std::string> task_types() const override { return types_; }
    uint64_t revision() const override { return 1; }
    uint32_t parallel() const override { return at_once != 0 ? at_once : 4; }
    [[nodiscard]] size_t running() const { return running_.size(); }

  private:
    struct Running {
        exec::RunnerEvents* events = nullptr;
        uint64_t tag = 0;
        exec::Output output;
        std::unique_ptr<net::Timer> timer;
        uint64_t start_by_us = 0;
        bool begun = false;
    };
    void begin() {
        while (!waiting_.empty() && (at_once == 0 || begun_ < at_once)) {
            Running& job = running_[waiting_.front()];
            waiting_.pop_front();
            job.begun = true;
            ++begun_;
            const bool late = job.start_by_us != 0 && loop_.now_us() >= job.start_by_us;
            if (late) {
                job.output = exec::Output{};
                job.output.status = Status::kDeadline;
            }
            loop_.arm(*job.timer, loop_.now_us() + (late ? 0 : takes_us));
        }
    }
    exec::Output output_of(const exec::JobSpec& spec) {
        if (!spec.executor) return behave(spec);
        exec::Job* const job = exec::JobControl::make();
        job->params = spec.params.owned();
        job->data = spec.data.owned();
        exec::JobControl::begin(*job);
        const Status status = exec::JobControl::run(*job, *spec.executor);
        (void)exec::JobControl::judge(*job, exec::JobControl::settle(*job, status));
        exec::Output output = std::move(job->output);
        job->release();
        return output;
    }
    void end(uint64_t id) {
        auto node = running_.extract(id);
        Running& job = node.mapped();
        --begun_;
        begin();
        if (job.events) job.events->on_job_done(job.tag, std::move(job.output));
    }

    FakeLoop& loop_;
    std::vector<std::string> types_;
    uint64_t jobs_ = 0;
    std::map<uint64_t, Running> running_;
    std::deque<uint64_t> waiting_;  // of those
    uint32_t begun_ = 0;
};

class FakeRandom : public RandomSource {
  public:
    explicit FakeRandom(uint64_t seed) : prng_(seed) {}
    void fill(std::span<uint8_t> out) override {
        for (uint8_t& byte : out) byte = static_cast<uint8_t>(prng_.next());
    }

  private:
    Prng prng_;
};

}  // namespace p2c2r::test
