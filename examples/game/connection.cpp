#include "connection.h"

#include <string_view>

namespace game {

namespace {

// What follows the words, where the text begins with them.
bool strip(std::string& text, std::string_view words) {
    if (text.compare(0, words.size(), words) != 0) return false;
    text.erase(0, words.size());
    return true;
}

// What the words begin goes up to its colon: "cannot connect to PLACE: ".
void strip_clause(std::string& text, std::string_view words) {
    const size_t colon = text.find(": ");
    if (text.compare(0, words.size(), words) == 0 && colon != std::string::npos) {
        text.erase(0, colon + 2);
    }
}

bool is_refusal(p2c2r_status status) {
    return status == P2C2R_E_AUTH || status == P2C2R_E_DENIED || status == P2C2R_E_VERSION ||
           status == P2C2R_E_ARGUMENT;
}

}  // namespace

std::string Connection::take(p2c2r_status status, const char* text) {
    const Kind before = kind_;
    if (status == P2C2R_OK) {
        kind_ = Kind::kNone;
        reason_.clear();
        was_reached_ = true;
        return before == Kind::kNone ? "" : "connected to the coordinator at " + url_;
    }
    reason_ = text != nullptr && *text != 0 ? text : p2c2r_status_text(status);
    // One that has no room yet is asked again, and says so in its own words.
    const bool has_refused = strip(reason_, "the coordinator refused: ") || is_refusal(status);
    strip_clause(reason_, "not connected within ");  // of a slice of the wait
    // With several places it matters which one it was.
    if (url_.find(',') == std::string::npos) strip_clause(reason_, "cannot connect to ");
    kind_ = has_refused ? Kind::kRefused : was_reached_ ? Kind::kLost : Kind::kMissing;
    return kind_ == before ? "" : trouble() + "; the game goes on without it";
}

std::string Connection::trouble() const {
    switch (kind_) {
        case Kind::kMissing:
            return "no coordinator at " + url_ + ": " + reason_;
        case Kind::kRefused:
            return "the coordinator at " + url_ + " refused: " + reason_;
        case Kind::kLost:
            return "lost the coordinator at " + url_ + ": " + reason_;
        default:
            return "";
    }
}

std::string Connection::note() const {
    switch (kind_) {
        case Kind::kMissing:
            return "no coordinator: " + reason_;
        case Kind::kRefused:
            return "the coordinator refused: " + reason_;
        case Kind::kLost:
            return "lost the coordinator: " + reason_;
        default:
            return "";
    }
}

}  // namespace game
