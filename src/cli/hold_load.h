// `hold` tasks of one client: so many at a time, or so many a second whatever becomes of them, and
// how each went. Everything happens on the thread that runs the client's functions.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "cli/failure.h"

namespace p2c2r::cli {

struct HoldAsk {
    uint64_t hold_us = 20'000;
    uint64_t deadline_us = 5'000'000;
    uint32_t window = 12;  // tasks at the same time, at most
    double rate = 0;       // a second; 0: as the window allows
};

struct HoldEnded {
    uint64_t submitted_us = 0;
    uint64_t ended_us = 0;
    uint64_t started_us = 0;  // where the answer was made; 0: there is none
    int32_t status = P2C2R_PENDING;
    uint32_t attempts = 0;
    std::string peer_id;

    [[nodiscard]] uint64_t took_us() const { return ended_us - submitted_us; }
};

class HoldLoad {
  public:
    HoldLoad(p2c2r_client* client, const HoldAsk& ask) : client_(client) { change(ask); }
    // What is still in flight is forgotten: nobody may be told of it any more.
    ~HoldLoad();
    HoldLoad(const HoldLoad&) = delete;
    HoldLoad& operator=(const HoldLoad&) = delete;

    // From now on.
    void change(const HoldAsk& ask);
    // Submits what is due. What the client itself refuses with E_BUSY has ended by that.
    Outcome refill();
    // Until refill() has something to do, if nothing ends; UINT64_MAX: never.
    [[nodiscard]] uint64_t due_in_us(uint64_t now_us) const;
    void stop() { stopping_ = true; }
    [[nodiscard]] bool empty() const { return flights_.empty(); }
    // The submission time of the oldest task in flight; UINT64_MAX: none.
    [[nodiscard]] uint64_t oldest_us() const {
        return flights_.empty() ? UINT64_MAX : flights_.front().submitted_us;
    }

    std::vector<HoldEnded> ended;  // the caller empties it
    uint64_t succeeded = 0;
    uint64_t lost = 0;  // ended in any other way
    std::string last_error;

  private:
    struct Flight {
        HoldLoad* load;
        uint64_t submitted_us;
        p2c2r_task task;
        std::list<Flight>::iterator self;
    };
    Outcome submit(uint64_t now_us);
    static void P2C2R_CALL on_done(void* user, p2c2r_task task, p2c2r_result* result);

    p2c2r_client* const client_;
    HoldAsk ask_;
    uint64_t due_us_ = 0;  // with a rate: of the next one
    std::list<Flight> flights_;
    bool stopping_ = false;
};

// Of those that succeeded; and how many did so within their deadline.
std::vector<uint64_t> times_of(const std::vector<HoldEnded>& ended);
uint64_t in_time(const std::vector<HoldEnded>& ended, uint64_t deadline_us);

}  // namespace p2c2r::cli
