#include "short_memory.h"

#include <doctest/doctest.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "support/heap_count.h"

namespace capi_test {

using p2c2r::test::HeapPlenty;

namespace {

std::optional<p2c2r::test::HeapShortage> shortage;
char now_playing[160] = "";

// A crash or a hang says where it happened before the test program ends.
constexpr unsigned kHangSeconds = 60;
constexpr int kLoopMax = 4;
constexpr int kSignals[] = {SIGABRT, SIGSEGV, SIGALRM};

class Witness {
  public:
    Witness() {
        struct sigaction action = {};
        action.sa_handler = [](int signal) {
            p2c2r::test::heap::is_short = false;
            for (const char* text : {signal == SIGALRM ? "hangs: " : "crashes: ",
                                     static_cast<const char*>(now_playing), "\n"}) {
                if (write(STDERR_FILENO, text, std::char_traits<char>::length(text)) < 0) break;
            }
            raise(signal);  // SA_RESETHAND: this one ends the program
        };
        action.sa_flags = SA_RESETHAND;
        for (size_t i = 0; i < std::size(kSignals); ++i) {
            sigaction(kSignals[i], &action, &before_[i]);
        }
    }
    ~Witness() {
        alarm(0);
        for (size_t i = 0; i < std::size(kSignals); ++i) {
            sigaction(kSignals[i], &before_[i], nullptr);
        }
    }

  private:
    struct sigaction before_[std::size(kSignals)] = {};
};

// libuv ends the process when it cannot enlarge its table of descriptors, which is all it uses
// realloc for. Nobody who uses libuv can catch that, so it is left out; all else of libuv fails.
void* enlarge(void* memory, size_t size) {
    const HeapPlenty plenty;
    return std::realloc(memory, size);
}

}  // namespace

// libturbojpeg forgets what it has taken when memory ends while it makes a handle. So here it makes
// a whole one or none. (The linker leads the library's calls here.)
extern "C" {
void* __real_tjInitCompress();
void* __real_tjInitDecompress();
void* __wrap_tjInitCompress() {
    if (p2c2r::test::heap::refuses()) return nullptr;
    const HeapPlenty plenty;
    return __real_tjInitCompress();
}
void* __wrap_tjInitDecompress() {
    if (p2c2r::test::heap::refuses()) return nullptr;
    const HeapPlenty plenty;
    return __real_tjInitDecompress();
}
}

bool memory_can_be_short() {
    static const bool can = p2c2r::test::heap_is_counted &&
                            uv_replace_allocator(std::malloc, enlarge, std::calloc, std::free) == 0;
    return can;
}

Shortage::Shortage(uint64_t nth, bool lasting) : lasting_(lasting) {
    shortage.emplace(nth, lasting);
}

Shortage::~Shortage() {
    end();
}

void Shortage::end() {
    is_short_ = false;
    if (shortage) shortage->end();
}

bool Shortage::was_felt() const {
    return shortage->was_felt();
}

p2c2r_status Shortage::note(const char* call, p2c2r_status status) {
    const bool fine = status == P2C2R_OK || (status == P2C2R_E_MEMORY && was_felt());
    // Loops of few calls that say the same again and again are noted once.
    for (int i = std::max(0, count_ - kLoopMax); i < count_; ++i) {
        if (notes_[i].call == call && notes_[i].status == status && notes_[i].fine) return status;
    }
    if (count_ < kNotesMax) notes_[count_++] = {call, status, fine};
    return status;
}

void Shortage::expect(const char* what, bool holds) {
    if (count_ < kNotesMax) notes_[count_++] = {what, P2C2R_OK, holds};
}

void Shortage::look() const {
    CHECK(count_ < kNotesMax);
    bool good = true;
    for (int i = 0; i < count_; ++i) good = good && notes_[i].fine;
    if (good) return;
    std::string story;
    for (int i = 0; i < count_; ++i) {
        story += std::string(notes_[i].fine ? "\n  " : "\n! ") + notes_[i].call + ": " +
                 p2c2r_status_name(notes_[i].status);
    }
    FAIL_CHECK(now_playing << story);
}

void sweep(const char* what, const std::function<void(Shortage&)>& piece, uint64_t step) {
    const Witness witness;
    for (const bool lasting : {false, true}) {
        for (uint64_t nth = 1;; nth += step) {
            std::snprintf(now_playing, sizeof now_playing, "%s: allocation %llu fails%s", what,
                          static_cast<unsigned long long>(nth), lasting ? " and all after it" : "");
            alarm(kHangSeconds);
            bool felt = false;
            int64_t left = 0;
            // What a library takes once and keeps for the thread is not lost: not a second time.
            for (int round = 0; round < 2 && (round == 0 || left != 0); ++round) {
                const int64_t before = p2c2r::test::heap::held.load();
                Shortage memory(nth, lasting);
                piece(memory);
                memory.end();
                felt = felt || memory.was_felt();
                left = p2c2r::test::heap::held.load() - before;
                memory.look();
            }
            CHECK_MESSAGE(left == 0, now_playing << ": " << left << " bytes were not given back");
            if (!felt) {
                MESSAGE(std::string(what)
                        << std::string(lasting ? ": for ever, " : ": once, ") << nth << " rounds");
                break;
            }
        }
    }
}

}  // namespace capi_test
