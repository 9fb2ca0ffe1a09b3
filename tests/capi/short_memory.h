// Calls of the interface while memory is short, for the tests of capi_memory.
//
// sweep() plays a piece again and again: with its first allocation failing, its second, and so on
// to its last, once and for ever. While it is short the piece only notes what the calls say; that
// is looked at afterwards, when the test itself has memory again. Whatever happened, everything
// that was taken must have been given back.
#pragma once

#include <p2c2r/p2c2r.h>

#include <cstdint>
#include <functional>

namespace capi_test {

// Whether this program can refuse memory; not under sanitizers.
bool memory_can_be_short();

class Shortage {
  public:
    Shortage(uint64_t nth, bool lasting);
    ~Shortage();
    Shortage(const Shortage&) = delete;
    Shortage& operator=(const Shortage&) = delete;

    [[nodiscard]] bool is_lasting() const { return lasting_; }
    // Not ended yet.
    [[nodiscard]] bool is_short() const { return is_short_; }
    // Some allocation has failed; until then everything must succeed.
    [[nodiscard]] bool was_felt() const;
    // OK, or E_MEMORY when memory was short. Gives the status on.
    p2c2r_status note(const char* call, p2c2r_status status);
    // Of what must hold whatever happens.
    void expect(const char* what, bool holds);
    // Memory is there again: a piece may end the shortage before it ends itself.
    void end();
    // A CHECK for all that was noted.
    void look() const;

  private:
    struct Note {
        const char* call;
        p2c2r_status status;
        bool fine;
    };
    static constexpr int kNotesMax = 512;
    const bool lasting_;
    bool is_short_ = true;
    int count_ = 0;
    Note notes_[kNotesMax];
};

// `step`: how many allocations on the next round begins; above 1 where a piece is long.
void sweep(const char* what, const std::function<void(Shortage&)>& piece, uint64_t step = 1);

}  // namespace capi_test
