// A gamer: a real client that submits, floods, cancels and waits as its kind says.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "roles/client.h"
#include "sim/node.h"

namespace p2c2r::sim {

// One task as a gamer draws it.
struct DrawnTask {
    const char* task_type = kTypeEcho;
    size_t size = 0;
    uint64_t deadline_us = 0;  // 0: the type's
    int8_t priority = 0;
    Circle circle = Circle::kType;
};
DrawnTask draw_task(const Options& options, GamerKind kind, Prng& prng);

class GamerNode final : public Node, private roles::ClientEvents {
  public:
    GamerNode(Stage& stage, Prng prng, uint32_t number, GamerKind kind, uint32_t tasks);
    ~GamerNode() override { destroy(); }

    // Begins to submit; the tasks are spread until `until_us`.
    void play(uint64_t until_us);
    // Submits `count` dwell tasks of a whole cluster at once; `deadline_us` from now.
    void probe(uint32_t count, uint64_t deadline_us, bool must_succeed,
               Circle circle = Circle::kType, const char* task_type = kTypeDwell);
    [[nodiscard]] size_t calls_open() const { return calls_.size(); }

  private:
    void create() override;
    void close() override;
    void destroy() override;

    void on_task_ended(uint64_t task, TaskResult&& result) override;
    void on_task_part(uint64_t task, const roles::TaskPart& part,
                      const TaskResult& result) override;
    void on_client_state(Status status, const std::string& text) override;
    void on_peer_count(uint32_t, uint32_t) override {}
    void on_call_done(uint64_t call, const Error* error, Bytes fields, Bytes data) override;

    void step();
    void submit_one();
    void submit(const DrawnTask& drawn, bool must_succeed);
    void maybe_cancel(uint64_t task);
    // Makes the task's data one of this gamer's contents, changed or not.
    void refer_to_content(TaskSpec& spec, Checkers::Asked& asked, uint64_t token);
    void let_be_cut(TaskSpec& spec, Checkers::Asked& asked);
    void ask();

    const GamerKind kind_;
    const bool by_worth_;
    uint32_t tasks_left_;
    uint64_t until_us_ = 0;
    uint64_t pause_us_ = 0;  // between two steps, on average
    uint64_t next_task_ = 0;
    std::deque<uint64_t> recent_;
    std::map<uint64_t, TaskSpec> specs_;  // the role reads them until their tasks have ended
    std::vector<uint64_t> ended_;         // whose specs are not needed any more
    Prng content_prng_;
    Prng parts_prng_;
    std::map<uint64_t, std::shared_ptr<const Content>> contents_;  // by number
    std::map<uint64_t, uint64_t> calls_;  // asked and not answered, with the time
    bool inside_ = false;                 // submit() runs
    std::unique_ptr<roles::Client> role_;
};

}  // namespace p2c2r::sim
