// Threads of a library in somebody else's process take no signals.
#pragma once

#include <memory>

namespace p2c2r::net {

// While it lives, the calling thread has all signals blocked; threads started meanwhile keep that.
class SignalsBlocked {
  public:
    SignalsBlocked();
    ~SignalsBlocked();
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    struct Mask;
    std::unique_ptr<Mask> before_;
};

}  // namespace p2c2r::net
