// Plain data of a thread: nothing is constructed or destroyed with a thread. It is few enough bytes
// to lie in the block that every thread has from its start, which makes its place known without a
// call.
#pragma once

#if defined(__ELF__)
#define P2C2R_THREAD_NUMBER __attribute__((tls_model("initial-exec"))) constinit thread_local
#else
#define P2C2R_THREAD_NUMBER constinit thread_local
#endif
