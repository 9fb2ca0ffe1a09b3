// NetworkManager over D-Bus, through libdbus. Only what is needed is declared here: no header of it
// has to be there.
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>

#include "owner/sensors.h"

namespace p2c2r::owner {

namespace {

constexpr int kAnswerMs = 100;

// ---- libdbus, as its ABI has been since 1.4 -----------------------------------------------------

struct BusConnection;
struct BusMessage;
struct BusError {
    const char* name = nullptr;
    const char* message = nullptr;
    unsigned bits = 1;
    void* unused = nullptr;
};
// Of 72 bytes.
struct alignas(8) BusIterator {
    unsigned char memory[128] = {};
};
constexpr int kTypeString = 's';
constexpr int kTypeUint32 = 'u';
constexpr int kTypeVariant = 'v';

struct Libdbus {
    BusConnection* (*open)(const char*, BusError*) = nullptr;
    void (*close)(BusConnection*) = nullptr;
    void (*unref)(BusConnection*) = nullptr;
    unsigned (*is_connected)(BusConnection*) = nullptr;
    void (*change_sigpipe)(unsigned) = nullptr;
    void (*error_init)(BusError*) = nullptr;
    void (*error_free)(BusError*) = nullptr;
    BusMessage* (*new_call)(const char*, const char*, const char*, const char*) = nullptr;
    void (*message_unref)(BusMessage*) = nullptr;
    BusMessage* (*ask)(BusConnection*, BusMessage*, int, BusError*) = nullptr;
    void (*begin_append)(BusMessage*, BusIterator*) = nullptr;
    unsigned (*append)(BusIterator*, int, const void*) = nullptr;
    unsigned (*begin)(BusMessage*, BusIterator*) = nullptr;
    int (*type)(BusIterator*) = nullptr;
    void (*enter)(BusIterator*, BusIterator*) = nullptr;
    void (*get)(BusIterator*, void*) = nullptr;

    bool load() {
        void* const library = ::dlopen("libdbus-1.so.3", RTLD_NOW | RTLD_LOCAL);
        if (!library) return false;
        const auto find = [&](auto& function, const char* name) {
            void* const symbol = ::dlsym(library, name);
            std::memcpy(&function, &symbol, sizeof function);
            return symbol != nullptr;
        };
        // The library stays: others of the process may have opened it meanwhile.
        return find(open, "dbus_connection_open_private") && find(close, "dbus_connection_close") &&
               find(unref, "dbus_connection_unref") &&
               find(is_connected, "dbus_connection_get_is_connected") &&
               find(change_sigpipe, "dbus_connection_set_change_sigpipe") &&
               find(error_init, "dbus_error_init") && find(error_free, "dbus_error_free") &&
               find(new_call, "dbus_message_new_method_call") &&
               find(message_unref, "dbus_message_unref") &&
               find(ask, "dbus_connection_send_with_reply_and_block") &&
               find(begin_append, "dbus_message_iter_init_append") &&
               find(append, "dbus_message_iter_append_basic") &&
               find(begin, "dbus_message_iter_init") &&
               find(type, "dbus_message_iter_get_arg_type") &&
               find(enter, "dbus_message_iter_recurse") && find(get, "dbus_message_iter_get_basic");
    }
};

// ---- the service --------------------------------------------------------------------------------

class NetworkManager final : public Network {
  public:
    explicit NetworkManager(const std::string& bus) {
        if (!bus_.load()) return;
        // The library would have the whole process ignore it; it writes without it as well.
        bus_.change_sigpipe(0);
        BusError error;
        bus_.error_init(&error);
        connection_ = bus_.open(bus.c_str(), &error);
        bus_.error_free(&error);
        if (connection_ && !ask("org.freedesktop.DBus", "/org/freedesktop/DBus",
                                "org.freedesktop.DBus", "Hello", {}, nullptr)) {
            close();
        }
    }
    ~NetworkManager() override { close(); }
    NetworkManager(const NetworkManager&) = delete;
    NetworkManager& operator=(const NetworkManager&) = delete;

    Metered read() override {
        uint32_t word = 0;
        if (!connection_ || !bus_.is_connected(connection_) ||
            !ask("org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager",
                 "org.freedesktop.DBus.Properties", "Get",
                 {"org.freedesktop.NetworkManager", "Metered"}, &word)) {
            return Metered::kNotTold;
        }
        switch (word) {  // NMMetered
            case 1:
            case 3:  // a guess
                return Metered::kYes;
            case 2:
            case 4:  // a guess
                return Metered::kNo;
            default:
                return Metered::kNotTold;
        }
    }

  private:
    void close() {
        if (!connection_) return;
        bus_.close(connection_);
        bus_.unref(connection_);
        connection_ = nullptr;
    }

    // `out`: the number in the variant that comes. False: an error, no answer, or none of this
    // form.
    bool ask(const char* service, const char* path, const char* interface, const char* method,
             std::initializer_list<const char*> texts, uint32_t* out) {
        BusMessage* const call = bus_.new_call(service, path, interface, method);
        if (!call) return false;
        BusIterator arguments;
        bus_.begin_append(call, &arguments);
        bool good = true;
        for (const char* text : texts) good = good && bus_.append(&arguments, kTypeString, &text);
        BusError error;
        bus_.error_init(&error);
        BusMessage* const answer = good ? bus_.ask(connection_, call, kAnswerMs, &error) : nullptr;
        bus_.error_free(&error);
        bus_.message_unref(call);
        if (!answer) return false;
        good = !out || read_number(answer, *out);
        bus_.message_unref(answer);
        return good;
    }

    bool read_number(BusMessage* answer, uint32_t& out) {
        BusIterator variant, value;
        if (!bus_.begin(answer, &variant) || bus_.type(&variant) != kTypeVariant) return false;
        bus_.enter(&variant, &value);
        if (bus_.type(&value) != kTypeUint32) return false;
        bus_.get(&value, &out);
        return true;
    }

    Libdbus bus_;
    BusConnection* connection_ = nullptr;
};

}  // namespace

std::unique_ptr<Network> open_network_manager(const std::string& bus) {
    if (!bus.empty()) return std::make_unique<NetworkManager>(bus);
    const char* const given = std::getenv("DBUS_SYSTEM_BUS_ADDRESS");
    return std::make_unique<NetworkManager>(
        given && *given ? given : "unix:path=/run/dbus/system_bus_socket");
}

}  // namespace p2c2r::owner
