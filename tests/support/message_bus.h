// A message bus of a test's own, with a service on it that is called NetworkManager. Needs
// dbus-daemon.
#pragma once

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace p2c2r::test {

// A bus of its own, gone with the object.
class MessageBus {
  public:
    MessageBus() {
        pipe_ = popen(
            "echo $$; exec dbus-daemon --session --nofork --nopidfile --print-address=1 2>&1", "r");
        if (!pipe_) return;
        id_ = std::strtol(line().c_str(), nullptr, 10);
        const std::string address = line();
        if (address.starts_with("unix:")) address_ = address;
    }
    ~MessageBus() {
        stop();
        if (pipe_) pclose(pipe_);
    }
    MessageBus(const MessageBus&) = delete;
    MessageBus& operator=(const MessageBus&) = delete;

    void stop() {
        if (id_ > 1) kill(static_cast<pid_t>(id_), SIGKILL);
        id_ = -1;
    }
    [[nodiscard]] const std::string& address() const { return address_; }  // "": there is none

  private:
    std::string line() {
        char text[512] = "";
        if (!std::fgets(text, sizeof text, pipe_)) return {};
        text[std::strcspn(text, "\n")] = '\0';
        return text;
    }
    FILE* pipe_ = nullptr;
    long id_ = -1;
    std::string address_;
};

// The service: answers each Get with a variant of this type and value, as long as it lives.
class NetworkManagerService {
  public:
    NetworkManagerService(const std::string& bus, int type, uint32_t value)
        : type_(type), value_(value) {
        library_ = dlopen("libdbus-1.so.3", RTLD_NOW);
        REQUIRE(library_);
        connection_ =
            f<void* (*)(const char*, void*)>("dbus_connection_open_private")(bus.c_str(), nullptr);
        REQUIRE(connection_);
        REQUIRE(f<int (*)(void*, void*)>("dbus_bus_register")(connection_, nullptr));
        constexpr int kPrimaryOwner = 1;
        REQUIRE(f<int (*)(void*, const char*, unsigned, void*)>("dbus_bus_request_name")(
                    connection_, "org.freedesktop.NetworkManager", 0, nullptr) == kPrimaryOwner);
        thread_ = std::thread([this] { serve(); });
    }
    ~NetworkManagerService() {
        stop_ = true;
        thread_.join();
        f<void (*)(void*)>("dbus_connection_close")(connection_);
        f<void (*)(void*)>("dbus_connection_unref")(connection_);
    }
    NetworkManagerService(const NetworkManagerService&) = delete;
    NetworkManagerService& operator=(const NetworkManagerService&) = delete;

    std::atomic<bool> answers{true};

  private:
    template <class Function>
    Function f(const char* name) {
        void* const symbol = dlsym(library_, name);
        REQUIRE(symbol);
        Function found;
        std::memcpy(&found, &symbol, sizeof found);
        return found;
    }
    void serve() {
        const auto read = f<unsigned (*)(void*, int)>("dbus_connection_read_write");
        const auto pop = f<void* (*)(void*)>("dbus_connection_pop_message");
        const auto is_call =
            f<unsigned (*)(void*, const char*, const char*)>("dbus_message_is_method_call");
        const auto unref = f<void (*)(void*)>("dbus_message_unref");
        while (!stop_) {
            if (!read(connection_, 10)) return;
            while (void* const message = pop(connection_)) {
                if (answers && is_call(message, "org.freedesktop.DBus.Properties", "Get")) {
                    answer(message);
                }
                unref(message);
            }
        }
    }
    void answer(void* call) {
        void* const reply = f<void* (*)(void*)>("dbus_message_new_method_return")(call);
        alignas(8) unsigned char outer[128] = {};
        alignas(8) unsigned char inner[128] = {};
        f<void (*)(void*, void*)>("dbus_message_iter_init_append")(reply, outer);
        const char signature[2] = {static_cast<char>(type_), '\0'};
        f<unsigned (*)(void*, int, const char*, void*)>("dbus_message_iter_open_container")(
            outer, 'v', signature, inner);
        f<unsigned (*)(void*, int, const void*)>("dbus_message_iter_append_basic")(inner, type_,
                                                                                   &value_);
        f<unsigned (*)(void*, void*)>("dbus_message_iter_close_container")(outer, inner);
        f<unsigned (*)(void*, void*, uint32_t*)>("dbus_connection_send")(connection_, reply,
                                                                         nullptr);
        f<void (*)(void*)>("dbus_connection_flush")(connection_);
        f<void (*)(void*)>("dbus_message_unref")(reply);
    }

    void* library_ = nullptr;
    void* connection_ = nullptr;
    const int type_;
    const uint32_t value_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace p2c2r::test
