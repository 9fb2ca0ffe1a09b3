#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "exec/thread.h"

namespace p2c2r::exec {

namespace {

std::atomic<uint64_t> threads_started{0};

class PosixThread final : public Thread {
  public:
    PosixThread(Options options, std::function<void()> body)
        : options_(std::move(options)), body_(std::move(body)) {}
    ~PosixThread() override {
        if (started_) pthread_join(handle_, nullptr);
    }

    int start() {
        pthread_attr_t attributes;
        if (int error = pthread_attr_init(&attributes)) return error;
        if (options_.stack_size > 0) pthread_attr_setstacksize(&attributes, options_.stack_size);
        // The new thread inherits the mask: no signal is ever delivered on it.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        const int error = pthread_create(&handle_, &attributes, &PosixThread::enter, this);
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        pthread_attr_destroy(&attributes);
        started_ = error == 0;
        return error;
    }

  private:
    static void* enter(void* self) {
        PosixThread& thread = *static_cast<PosixThread*>(self);
        pthread_setname_np(pthread_self(), thread.options_.name.substr(0, 15).c_str());
        if (thread.options_.niceness > 0) {
            // On Linux niceness is a property of the thread.
            const auto id = static_cast<id_t>(syscall(SYS_gettid));
            (void)setpriority(PRIO_PROCESS, id, thread.options_.niceness);
        }
        thread.body_();
        return nullptr;
    }

    Options options_;
    std::function<void()> body_;
    pthread_t handle_{};
    bool started_ = false;
};

}  // namespace

Result<std::unique_ptr<Thread>> Thread::start(Options options, std::function<void()> body) {
    const std::string name = options.name;
    auto thread = std::make_unique<PosixThread>(std::move(options), std::move(body));
    if (const int error = thread->start()) {
        return make_error(Status::kMemory,
                          "thread '" + name + "' could not be started: " + std::strerror(error));
    }
    threads_started.fetch_add(1, std::memory_order_relaxed);
    return std::unique_ptr<Thread>(std::move(thread));
}

uint64_t Thread::started() {
    return threads_started.load(std::memory_order_relaxed);
}

unsigned processors() {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        const int count = CPU_COUNT(&set);
        if (count > 0) return static_cast<unsigned>(count);
    }
    return 1;
}

}  // namespace p2c2r::exec
