// Reads what a coordinator sends to its gamers as it passes, and counts the last words about each
// task: a witness of what was delivered that neither end has a hand in. It knows the fixed form of
// a frame (PROTOCOL.md, section 2) and nothing of what is in it.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace p2c2r::test {

class DeliveryCount {
  public:
    // Bytes of one connection, towards the gamer, in any pieces. Any thread.
    void take(uint32_t connection, std::string_view bytes);
    // How often each task id got its last word (`result_delivery` without more to follow, or
    // `task_timeout`), on all connections together.
    [[nodiscard]] std::map<uint64_t, uint32_t> last_words() const;
    // Something came that is no frame.
    [[nodiscard]] bool broken() const;

  private:
    // What one connection has brought of a frame that is not whole.
    struct Half {
        std::string head;   // up to the 14 bytes, or of a bin's header
        uint64_t task = 0;  // 0: not a last word
        int bins_left = 0;  // 0: at the head
        uint64_t skip = 0;  // bytes of a bin
    };
    void step(Half& half, std::string_view& bytes);
    void begin(Half& half);
    void end(Half& half);

    mutable std::mutex mutex_;
    std::map<uint32_t, Half> halves_;
    std::map<uint64_t, uint32_t> last_words_;
    bool broken_ = false;
};

}  // namespace p2c2r::test
