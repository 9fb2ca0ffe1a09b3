// Resolver: looks host names up on one thread of its own, so that nothing waits on the loop and no
// thread is left when it is destroyed.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/loop.h"
#include "net/socket.h"

namespace p2c2r::net {

class Resolver {
  public:
    using Done = std::function<void(std::vector<Address> addresses, const std::string& why)>;
    using ThreadHook = std::function<void(const char* name, bool starts)>;

    Resolver(Loop& loop, ThreadHook hook) : loop_(loop), hook_(std::move(hook)) {}
    ~Resolver();  // waits for the look-up that runs just now, if any

    // Calls `done` once, in a later turn, with at least one address or why there is none. 0: the
    // thread could not be started, and `done` is not called.
    uint64_t look_up(const std::string& host, uint32_t port, Done done);
    // `done` of this look-up is not called any more.
    void cancel(uint64_t id) { waiting_.erase(id); }

  private:
    struct Question {
        uint64_t id = 0;
        std::string host;
        uint32_t port = 0;
    };
    struct Answer {
        uint64_t id = 0;
        std::vector<Address> addresses;
        std::string why;
    };
    void thread_main();
    void deliver();

    Loop& loop_;
    ThreadHook hook_;
    std::map<uint64_t, Done> waiting_;  // loop thread only
    uint64_t last_id_ = 0;

    std::mutex mutex_;  // guards the three below
    std::deque<Question> questions_;
    std::vector<Answer> answers_;
    bool stopping_ = false;
    std::condition_variable asked_;
    // Posted work may run after this object is gone: it holds the one and asks the other.
    std::shared_ptr<Resolver*> self_;
    std::thread thread_;
};

}  // namespace p2c2r::net
