// How commands of the program fail: an exit code that is part of the contract, and one sentence
// that says what, which and how much.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "p2c2r/p2c2r.h"

namespace p2c2r::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitSomeFailed = 1;
inline constexpr int kExitUsage = 2;        // and a file that was named or kept and cannot be used
inline constexpr int kExitUnreachable = 3;  // no coordinator, or no device

struct Failure {
    int exit_code = kExitSomeFailed;
    std::string text;
};

inline Failure usage_failure(std::string text) {
    return {kExitUsage, std::move(text)};
}

// "'output_res': width 0 is below 1", of a task: the params are those of whoever runs the program.
std::string sentence(const p2c2r_error& error);
// "E_LIMIT: --port: 70000 is above 65535", of what roles were made with: options, not fields.
std::string describe(const p2c2r_error& error);
// With the exit code, unless it is about a file that the program was given: then kExitUsage.
Failure library_failure(int exit_code, const std::string& what, const p2c2r_error& error);
// The same of a call by its name: "making a join code: E_DENIED: that is for the operator".
Failure call_failure(int exit_code, const char* call, const p2c2r_error& error);

template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::move(value)) {}            // NOLINT: converts on purpose
    Result(Failure failure) : state_(std::move(failure)) {}  // NOLINT: converts on purpose

    explicit operator bool() const { return state_.index() == 0; }
    T& operator*() { return std::get<0>(state_); }
    const T& operator*() const { return std::get<0>(state_); }
    T* operator->() { return &std::get<0>(state_); }
    const T* operator->() const { return &std::get<0>(state_); }
    [[nodiscard]] const Failure& failure() const { return std::get<1>(state_); }

  private:
    std::variant<T, Failure> state_;
};

// Nothing, or why not.
using Outcome = std::optional<Failure>;

// Prints "p2c2r COMMAND: text" on standard error and returns the exit code.
int report(const char* command, const Failure& failure);

}  // namespace p2c2r::cli
