// Fuzz target: whole sessions with a real coordinator. The input is a script of what up to four
// connections do: bytes that arrive, a cut, an answer to the task that was assigned last (whose
// nonce no input could guess), and time that passes. Whatever it is, every frame that comes back
// can be read, what is held keeps its bounds, and when all have gone nothing is left of them.
//
//   record: operation (bits 0-1 connection, 2-3 what, 4-6 time before it), size (2 bytes, big
//   endian), bytes
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/check.h"
#include "fuzz/memory_watch.h"
#include "roles/coordinator.h"
#include "support/fake_net.h"
#include "wire/codec.h"

using namespace p2c2r;
using namespace p2c2r::test;

namespace {

constexpr size_t kLines = 4;
constexpr uint64_t kPayloadMax = 1u << 20;
constexpr uint64_t kGraceUs = 1'000'000;
constexpr uint64_t kTimeoutUs = 2'000'000;
// The coordinator's own tables, and what a byte on the wire may cost at the worst: a frame of a few
// bytes makes a task, with its records.
constexpr int64_t kHeapMax = 2 << 20;
constexpr int64_t kHeapPerByte = 256;

enum class Action { kBytes, kAnswer, kCut, kPause };

// One connection as its far end sees it.
struct Line {
    class End;
    End* end = nullptr;  // the coordinator's; NULL when it has gone
    net::ConnectionEvents* events = nullptr;
    wire::FrameLimits limits;
    std::vector<uint8_t> arrived;
    uint64_t assigned = 0;
    Nonce attempt{};

    void receive(std::span<const uint8_t> bytes);
    void lost(Status status, const char* why);
    // What the coordinator sends can be read, and keeps the limits.
    void check_sent(std::span<const uint8_t> bytes);
};

class Line::End final : public net::Connection {
  public:
    explicit End(Line& line) : line_(line) { line.end = this; }
    ~End() override { close(); }
    void set_events(net::ConnectionEvents* events) override { line_.events = events; }
    void set_limits(const wire::FrameLimits& limits) override { line_.limits = limits; }
    void send(wire::Message message, uint8_t flags, uint64_t id, std::span<const uint8_t> envelope,
              const Bytes& params, const Bytes& data) override {
        send_copy(message, flags, id, envelope, params.span(), data.span());
    }
    void send_copy(wire::Message message, uint8_t flags, uint64_t id,
                   std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                   std::span<const uint8_t> data) override {
        std::vector<uint8_t> bytes(wire::kFrameHeadMax + envelope.size() + params.size() +
                                   data.size());
        size_t size =
            wire::write_frame_start(bytes.data(), message, flags, id, envelope, params.size());
        std::copy(params.begin(), params.end(), bytes.begin() + static_cast<ptrdiff_t>(size));
        size += params.size();
        size += wire::write_bin_header(bytes.data() + size, data.size());
        std::copy(data.begin(), data.end(), bytes.begin() + static_cast<ptrdiff_t>(size));
        size += data.size();
        line_.check_sent({bytes.data(), size});
    }
    size_t queued_bytes() const override { return 0; }
    void pause_reading(bool) override {}
    void close() override {
        if (line_.end != this) return;
        line_.end = nullptr;
        line_.events = nullptr;
        line_.arrived.clear();
    }
    std::string peer_address() const override { return "fuzz"; }
    bool is_loopback() const override { return true; }
    uint64_t bytes_in() const override { return 0; }
    uint64_t bytes_out() const override { return 0; }

  private:
    Line& line_;
};

void Line::receive(std::span<const uint8_t> bytes) {
    arrived.insert(arrived.end(), bytes.begin(), bytes.end());
    while (events) {
        const wire::FrameParse parse = wire::parse_frame(arrived, limits);
        if (parse.kind == wire::FrameParse::Kind::kNeedMore) {
            P2C2R_CHECK(parse.size <= limits.frame_size_max);
            return;
        }
        if (parse.kind == wire::FrameParse::Kind::kBroken)
            return lost(Status::kProtocol, parse.why);
        // In memory of its own, as a connection has it.
        Buffer memory = Buffer::allocate(parse.size);
        std::copy_n(arrived.begin(), parse.size, memory.data());
        arrived.erase(arrived.begin(), arrived.begin() + static_cast<ptrdiff_t>(parse.size));
        wire::FrameParse whole = wire::parse_frame({memory.data(), parse.size}, limits);
        wire::FrameMemory frame_memory{&memory, true};
        whole.frame.memory = &frame_memory;
        events->on_frame(*end, whole.frame);
    }
}

void Line::lost(Status status, const char* why) {
    net::ConnectionEvents* told = std::exchange(events, nullptr);
    if (told) told->on_closed(*end, status, why);
}

void Line::check_sent(std::span<const uint8_t> bytes) {
    const wire::FrameParse parse = wire::parse_frame(bytes, wire::kLimitsAfterLogin);
    P2C2R_CHECK(parse.kind == wire::FrameParse::Kind::kFrame && parse.size == bytes.size());
    if (parse.frame.message != wire::Message::kTaskAssign || parse.frame.envelope.empty()) return;
    wire::TaskAssign assign;
    P2C2R_CHECK(decode(parse.frame.envelope, assign) == nullptr);
    assigned = parse.frame.id;
    attempt = assign.attempt;
}

struct Nobody : roles::CoordinatorEvents {
    void on_peer_joined(const std::string&) override {}
    void on_peer_left(const std::string&, const std::string&) override {}
    void on_peer_failed(const std::string&, const std::string&) override {}
};

class Script {
  public:
    Script()
        : coordinator_(loop_, network_, &runner_, random_, Prng(1), Log(), options(), nobody_) {
        runner_.takes_us = 1'000;
    }

    void play(std::span<const uint8_t> input) {
        while (input.size() >= 3) {
            const uint8_t operation = input[0];
            const size_t size =
                std::min<size_t>(size_t{input[1]} << 8 | input[2], input.size() - 3);
            if (const int step = operation >> 4 & 7) loop_.advance(1000ull << (2 * step - 2));
            perform(lines_[operation & 3], static_cast<Action>(operation >> 2 & 3),
                    input.subspan(3, size));
            loop_.settle();
            check();
            input = input.subspan(3 + size);
        }
    }

    // All go; their tasks and what was kept for them go with them.
    void end() {
        for (Line& line : lines_) line.lost(Status::kDisconnected, "the end");
        loop_.advance(kGraceUs + 2 * kTimeoutUs);
        const roles::CoordinatorStats& stats = coordinator_.stats();
        P2C2R_CHECK(stats.active_peers == 0);
        P2C2R_CHECK(stats.clients == 0);
        P2C2R_CHECK(stats.pending_tasks == 0);
        P2C2R_CHECK(stats.payload_bytes_held == 0);
        for (const Line& line : lines_) P2C2R_CHECK(line.end == nullptr);
        coordinator_.close();
        loop_.settle();
    }

  private:
    static roles::CoordinatorOptions options() {
        roles::CoordinatorOptions options;
        options.memory_max = kPayloadMax;
        options.gamer_window_bytes = kPayloadMax;
        options.resume_grace_us = kGraceUs;
        options.task_timeout_us = kTimeoutUs;
        return options;
    }

    void perform(Line& line, Action action, std::span<const uint8_t> bytes) {
        switch (action) {
            case Action::kBytes:
                if (!line.end) open(line);
                line.receive(bytes);
                break;
            case Action::kAnswer:
                answer(line, bytes);
                break;
            case Action::kCut:
                line.lost(Status::kDisconnected, "cut");
                break;
            case Action::kPause:
                break;
        }
    }

    void open(Line& line) {
        line = Line{};
        coordinator_.accept(std::make_unique<Line::End>(line));
    }

    void answer(Line& line, std::span<const uint8_t> bytes) {
        if (!line.events || line.assigned == 0) return;
        wire::TaskResult result;
        result.attempt = line.attempt;
        if (bytes.size() % 2 != 0) result.status = Status::kExecutor;
        encode(result, envelope_);
        const std::span<const uint8_t> data = result.status == Status::kOk ? bytes : bytes.first(0);
        std::vector<uint8_t> frame(wire::kFrameHeadMax + envelope_.span().size() + data.size());
        size_t size = wire::write_frame_start(frame.data(), wire::Message::kTaskResult, 0,
                                              line.assigned, envelope_.span(), 0);
        size += wire::write_bin_header(frame.data() + size, data.size());
        std::copy(data.begin(), data.end(), frame.begin() + static_cast<ptrdiff_t>(size));
        line.receive({frame.data(), size + data.size()});
    }

    void check() {
        const roles::CoordinatorStats& stats = coordinator_.stats();
        P2C2R_CHECK(stats.payload_bytes_held <= kPayloadMax + limits::kChunkSizeMax);
        P2C2R_CHECK(stats.active_peers <= kLines);
    }

    FakeLoop loop_;
    FakeRandom random_{11};
    FakeTransport network_{loop_};
    FakeRunner runner_{loop_, {"echo"}};
    Nobody nobody_;
    std::array<Line, kLines> lines_;
    wire::EnvelopeBuffer envelope_;
    roles::Coordinator coordinator_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const size_t used = std::min<size_t>(size, 65536);
    watch_memory();
    {
        Script script;
        script.play({data, used});
        script.end();
    }
    P2C2R_CHECK(memory_peak() <= kHeapMax + kHeapPerByte * static_cast<int64_t>(used));
    return 0;
}
