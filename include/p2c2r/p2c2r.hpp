// p2c2r.hpp - owning handles over p2c2r.h for C++17 and later. Header only, no logic of its own:
// all that the C functions say holds here, and everything else is called as in C.
//
//   auto config = p2c2r::sized<p2c2r_runtime_config>();
//   config.abi_version = P2C2R_ABI_VERSION;
//   p2c2r::Runtime runtime;
//   if (p2c2r_runtime_create(&config, runtime.receive(), &why) != P2C2R_OK) ...
//   p2c2r_client_create(runtime.get(), ..., client.receive(), &why);
//
// Runtime, Client, Peer, Coordinator and Frames are moved, not copied, and destroy what they hold
// when they go; declare a runtime before its roles, so that it goes last. Destroying may wait, so
// they must not go inside a host function. Result and Job count: a copy is one more reference.
#ifndef P2C2R_HPP
#define P2C2R_HPP

#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include "p2c2r.h"

namespace p2c2r {
// A namespace of its own inside, so that these names are not those of the library's own classes
// when it is linked statically.
inline namespace host {

// A growing struct with its size set and all else zero, which means "defaults".
template <class Struct>
Struct sized() noexcept {
    static_assert(std::is_trivial<Struct>::value, "only structs of p2c2r.h");
    Struct value;
    std::memset(&value, 0, sizeof value);
    value.struct_size = sizeof value;
    return value;
}

template <class T, p2c2r_status(P2C2R_CALL* destroy)(T*)>
class Handle {
  public:
    Handle() noexcept = default;
    // Takes over a handle.
    explicit Handle(T* handle) noexcept : handle_(handle) {}
    Handle(Handle&& other) noexcept : handle_(other.release()) {}
    Handle& operator=(Handle&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() { reset(); }

    T* get() const noexcept { return handle_; }
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    // For the `out` of a create function; what was held is destroyed first.
    T** receive() noexcept {
        reset();
        return &handle_;
    }
    // Gives it up; it is the caller's to destroy.
    T* release() noexcept { return std::exchange(handle_, nullptr); }
    void reset(T* handle = nullptr) noexcept {
        T* old = std::exchange(handle_, handle);
        if (old) destroy(old);
    }

  private:
    T* handle_ = nullptr;
};

using Runtime = Handle<p2c2r_runtime, p2c2r_runtime_destroy>;
using Client = Handle<p2c2r_client, p2c2r_client_destroy>;
using Peer = Handle<p2c2r_peer, p2c2r_peer_destroy>;
using Coordinator = Handle<p2c2r_coordinator, p2c2r_coordinator_destroy>;
using Frames = Handle<p2c2r_frames, p2c2r_frames_destroy>;

// Counted handles.
template <class T, class Counting>
class Counted {
  public:
    Counted() noexcept = default;
    // Takes over a reference.
    explicit Counted(T* reference) noexcept : it_(reference) {}
    // One more reference to what the caller keeps its own of.
    static Counted share(T* it) noexcept { return Counted(it ? Counting::retain(it) : nullptr); }
    Counted(const Counted& other) noexcept
        : it_(other.it_ ? Counting::retain(other.it_) : nullptr) {}
    Counted(Counted&& other) noexcept : it_(other.release()) {}
    Counted& operator=(Counted other) noexcept {
        std::swap(it_, other.it_);
        return *this;
    }
    ~Counted() { reset(); }

    T* get() const noexcept { return it_; }
    explicit operator bool() const noexcept { return it_ != nullptr; }
    T** receive() noexcept {
        reset();
        return &it_;
    }
    T* release() noexcept { return std::exchange(it_, nullptr); }
    void reset() noexcept {
        T* old = std::exchange(it_, nullptr);
        if (old) Counting::release(old);
    }

  private:
    T* it_ = nullptr;
};

struct ResultCounting {
    static p2c2r_result* retain(p2c2r_result* it) noexcept { return p2c2r_result_retain(it); }
    static void release(p2c2r_result* it) noexcept { p2c2r_result_release(it); }
};
struct JobCounting {
    static p2c2r_job* retain(p2c2r_job* it) noexcept { return p2c2r_job_retain(it); }
    static void release(p2c2r_job* it) noexcept { p2c2r_job_release(it); }
};
using Result = Counted<p2c2r_result, ResultCounting>;
using Job = Counted<p2c2r_job, JobCounting>;

// The bytes of a result and its fields as JSON; they live as long as the result.
inline std::string_view data_of(const Result& result) noexcept {
    size_t size = 0;
    const void* data = p2c2r_result_data(result.get(), &size);
    return {static_cast<const char*>(data), size};
}
inline std::string_view json_of(const Result& result) noexcept {
    size_t size = 0;
    const void* text = p2c2r_result_fields(result.get(), P2C2R_FORMAT_JSON, &size);
    return {static_cast<const char*>(text), size};
}

}  // namespace host
}  // namespace p2c2r

#endif
