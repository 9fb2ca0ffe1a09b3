// Children of the program: benches and the demonstration run the roles as processes of their own,
// by starting this very program again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/failure.h"

namespace p2c2r::cli {

// The path of the running program.
std::string own_path();

// The environment of this process as NAME=VALUE entries.
std::vector<std::string> process_environment();

// Open descriptors and the like are the child's only as said here. Ends (SIGKILL) with its object.
class Process {
  public:
    struct Options {
        std::string error_file;   // standard error goes there, appended; "": as ours
        std::string output_file;  // standard output goes there; "": into a pipe, see read_line
        std::vector<std::string> environment;  // NAME=VALUE, added to ours
        std::string without;                   // names of ours that start so are left out; "": none
        bool ends_with_us = false;             // its standard input is a pipe that we hold open
        int nice = 0;  // lower priority for load that must not disturb the measured part
    };

    static Result<Process> start(const std::string& program,
                                 const std::vector<std::string>& arguments, const Options& options);
    Process() = default;
    ~Process();
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;

    [[nodiscard]] bool running();  // false also once it was waited for
    [[nodiscard]] int id() const { return id_; }

    // The next line of its standard output without the line end; fails when it ends or time is
    // over.
    Result<std::string> read_line(uint64_t timeout_us);
    // As read_line, until one starts with `start`; gives the rest of that line.
    Result<std::string> read_line_with(std::string_view start, uint64_t timeout_us);

    void signal(int number);
    void ask_to_stop();  // SIGTERM; does not wait
    void close_input();  // with ends_with_us: what our own end would mean to it
    void kill_now();     // SIGKILL; does not wait
    // Its exit code, 128 + the signal that ended it, or -1: it still runs after timeout_us.
    int wait(uint64_t timeout_us);
    // SIGTERM, then SIGKILL when it has not ended after timeout_us; its exit code as wait.
    int stop(uint64_t timeout_us);

  private:
    int collect(bool block);

    int id_ = -1;
    int output_ = -1;
    int input_ = -1;
    int exit_code_ = -1;
    bool ended_ = true;
    std::string buffered_;
};

}  // namespace p2c2r::cli
