// The X protocol through libxcb, whose errors belong to the request that made them. (Xlib's end the
// process, or go through handlers that are the host's.) Only what is needed is declared here: no X
// header has to be there.
#include <dlfcn.h>
#include <poll.h>
#include <sys/uio.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "owner/sensors.h"

namespace p2c2r::owner {

namespace {

// A server that does not answer for so long tells nothing.
constexpr int kAnswerMs = 1000;

// ---- libxcb, as its ABI has been since 1.1
// -------------------------------------------------------

struct Connection;
struct Cookie {
    unsigned sequence;
};
struct Screen {
    uint32_t root;
    uint32_t colours_and_masks[4];
    uint16_t width;
    uint16_t height;
};
struct ScreenIterator {
    Screen* data;
    int rem;
    int index;
};
struct Extension {
    const char* name;
    int global_id;
};
struct ProtocolRequest {
    size_t count;
    Extension* extension;
    uint8_t opcode;
    uint8_t is_void;
};

// Replies, as the X protocol has them: 32 bytes, then `length` words.
struct ReplyHead {
    uint8_t type;
    uint8_t detail;
    uint16_t sequence;
    uint32_t length;
};
struct AtomReply {
    ReplyHead head;
    uint32_t atom;
};
struct PropertyReply {
    ReplyHead head;  // detail: bits of a value
    uint32_t type;
    uint32_t bytes_after;
    uint32_t count;
    uint32_t unused[3];
    // values
};
struct GeometryReply {
    ReplyHead head;
    uint32_t root;
    int16_t x, y;
    uint16_t width, height;
};
struct FocusReply {
    ReplyHead head;
    uint32_t window;
};
struct IdleReply {
    ReplyHead head;
    uint32_t window;
    uint32_t until_server_ms;
    uint32_t since_input_ms;
};

Extension screen_saver{"MIT-SCREEN-SAVER", 0};

struct Xcb {
    void* library = nullptr;
    Connection* (*connect)(const char*, int*) = nullptr;
    int (*has_error)(Connection*) = nullptr;
    void (*disconnect)(Connection*) = nullptr;
    int (*descriptor)(Connection*) = nullptr;
    int (*flush)(Connection*) = nullptr;
    const void* (*setup)(Connection*) = nullptr;
    ScreenIterator (*roots)(const void*) = nullptr;
    void (*next_screen)(ScreenIterator*) = nullptr;
    unsigned (*send)(Connection*, int, iovec*, const ProtocolRequest*) = nullptr;
    int (*poll_reply)(Connection*, unsigned, void**, void**) = nullptr;
    Cookie (*intern_atom)(Connection*, uint8_t, uint16_t, const char*) = nullptr;
    Cookie (*get_property)(Connection*, uint8_t, uint32_t, uint32_t, uint32_t, uint32_t,
                           uint32_t) = nullptr;
    Cookie (*get_geometry)(Connection*, uint32_t) = nullptr;
    Cookie (*get_focus)(Connection*) = nullptr;

    bool open() {
        library = ::dlopen("libxcb.so.1", RTLD_NOW | RTLD_LOCAL);
        return library && find(connect, "xcb_connect") &&
               find(has_error, "xcb_connection_has_error") && find(disconnect, "xcb_disconnect") &&
               find(descriptor, "xcb_get_file_descriptor") && find(flush, "xcb_flush") &&
               find(setup, "xcb_get_setup") && find(roots, "xcb_setup_roots_iterator") &&
               find(next_screen, "xcb_screen_next") && find(send, "xcb_send_request") &&
               find(poll_reply, "xcb_poll_for_reply") && find(intern_atom, "xcb_intern_atom") &&
               find(get_property, "xcb_get_property") && find(get_geometry, "xcb_get_geometry") &&
               find(get_focus, "xcb_get_input_focus");
    }
    template <class Function>
    bool find(Function& function, const char* name) {
        void* const symbol = ::dlsym(library, name);
        std::memcpy(&function, &symbol, sizeof function);
        return symbol != nullptr;
    }
};

struct Free {
    void operator()(void* memory) const { std::free(memory); }
};
template <class Reply>
using ReplyPointer = std::unique_ptr<Reply, Free>;

// ---- the display
// ---------------------------------------------------------------------------------

class X11Display final : public Display {
  public:
    explicit X11Display(const std::string& name) {
        if (!xcb_.open()) return;
        int number = 0;
        connection_ = xcb_.connect(name.c_str(), &number);
        if (!connection_) return;
        if (xcb_.has_error(connection_)) {
            close();
            return;
        }
        ScreenIterator screens = xcb_.roots(xcb_.setup(connection_));
        for (; number > 0 && screens.rem > 1; --number) xcb_.next_screen(&screens);
        screen_ = *screens.data;
        active_window_ = atom("_NET_ACTIVE_WINDOW");
        state_ = atom("_NET_WM_STATE");
        state_fullscreen_ = atom("_NET_WM_STATE_FULLSCREEN");
    }
    ~X11Display() override {
        close();
        // The library stays: others of the process may have opened it meanwhile.
    }
    X11Display(const X11Display&) = delete;
    X11Display& operator=(const X11Display&) = delete;

    Reading read(bool look_at_windows) override {
        if (!connection_) return {};
        const ReplyPointer<IdleReply> idle = ask_idle();
        if (!idle) return {};
        if (look_at_windows) fullscreen_ = has_fullscreen();
        if (!connection_) return {};
        return {true, idle->since_input_ms * 1000ull, fullscreen_};
    }

  private:
    void close() {
        if (connection_) xcb_.disconnect(std::exchange(connection_, nullptr));
    }

    // NULL: an error, or the server is gone or does not answer: then it is not asked again.
    template <class Reply>
    ReplyPointer<Reply> answer(unsigned sequence) {
        if (!connection_) return nullptr;
        xcb_.flush(connection_);
        using Clock = std::chrono::steady_clock;
        const auto until = Clock::now() + std::chrono::milliseconds(kAnswerMs);
        for (;;) {
            void* reply = nullptr;
            void* error = nullptr;
            const bool ended = xcb_.poll_reply(connection_, sequence, &reply, &error) != 0;
            std::free(error);
            if (ended) return ReplyPointer<Reply>(static_cast<Reply*>(reply));
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
            pollfd wait{xcb_.descriptor(connection_), POLLIN, 0};
            if (xcb_.has_error(connection_) || left <= 0 ||
                ::poll(&wait, 1, static_cast<int>(left)) == 0) {
                close();
                return nullptr;
            }
        }
    }

    ReplyPointer<IdleReply> ask_idle() {
        struct {
            uint8_t major;  // filled in by libxcb
            uint8_t minor;
            uint16_t words;
            uint32_t drawable;
        } query{0, 1, 2, screen_.root};
        // The two places before what is sent belong to libxcb.
        iovec parts[3] = {};
        parts[2] = {&query, sizeof query};
        const ProtocolRequest request{1, &screen_saver, 1, 0};
        constexpr int kChecked = 1;  // errors come as replies
        const unsigned sequence = xcb_.send(connection_, kChecked, parts + 2, &request);
        if (sequence == 0) {  // there is no such extension
            close();
            return nullptr;
        }
        return answer<IdleReply>(sequence);
    }

    uint32_t atom(const char* name) {
        if (!connection_) return 0;
        const auto size = static_cast<uint16_t>(std::strlen(name));
        const auto reply = answer<AtomReply>(xcb_.intern_atom(connection_, 0, size, name).sequence);
        return reply ? reply->atom : 0;
    }

    std::vector<uint32_t> property(uint32_t window, uint32_t name) {
        if (!connection_ || name == 0) return {};
        constexpr uint32_t kValuesMax = 64;
        const auto reply = answer<PropertyReply>(
            xcb_.get_property(connection_, 0, window, name, 0, 0, kValuesMax).sequence);
        if (!reply || reply->head.detail != 32) return {};
        std::vector<uint32_t> values(std::min({reply->count, reply->head.length, kValuesMax}));
        if (!values.empty()) {
            std::memcpy(values.data(), reply.get() + 1, values.size() * sizeof values[0]);
        }
        return values;
    }

    // A window that its manager calls so; without a manager, one that covers the screen and has the
    // keyboard.
    bool has_fullscreen() {
        const std::vector<uint32_t> active = property(screen_.root, active_window_);
        uint32_t window = active.empty() ? 0 : active[0];
        if (window != 0) {
            const std::vector<uint32_t> states = property(window, state_);
            if (std::find(states.begin(), states.end(), state_fullscreen_) != states.end()) {
                return state_fullscreen_ != 0;
            }
        } else if (connection_) {
            const auto focus = answer<FocusReply>(xcb_.get_focus(connection_).sequence);
            constexpr uint32_t kPointerRoot = 1;  // and 0: none
            if (focus && focus->window > kPointerRoot) window = focus->window;
        }
        if (window == 0 || window == screen_.root || !connection_) return false;
        const auto place = answer<GeometryReply>(xcb_.get_geometry(connection_, window).sequence);
        return place && place->width >= screen_.width && place->height >= screen_.height;
    }

    Xcb xcb_;
    Connection* connection_ = nullptr;
    Screen screen_{};
    uint32_t active_window_ = 0;
    uint32_t state_ = 0;
    uint32_t state_fullscreen_ = 0;
    bool fullscreen_ = false;
};

}  // namespace

std::unique_ptr<Display> open_x11_display(const std::string& name) {
    return std::make_unique<X11Display>(name);
}

}  // namespace p2c2r::owner
