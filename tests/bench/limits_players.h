// Gamers of a World who keep tasks of the type "dwell" on their way, over the public C ABI.
#pragma once

#include <p2c2r/p2c2r.h>

#include <cstring>
#include <memory>
#include <vector>

#include "limits_world.h"

namespace bench {

// One gamer, in a runtime that is polled: everything happens on the caller's thread.
class Player {
  public:
    // `input` begins with how long a task takes; it MUST stay.
    Player(World& world, p2c2r_runtime* runtime, const std::vector<uint8_t>& input,
           unsigned in_flight)
        : input_(input), in_flight_(in_flight) {
        p2c2r_client_config config = {};
        config.struct_size = sizeof config;
        config.coordinator_url = world.url.c_str();
        config.credentials = world.credentials;
        p2c2r_error why = {};
        p2c2r_status status = p2c2r_client_create(runtime, &config, &client_, &why);
        if (status != P2C2R_OK) fail("client", status, why);
        status = p2c2r_client_connect(client_, 10000, &why);
        if (status != P2C2R_OK) fail("connect", status, why);
    }
    ~Player() { p2c2r_client_destroy(client_); }
    Player(const Player&) = delete;
    Player& operator=(const Player&) = delete;

    [[nodiscard]] bool sees_peers() const {
        p2c2r_client_stats stats = {};
        stats.struct_size = sizeof stats;
        p2c2r_client_stats_get(client_, &stats);
        return stats.peers_available > 0;
    }
    // From now on, with counters from 0; what ends after `until_us` is not followed by another.
    void begin(uint64_t until_us) {
        latencies = {};
        done = busy = late = errors = 0;
        until_us_ = until_us;
        again_us_ = 0;
        fill();
    }
    // Those who were told BUSY come again when they were told to.
    void fill() {
        const uint64_t now = p2c2r_now_us();
        while (pending_ < in_flight_ && now < until_us_ && now >= again_us_ && submit()) {
        }
    }
    [[nodiscard]] unsigned pending() const { return pending_; }

    LatencyHistogram latencies;
    uint64_t done = 0;
    uint64_t busy = 0;
    uint64_t late = 0;  // at the deadline
    uint64_t errors = 0;

  private:
    struct Task {
        Player* player;
        uint64_t started_ns;
    };
    bool submit() {
        // Lent: a task costs this process no memory.
        const p2c2r_bytes data = {input_.data(), input_.size(), [](void*, const void*, size_t) {},
                                  nullptr};
        auto task = std::make_unique<Task>(Task{this, now_ns()});
        p2c2r_task_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.task_type = "dwell";
        desc.data = &data;
        desc.place = P2C2R_PLACE_REMOTE;
        desc.done = ended;
        desc.user = task.get();
        p2c2r_task id = 0;
        p2c2r_error why = {};
        const p2c2r_status status = p2c2r_client_submit(client_, &desc, &id, &why);
        if (status != P2C2R_OK) {
            refused(status, why.retry_after_ms);
            return false;
        }
        (void)task.release();  // ended() has it
        ++pending_;
        return true;
    }
    void refused(p2c2r_status status, uint32_t retry_after_ms) {
        ++(status == P2C2R_E_BUSY ? busy : status == P2C2R_E_DEADLINE ? late : errors);
        again_us_ = p2c2r_now_us() + 1000ull * retry_after_ms;
    }
    static void P2C2R_CALL ended(void* user, p2c2r_task, p2c2r_result* result) {
        const std::unique_ptr<Task> task(static_cast<Task*>(user));
        Player& player = *task->player;
        --player.pending_;
        const p2c2r_status status = p2c2r_result_status(result);
        if (status == P2C2R_OK) {
            ++player.done;
        } else {
            p2c2r_result_info info = {};
            info.struct_size = sizeof info;
            p2c2r_result_info_get(result, &info);
            player.refused(status, info.retry_after_ms);
        }
        p2c2r_result_release(result);
        player.latencies.add(now_ns() - task->started_ns);
        player.fill();
    }

    const std::vector<uint8_t>& input_;
    const unsigned in_flight_;
    p2c2r_client* client_ = nullptr;
    uint64_t until_us_ = 0;
    uint64_t again_us_ = 0;
    unsigned pending_ = 0;
};

inline std::vector<uint8_t> dwell_input(uint32_t us, size_t size) {
    std::vector<uint8_t> input(size);
    std::memcpy(input.data(), &us, sizeof us);
    return input;
}

// p99 in ms of tasks that take 5 ms, eight at a time.
inline double play(World& world, double secs, uint64_t& errors) {
    p2c2r_runtime* runtime = make_runtime(P2C2R_RUN_MANUAL, P2C2R_NONE);
    const std::vector<uint8_t> input = dwell_input(5000, sizeof(uint32_t));
    double p99 = 0;
    {
        Player player(world, runtime, input, 8);
        for (int turns = 0; !player.sees_peers() && turns < 500; ++turns) {
            p2c2r_runtime_poll(runtime, 10);
        }
        // A little first, for what is learned.
        for (const double part : {0.5, secs}) {
            player.begin(p2c2r_now_us() + static_cast<uint64_t>(part * 1e6));
            while (player.pending() > 0) p2c2r_runtime_poll(runtime, 20);
            errors += player.errors + player.busy + player.late;
        }
        p99 = player.latencies.quantile_ns(0.99) / 1e6;
    }
    p2c2r_runtime_destroy(runtime);
    return p99;
}

struct Offered {
    uint64_t done = 0;
    uint64_t busy = 0;
    uint64_t late = 0;
    uint64_t errors = 0;
};
// So many gamers keep as many tasks of `size` bytes on their way as they can; each takes 20 ms.
inline Offered offer(World& world, unsigned gamers, unsigned in_flight, size_t size, double secs) {
    p2c2r_runtime* runtime =
        make_runtime(P2C2R_RUN_MANUAL, P2C2R_NONE, 2ull * gamers * in_flight * size);
    const std::vector<uint8_t> input = dwell_input(20'000, size);
    Offered offered;
    {
        std::vector<std::unique_ptr<Player>> players;
        while (players.size() < gamers) {
            players.push_back(std::make_unique<Player>(world, runtime, input, in_flight));
        }
        for (int turns = 0; !players.back()->sees_peers() && turns < 500; ++turns) {
            p2c2r_runtime_poll(runtime, 10);
        }
        const uint64_t until_us = p2c2r_now_us() + static_cast<uint64_t>(secs * 1e6);
        for (const auto& player : players) player->begin(until_us);
        const auto is_pending = [](const auto& player) { return player->pending() > 0; };
        while (p2c2r_now_us() < until_us ||
               std::any_of(players.begin(), players.end(), is_pending)) {
            p2c2r_runtime_poll(runtime, 5);
            for (const auto& player : players) player->fill();
        }
        for (const auto& player : players) {
            offered.done += player->done;
            offered.busy += player->busy;
            offered.late += player->late;
            offered.errors += player->errors;
        }
    }
    p2c2r_runtime_destroy(runtime);
    return offered;
}

}  // namespace bench
