// The edge of the library: every exported function runs inside boundary(), where exceptions become
// statuses, and tells through fail() what went wrong.
#pragma once

#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

#include "core/status.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::capi {

// Fills `why` (which may be NULL) and gives the number of the status. Texts are cut at a character.
p2c2r_status fail(p2c2r_error* why, Status status, std::string_view field, std::string_view text,
                  uint32_t retry_after_ms = 0) noexcept;
p2c2r_status fail(p2c2r_error* why, const Error& error) noexcept;
// With the status's own sentence.
p2c2r_status fail(p2c2r_error* why, Status status) noexcept;

// What is being thrown, as a status; only inside a catch block.
p2c2r_status fail_thrown(p2c2r_error* why) noexcept;
Status thrown_status() noexcept;

inline constexpr p2c2r_status number_of(Status status) {
    return static_cast<p2c2r_status>(status);
}

template <class Body>
p2c2r_status boundary(p2c2r_error* why, Body&& body) noexcept {
    try {
        return std::forward<Body>(body)();
    } catch (...) {
        return fail_thrown(why);
    }
}

}  // namespace p2c2r::capi
