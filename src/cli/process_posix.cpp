#include "cli/process_posix.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

extern char** environ;

namespace p2c2r::cli {

namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> list;
    list.reserve(texts.size() + 1);
    for (std::string& text : texts) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& added,
                                            const std::string& without) {
    std::vector<std::string> merged = added;
    for (const std::string& text : process_environment()) {
        const std::string_view name(text.data(), text.find('=') + 1);
        bool replaced = !without.empty() && text.starts_with(without);
        for (const std::string& other : added) replaced = replaced || other.starts_with(name);
        if (!replaced) merged.push_back(text);
    }
    return merged;
}

}  // namespace

std::string own_path() {
    char path[PATH_MAX];
    const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
    return size > 0 ? std::string(path, static_cast<size_t>(size)) : std::string();
}

std::vector<std::string> process_environment() {
    std::vector<std::string> entries;
    for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
    return entries;
}

Result<Process> Process::start(const std::string& program,
                               const std::vector<std::string>& arguments, const Options& options) {
    std::vector<std::string> argument_texts = {program};
    argument_texts.insert(argument_texts.end(), arguments.begin(), arguments.end());
    std::vector<std::string> environment_texts =
        merged_environment(options.environment, options.without);

    int ends[2] = {-1, -1};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    int input[2] = {-1, -1};
    if (options.ends_with_us && pipe2(input, O_CLOEXEC) == 0) {
        posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
    } else {
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    if (!options.output_file.empty()) {
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, options.output_file.c_str(),
                                         O_WRONLY | O_CREAT | O_TRUNC, 0644);
    } else if (pipe2(ends, O_CLOEXEC) == 0) {
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    }
    if (!options.error_file.empty()) {
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, options.error_file.c_str(),
                                         O_WRONLY | O_CREAT | O_APPEND, 0644);
    }
    // A child starts with the default signals, whatever this process does with them.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    for (const int number : {SIGINT, SIGTERM, SIGPIPE}) sigaddset(&defaults, number);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    pid_t id = -1;
    const int error =
        posix_spawn(&id, program.c_str(), &actions, &attributes, pointers(argument_texts).data(),
                    pointers(environment_texts).data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (ends[1] >= 0) close(ends[1]);
    if (input[0] >= 0) close(input[0]);
    if (error != 0) {
        if (ends[0] >= 0) close(ends[0]);
        if (input[1] >= 0) close(input[1]);
        return Failure{kExitSomeFailed, "cannot start " + program + ": " + std::strerror(error)};
    }
    if (options.nice != 0) setpriority(PRIO_PROCESS, static_cast<id_t>(id), options.nice);
    Process process;
    process.id_ = id;
    process.output_ = ends[0];
    process.input_ = input[1];
    process.ended_ = false;
    return process;
}

Process::Process(Process&& other) noexcept {
    *this = std::move(other);
}

Process& Process::operator=(Process&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(output_, other.output_);
    std::swap(input_, other.input_);
    std::swap(exit_code_, other.exit_code_);
    std::swap(ended_, other.ended_);
    std::swap(buffered_, other.buffered_);
    return *this;
}

Process::~Process() {
    if (!ended_) {
        kill_now();
        collect(true);
    }
    if (output_ >= 0) close(output_);
    if (input_ >= 0) close(input_);
}

int Process::collect(bool block) {
    if (ended_) return exit_code_;
    int status = 0;
    pid_t got;
    do {
        got = waitpid(id_, &status, block ? 0 : WNOHANG);
    } while (got < 0 && errno == EINTR);
    if (got == 0) return -1;
    ended_ = true;
    if (got == id_) exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return exit_code_;
}

bool Process::running() {
    collect(false);
    return !ended_;
}

Result<std::string> Process::read_line(uint64_t timeout_us) {
    const uint64_t until_us = p2c2r_now_us() + timeout_us;
    for (;;) {
        const size_t end = buffered_.find('\n');
        if (end != std::string::npos) {
            std::string line = buffered_.substr(0, end);
            buffered_.erase(0, end + 1);
            return line;
        }
        const uint64_t now_us = p2c2r_now_us();
        const uint64_t left_us = until_us > now_us ? until_us - now_us : 0;
        pollfd watched = {output_, POLLIN, 0};
        const int ready = poll(&watched, 1, static_cast<int>(left_us / 1000));
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0) return Failure{kExitSomeFailed, "no line in the time allowed"};
        char block[4096];
        const ssize_t got = read(output_, block, sizeof block);
        if (got <= 0) {
            return Failure{kExitSomeFailed,
                           "ended with exit code " + std::to_string(collect(true))};
        }
        buffered_.append(block, static_cast<size_t>(got));
    }
}

Result<std::string> Process::read_line_with(std::string_view start, uint64_t timeout_us) {
    const uint64_t until_us = p2c2r_now_us() + timeout_us;
    for (;;) {
        const uint64_t now_us = p2c2r_now_us();
        Result<std::string> line = read_line(until_us > now_us ? until_us - now_us : 0);
        if (!line) return line;
        if (line->starts_with(start)) return line->substr(start.size());
    }
}

void Process::signal(int number) {
    if (running()) ::kill(id_, number);
}

void Process::ask_to_stop() {
    signal(SIGTERM);
}

void Process::close_input() {
    if (input_ >= 0) close(input_);
    input_ = -1;
}

void Process::kill_now() {
    if (!ended_) ::kill(id_, SIGKILL);
}

int Process::wait(uint64_t timeout_us) {
    if (ended_) return exit_code_;
    // A descriptor of the process becomes readable at its end: no polling with a period.
    const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, id_, 0));
    if (descriptor >= 0) {
        pollfd watched = {descriptor, POLLIN, 0};
        const uint64_t until_us = p2c2r_now_us() + timeout_us;
        for (;;) {
            const uint64_t now_us = p2c2r_now_us();
            const uint64_t left_us = until_us > now_us ? until_us - now_us : 0;
            if (poll(&watched, 1, static_cast<int>(left_us / 1000)) >= 0 || errno != EINTR) break;
        }
        close(descriptor);
    }
    return collect(descriptor < 0);
}

int Process::stop(uint64_t timeout_us) {
    ask_to_stop();
    if (wait(timeout_us) < 0 && !ended_) {
        kill_now();
        collect(true);
    }
    return exit_code_;
}

}  // namespace p2c2r::cli
