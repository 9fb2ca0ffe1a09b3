// Scripts on the bare wire: a peer that is honest and also sends what it must not, and gamers that
// repeat ids, send garbage, or vanish and resume.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/gamer.h"
#include "sim/speaker.h"

namespace p2c2r::sim {

class ForgerNode final : public Speaker, private exec::RunnerEvents {
  public:
    ForgerNode(Stage& stage, Prng prng, uint32_t number);
    ~ForgerNode() override { end(); }

  private:
    struct Work {
        Nonce attempt{};
        uint64_t token = 0;
        std::string task_type;
        Bytes params;
        std::vector<uint8_t> data;
        uint64_t job = 0;
        bool running = false;
    };

    void end();
    void healed() override;
    void on_ready() override {}
    void on_message(const wire::Frame& frame) override;
    void on_lost() override;
    wire::Message write_registration(const wire::Login& login, wire::EnvelopeBuffer& out) override;
    void on_job_done(uint64_t tag, exec::Output&& output) override;

    void begin(uint64_t id, Work& work);
    void misbehave(uint64_t id, const Work& work);
    void forge(uint64_t id, const Nonce& attempt);
    void answer(uint64_t id, const Nonce& attempt, const exec::Output& output);

    const uint32_t window_;
    std::map<uint64_t, Work> work_;      // by the id on this hop
    std::map<uint64_t, uint64_t> jobs_;  // tag to id; tags are never used twice
    uint64_t next_tag_ = 0;
};

class ScriptGamerNode final : public Speaker {
  public:
    ScriptGamerNode(Stage& stage, Prng prng, uint32_t number, GamerKind kind, uint32_t tasks);
    ~ScriptGamerNode() override = default;

    void play(uint64_t until_us);

  private:
    void on_ready() override;
    void on_message(const wire::Frame& frame) override;
    void on_lost() override {}
    wire::Message write_registration(const wire::Login& login, wire::EnvelopeBuffer& out) override;
    bool spoil_handshake() override;

    void step();
    void act();
    void submit(uint64_t id);
    void cancel(uint64_t id);
    void send_garbage();
    void vanish();

    const GamerKind kind_;
    Prng depends_;
    uint32_t tasks_left_;
    uint64_t until_us_ = 0;
    uint64_t pause_us_ = 0;
    uint64_t next_task_ = 0;
    struct Mine {
        DrawnTask drawn;
        uint64_t depends_on = 0;  // also when it is submitted again
        bool answered = false;
    };
    std::map<uint64_t, Mine> mine_;
};

}  // namespace p2c2r::sim
