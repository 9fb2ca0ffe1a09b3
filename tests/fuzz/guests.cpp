// Fuzz target: a client and a peer whose coordinator is the input. It is a script of what comes
// over their connections, what the client is asked for meanwhile, cuts, and time that passes.
// Whatever it is, every frame that they send can be read, each task ends once, what is held keeps
// its bounds, and when both have gone nothing is left of them.
//
//   record: operation (bit 0 client or peer, 1-2 what, 4-6 time before it), size (2 bytes, big
//   endian), bytes
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/crypto.h"
#include "fuzz/memory_watch.h"
#include "roles/client.h"
#include "roles/peer.h"
#include "support/fake_net.h"
#include "wire/codec.h"

using namespace p2c2r;
using namespace p2c2r::test;

namespace {

constexpr size_t kTasksMax = 64;
constexpr uint64_t kDeadlineUs = 2'000'000;
// Their own tables, and what a byte on the wire may cost at the worst.
constexpr int64_t kHeapMax = 4 << 20;
constexpr int64_t kHeapPerByte = 256;

enum class Action { kFrames, kAsk, kCut, kPause };

// One connection as the coordinator has it: what comes over it can be read, and is forgotten.
class Line : net::ConnectionEvents {
  public:
    explicit Line(FakeLoop& loop) : transport(loop) {
        transport.accept = [this](std::unique_ptr<net::Connection> far) {
            far_ = std::move(far);
            far_->set_events(this);
        };
    }
    FakeTransport transport;

    // Those that are whole and not broken.
    void send(std::span<const uint8_t> bytes) {
        while (far_) {
            const wire::FrameParse parse = wire::parse_frame(bytes, wire::kLimitsAfterLogin);
            if (parse.kind != wire::FrameParse::Kind::kFrame) return;
            const wire::Frame& frame = parse.frame;
            far_->send_copy(frame.message, frame.flags, frame.id, frame.envelope, frame.params,
                            frame.data);
            bytes = bytes.subspan(parse.size);
        }
    }
    void cut() {
        if (!far_) return;
        static_cast<FakeConnection&>(*far_).cut();
        far_.reset();
    }

  private:
    void on_frame(net::Connection&, const wire::Frame& frame) override {
        if (frame.message == wire::Message::kTaskResult && !frame.envelope.empty()) {
            wire::TaskResult result;
            P2C2R_CHECK(decode(frame.envelope, result) == nullptr);
        }
        if (frame.message == wire::Message::kTaskSubmit && !frame.envelope.empty()) {
            wire::TaskSubmit submit;
            P2C2R_CHECK(decode(frame.envelope, submit) == nullptr && frame.id != 0);
        }
    }
    void on_closed(net::Connection&, Status, const std::string&) override { far_.reset(); }

    std::unique_ptr<net::Connection> far_;
};

struct Answers : roles::ClientEvents {
    std::map<uint64_t, TaskSpec> pending;
    std::map<uint64_t, bool> calls;

    void on_task_ended(uint64_t task, TaskResult&&) override { P2C2R_CHECK(pending.erase(task)); }
    void on_client_state(Status, const std::string&) override {}
    void on_peer_count(uint32_t, uint32_t) override {}
    void on_call_done(uint64_t call, const Error*, Bytes, Bytes) override {
        P2C2R_CHECK(calls.erase(call));
    }
};

struct Quiet : roles::PeerEvents {
    void on_peer_state(Status, const std::string&) override {}
};

roles::ReconnectOptions soon() {
    roles::ReconnectOptions options;
    options.backoff_first_us = options.backoff_max_us = 10'000;
    return options;
}

class Script {
  public:
    Script()
        : client_(loop_, &lines_[0].transport, &runner_, random_, Prng(1), Log(), client_options(),
                  answers_),
          peer_(loop_, lines_[1].transport, runner_, random_, Prng(2), Log(), peer_options(),
                quiet_) {
        runner_.takes_us = 1'000;
        client_.start();
        peer_.start();
        loop_.settle();
    }

    void play(std::span<const uint8_t> input) {
        while (input.size() >= 3) {
            const uint8_t operation = input[0];
            const size_t size =
                std::min<size_t>(size_t{input[1]} << 8 | input[2], input.size() - 3);
            if (const int step = operation >> 4 & 7) loop_.advance(1000ull << (2 * step - 2));
            perform(operation & 1, static_cast<Action>(operation >> 1 & 3), input.subspan(3, size));
            loop_.settle();
            input = input.subspan(3 + size);
        }
    }

    // Both go, with all that they had taken on.
    void end() {
        loop_.advance(2 * kDeadlineUs);
        P2C2R_CHECK(answers_.pending.empty() && answers_.calls.empty());
        client_.close();
        peer_.close();
        loop_.advance(kDeadlineUs);
        for (Line& line : lines_) line.cut();
        loop_.settle();
    }

  private:
    static roles::ClientOptions client_options() {
        roles::ClientOptions options;
        options.client_id = "fuzz";
        options.coordinator.host = "fake";
        options.reconnect = soon();
        return options;
    }
    static roles::PeerOptions peer_options() {
        roles::PeerOptions options;
        options.peer_id = "fuzz";
        options.coordinator.host = "fake";
        options.reconnect = soon();
        options.slots = options.prefetch = 2;
        options.window_bytes = options.content_bytes_max = 1 << 20;
        return options;
    }

    void perform(bool at_peer, Action action, std::span<const uint8_t> bytes) {
        switch (action) {
            case Action::kFrames:
                lines_[at_peer].send(bytes);
                break;
            case Action::kAsk:
                if (!at_peer && !bytes.empty()) ask(bytes[0], bytes.subspan(1));
                break;
            case Action::kCut:
                lines_[at_peer].cut();
                break;
            case Action::kPause:
                break;
        }
    }

    void ask(uint8_t what, std::span<const uint8_t> bytes) {
        if (what % 4 == 0) return client_.cancel(1 + bytes.size());
        if (what % 4 == 1) {
            if (answers_.calls.size() == kTasksMax) return;
            answers_.calls[++last_call_] = true;
            return client_.call(last_call_, "status", {}, kDeadlineUs);
        }
        if (answers_.pending.size() == kTasksMax) return;
        TaskSpec spec;
        spec.task_type = "echo";
        spec.deadline_us = kDeadlineUs;
        if (what & 4) spec.place = Place::kRemote;
        if (what & 8) spec.flags = task_flag::kResident;
        if ((what & 16) && last_task_ > 0) spec.depends_on = {last_task_};
        if (what % 4 == 2) {
            spec.data = Bytes::copy(bytes);
        } else {
            spec.content = std::make_shared<const Content>(
                Content{sha256(bytes), Bytes::copy(bytes), false, bytes.size()});
        }
        const uint64_t task = ++last_task_;
        client_.submit(task, answers_.pending[task] = std::move(spec));
    }

    FakeLoop loop_;
    FakeRandom random_{11};
    std::array<Line, 2> lines_{Line(loop_), Line(loop_)};
    FakeRunner runner_{loop_, {"echo"}};
    Answers answers_;
    Quiet quiet_;
    uint64_t last_task_ = 0;
    uint64_t last_call_ = 0;
    roles::Client client_;
    roles::Peer peer_;
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
