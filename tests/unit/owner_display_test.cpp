// The X display against a real server without a screen: input and full screens are seen, and a
// server that goes is noticed. Where there is no Xvfb the cases say that they were skipped.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/uio.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "owner/sensors.h"

using namespace p2c2r::owner;

namespace {

// A server of its own, gone with the object.
class Xvfb {
  public:
    Xvfb() {
        pipe_ = popen(
            "echo $$; exec Xvfb -displayfd 1 -screen 0 320x200x24 -nolisten tcp 2>/dev/null", "r");
        if (!pipe_) return;
        id_ = read_number();
        const long display = read_number();
        if (display >= 0) name_ = ":" + std::to_string(display);
    }
    ~Xvfb() {
        stop();
        if (pipe_) pclose(pipe_);
    }
    Xvfb(const Xvfb&) = delete;
    Xvfb& operator=(const Xvfb&) = delete;

    void stop() {
        if (id_ > 1) kill(static_cast<pid_t>(id_), SIGKILL);
        id_ = -1;
    }
    [[nodiscard]] const std::string& name() const { return name_; }  // "": there is none

  private:
    long read_number() {
        char line[64] = "";
        return std::fgets(line, sizeof line, pipe_) ? std::strtol(line, nullptr, 10) : -1;
    }
    FILE* pipe_ = nullptr;
    long id_ = -1;
    std::string name_;
};

// Somebody who sits there: moves the mouse and opens windows.
class User {
  public:
    explicit User(const std::string& display) {
        library_ = dlopen("libxcb.so.1", RTLD_NOW);
        REQUIRE(library_);
        call<void* (*)(const char*, int*)>("xcb_connect", connection_, display.c_str(), nullptr);
        void* setup = nullptr;
        call<void* (*)(void*)>("xcb_get_setup", setup, connection_);
        struct Roots {
            uint32_t* screen;
            int rem, index;
        } roots{};
        call<Roots (*)(void*)>("xcb_setup_roots_iterator", roots, setup);
        root_ = *roots.screen;
    }
    ~User() { function<void (*)(void*)>("xcb_disconnect")(connection_); }

    void move_mouse(int16_t x) {
        struct Extension {
            const char* name;
            int id;
        };
        static Extension test{"XTEST", 0};
        struct {
            uint8_t major = 0, minor = 2;
            uint16_t words = 9;
            uint8_t type = 6, detail = 0;  // motion, absolute
            uint16_t unused = 0;
            uint32_t time = 0, root = 0, more[2] = {};
            int16_t x = 0, y = 0;
            uint32_t rest[2] = {};
        } fake;
        fake.root = root_;
        fake.x = x;
        struct {
            size_t count;
            Extension* extension;
            uint8_t opcode, is_void;
        } request{1, &test, 2, 1};
        iovec parts[3] = {};
        parts[2] = {&fake, sizeof fake};
        function<unsigned (*)(void*, int, iovec*, const void*)>("xcb_send_request")(
            connection_, 0, parts + 2, &request);
        settle();
    }

    // A window of this size that has the keyboard.
    void open_window(uint16_t width, uint16_t height) {
        uint32_t window = 0;
        call<uint32_t (*)(void*)>("xcb_generate_id", window, connection_);
        const uint32_t no_manager = 1;
        constexpr uint32_t kOverrideRedirect = 512;
        function<unsigned (*)(void*, uint8_t, uint32_t, uint32_t, int16_t, int16_t, uint16_t,
                              uint16_t, uint16_t, uint16_t, uint32_t, uint32_t, const void*)>(
            "xcb_create_window")(connection_, 0, window, root_, 0, 0, width, height, 0, 1, 0,
                                 kOverrideRedirect, &no_manager);
        function<unsigned (*)(void*, uint32_t)>("xcb_map_window")(connection_, window);
        settle();
        function<unsigned (*)(void*, uint8_t, uint32_t, uint32_t)>("xcb_set_input_focus")(
            connection_, 1, window, 0);
        settle();
    }

  private:
    template <class Function>
    Function function(const char* name) {
        void* const symbol = dlsym(library_, name);
        REQUIRE(symbol);
        Function found;
        std::memcpy(&found, &symbol, sizeof found);
        return found;
    }
    template <class Function, class Out, class... In>
    void call(const char* name, Out& out, In... in) {
        out = function<Function>(name)(in...);
    }
    // What was asked for has been done: an answer comes after it.
    void settle() {
        unsigned cookie = 0;
        call<unsigned (*)(void*)>("xcb_get_input_focus", cookie, connection_);
        void* reply = nullptr;
        call<void* (*)(void*, unsigned, void*)>("xcb_get_input_focus_reply", reply, connection_,
                                                cookie, nullptr);
        free(reply);
    }
    void* library_ = nullptr;
    void* connection_ = nullptr;
    uint32_t root_ = 0;
};

constexpr uint64_t kSecondUs = 1'000'000;

}  // namespace

TEST_CASE("display: input and a full screen are seen and a server that goes is noticed") {
    Xvfb server;
    if (server.name().empty()) {
        MESSAGE("skipped: there is no Xvfb");
        return;
    }
    const std::unique_ptr<Display> display = open_x11_display(server.name());
    Display::Reading reading = display->read(true);
    REQUIRE(reading.sees);
    CHECK_FALSE(reading.fullscreen);
    User user(server.name());
    user.move_mouse(5);
    const uint64_t idle_us = display->read(false).idle_us;
    CHECK(idle_us < kSecondUs);
    // Time passes for the server as well.
    while (display->read(false).idle_us < idle_us + 50'000) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    const uint64_t before_us = display->read(false).idle_us;
    user.move_mouse(9);
    CHECK(display->read(false).idle_us < before_us);
    user.open_window(100, 100);
    CHECK_FALSE(display->read(true).fullscreen);
    user.open_window(320, 200);
    CHECK_FALSE(display->read(false).fullscreen);  // not looked at
    CHECK(display->read(true).fullscreen);
    server.stop();
    while (display->read(false).sees) std::this_thread::yield();
    CHECK_FALSE(display->read(true).fullscreen);
}
