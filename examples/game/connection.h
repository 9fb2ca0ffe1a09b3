// What the player hears of a coordinator elsewhere: that there is none, why it refuses, that it was
// lost. The game goes on in any case.
#pragma once

#include <p2c2r/p2c2r.h>

#include <string>

namespace game {

class Connection {
  public:
    // There is a coordinator to reach; without this call there is none, and nothing is missed.
    void expect(const std::string& url) { url_ = url; }
    // A change of the connection. Returns what is news to the player: a second failure of the same
    // kind is none.
    std::string take(p2c2r_status status, const char* text);

    // A sentence with the URL on what is wrong now, and a shorter one for the screen; "": nothing.
    std::string trouble() const;
    std::string note() const;
    // Never connected so far, and no try has ended.
    bool is_undecided() const { return is_missed() && kind_ == Kind::kNone; }
    // Never connected so far.
    bool is_missed() const { return !url_.empty() && !was_reached_; }

  private:
    enum class Kind { kNone, kMissing, kRefused, kLost };

    std::string url_;
    std::string reason_;
    Kind kind_ = Kind::kNone;
    bool was_reached_ = false;
};

}  // namespace game
