// P2C2R_CHECK: for what only our own code can get wrong. It stays on in release builds; bad input
// from outside is a Status and never a CHECK.
#pragma once

namespace p2c2r {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace p2c2r

#define P2C2R_CHECK(condition) \
    ((condition) ? (void)0 : ::p2c2r::check_failed(#condition, __FILE__, __LINE__))
