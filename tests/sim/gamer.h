// A gamer: a real client that submits, floods, cancels and waits as its kind says.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
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
    bool stays = false;    // its result
    bool goes_on = false;  // from what stayed last
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

    // In a whole and quiet cluster (gamer_residents.cpp). A chain of stages, each of which goes on
    // from what the one before it made, and whose results all stay.
    void begin_chain();
    [[nodiscard]] bool is_chain_done() const { return chain_left_ == 0; }
    // Asks for the bytes of all that stayed of the chain, of which the last `gone` are gone.
    void ask_for_chain(size_t gone);
    void let_last_go();
    [[nodiscard]] size_t chain_size() const { return chain_.size(); }

  private:
    // A result that stayed.
    struct Resident {
        std::shared_ptr<const Content> content;
        Origin made;
        uint64_t made_by = 0;  // the execution
        bool is_put = false;
    };
    // A named call that has not been answered.
    struct Call {
        std::optional<Origin> bytes;  // of such a result, if it asks for one's
        Checkers::Expected expected = Checkers::Expected::kEither;
    };
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
    static void change_head(TaskSpec& spec, Checkers::Asked& asked, uint64_t token);
    void let_be_cut(TaskSpec& spec, Checkers::Asked& asked);
    void ask();
    // gamer_residents.cpp
    void draw_stage(DrawnTask& drawn);
    void go_on_from(const Resident& before, TaskSpec& spec, Checkers::Asked& asked, uint64_t token);
    void stage_ended(uint64_t task, const TaskResult& result);
    void keep(Resident&& made);
    void play_with_residents();
    void ask_for_bytes(const Resident& one, Checkers::Expected expected, uint64_t timeout_us);
    void let_go(const Resident& one);
    void submit_stage();

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
    Prng resident_prng_;
    std::deque<Resident> residents_;      // the last ones
    std::map<uint64_t, Origin> staying_;  // by task that has not ended: what is to stay of it
    // Of the last chain: also of a process that is gone.
    std::vector<Resident> chain_;
    uint32_t chain_left_ = 0;
    uint64_t chain_task_ = 0;
    std::map<uint64_t, Call> calls_;
    bool inside_ = false;  // submit() runs
    std::unique_ptr<roles::Client> role_;
};

}  // namespace p2c2r::sim
