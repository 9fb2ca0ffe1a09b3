// Status codes and Result<T>: how every room says that something did not work.
// The numbers are those of the C ABI (include/p2c2r/p2c2r.h) and of the wire; they are never reused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/check.h"

namespace p2c2r {

enum class Status : int32_t {
    kOk = 0,
    kPending = 1,
    kArgument = -1,
    kState = -2,
    kStale = -3,
    kVersion = -4,
    kMemory = -5,
    kAgain = -6,
    kBusy = -7,
    kTimeout = -8,
    kDeadline = -9,
    kCancelled = -10,
    kDisconnected = -11,
    kClosed = -12,
    kAuth = -13,
    kDenied = -14,
    kTaskType = -15,
    kParams = -16,
    kLimit = -17,
    kSize = -18,
    kDisputed = -19,
    kExecutor = -20,
    kDevice = -21,
    kNoDevice = -22,
    kSandbox = -23,
    kContent = -24,
    kKernel = -25,
    kIo = -26,
    kExists = -27,
    kUnsupported = -28,
    kProtocol = -29,
    kInternal = -30,
};

inline constexpr int32_t kStatusLowest = -30;

// "OK", "PENDING", "E_BUSY"; "E_UNKNOWN" for a number that is not in the list. Static text.
const char* status_name(Status status);
// One plain sentence without a full stop. Static text.
const char* status_text(Status status);
// True for a number that is in the list.
bool is_known_status(int32_t number);

// What went wrong, which field it was about and, for refusals that pass, when to try again.
struct Error {
    Status status = Status::kInternal;
    std::string field;  // empty, or the parameter's name as the caller wrote it
    std::string text;   // what, which and how much
    uint32_t retry_after_ms = 0;
};

[[nodiscard]] inline Error make_error(Status status, std::string text) {
    return Error{status, {}, std::move(text), 0};
}

[[nodiscard]] inline Error field_error(Status status, std::string field, std::string text) {
    return Error{status, std::move(field), std::move(text), 0};
}

// A value or an Error.
template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& value() {
        P2C2R_CHECK(ok());
        return *std::get_if<0>(&state_);
    }
    const T& value() const {
        P2C2R_CHECK(ok());
        return *std::get_if<0>(&state_);
    }
    T& operator*() { return value(); }
    const T& operator*() const { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    Error& error() {
        P2C2R_CHECK(!ok());
        return *std::get_if<1>(&state_);
    }
    const Error& error() const {
        P2C2R_CHECK(!ok());
        return *std::get_if<1>(&state_);
    }

  private:
    std::variant<T, Error> state_;
};

// Success without a value.
struct Done {};

}  // namespace p2c2r
