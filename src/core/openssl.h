// For the few files that speak with OpenSSL themselves: its one library context of this library,
// and errors that stay off the host's list.
#pragma once

#include <openssl/err.h>
#include <openssl/types.h>

#include <new>

namespace p2c2r {

// Made at first use and kept until the process ends; no configuration file is read. Throws
// std::bad_alloc.
OSSL_LIB_CTX* openssl_context();

// OpenSSL notes each failure in a list of the thread. That is the host's thread: what we leave
// there it would take for a failure of its own.
struct OwnErrors {
    OwnErrors() { ERR_set_mark(); }
    ~OwnErrors() { ERR_pop_to_mark(); }
    OwnErrors(const OwnErrors&) = delete;
    OwnErrors& operator=(const OwnErrors&) = delete;
};

// For calls whose only way to fail is that memory is short.
template <class T>
T* openssl_need(T* pointer) {
    if (!pointer) throw std::bad_alloc();
    return pointer;
}
inline void openssl_need(int result) {
    if (result != 1) throw std::bad_alloc();
}

// Frees an OpenSSL object by its own function.
template <auto Free>
struct OpensslFree {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};

}  // namespace p2c2r
