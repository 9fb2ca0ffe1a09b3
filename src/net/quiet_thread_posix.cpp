#include <csignal>

#include "net/quiet_thread.h"

namespace p2c2r::net {

struct SignalsBlocked::Mask {
    sigset_t signals;
};

SignalsBlocked::SignalsBlocked() : before_(std::make_unique<Mask>()) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_->signals);
}

SignalsBlocked::~SignalsBlocked() {
    pthread_sigmask(SIG_SETMASK, &before_->signals, nullptr);
}

}  // namespace p2c2r::net
