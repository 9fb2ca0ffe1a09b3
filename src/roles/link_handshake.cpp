// How long the handshake of a link may take, and what is said of one that took too long.
#include <algorithm>

#include "roles/link.h"
#include "roles/session_rules.h"

namespace p2c2r::roles {

namespace {

// Of one of several places: a machine that is away answers nothing at all.
constexpr uint64_t kPerPlaceUs = 1'500'000;
// What is shorter tells of no link.
constexpr uint64_t kRoundTripLeastUs = 1'000;
// As long as it may take the other side to answer, beyond the way there and back.
constexpr uint64_t kAnswerUs = 500'000;

}  // namespace

// From calling a place to being let in by it.
uint64_t Link::try_us() const {
    return places_.size() > 1 ? std::min(options_.connect_timeout_us, kPerPlaceUs)
                              : options_.connect_timeout_us;
}

// Where the coordinator's words come one by one it may be more: its own time is up first, and its
// word of that is on the way for a while.
uint64_t Link::handshake_until_us() const {
    const uint64_t heard_us = std::max(last_heard_us_, connection_->last_words_us());
    const uint64_t round_us = std::max(shown_round_trip_us(), connected_us_ - connecting_us_);
    return std::max(connecting_us_ + try_us(), roles::handshake_until_us(connected_us_, heard_us) +
                                                   std::min(round_us, kWordUs));
}

// The longest that the handshake has shown. What connecting took is none: whatever relays the
// connection may have answered that. 0: it has shown none.
uint64_t Link::shown_round_trip_us() const {
    const bool is_first = phase_ == Phase::kHello;  // to come in frames
    const uint64_t words_us = is_first ? connection_->last_words_us() : 0;
    return std::max(round_trip_us_, std::max(words_us, connected_us_) - connected_us_);
}

std::string Link::link_text() const {
    const uint64_t round_us = shown_round_trip_us();
    const bool is_first = phase_ == Phase::kHello;
    const uint64_t asked_us =
        is_first ? std::max(asked_us_, connection_->last_words_us()) : asked_us_;
    const uint64_t silent_us = loop_.turn_us() - asked_us;
    const std::string silence =
        "the other side has not answered for " + seconds_text(silent_us) + " s";
    if (round_us < kRoundTripLeastUs) return silence;
    const std::string link =
        "the link's round trip is about " + std::to_string(round_us / 1000) + " ms";
    return silent_us > round_us + kAnswerUs ? link + ", and " + silence : link;
}

std::string Link::handshake_text() const {
    return "the handshake was given up after " + seconds_text(loop_.turn_us() - connected_us_) +
           " s: " + link_text();
}

std::string Link::handshake_so_far() const {
    return shakes_hands() ? "the handshake is not done: " + link_text() : std::string();
}

std::string Link::other_scheme_text() const {
    if (!endpoint_.tls) {
        return "the coordinator speaks TLS at " + where() + ": its URL is p2c2r://" + where() +
               ", and needs its server pin or an authority";
    }
    // Whoever is on the way can answer in plaintext: nobody is told to go on so.
    const std::string text = "what answers at " + where() + " speaks plaintext";
    return connection_->is_loopback()
               ? text + ": the URL of that is p2c2r+plain://" + where()
               : text +
                     ": it is not the coordinator that was asked for, or runs without a "
                     "certificate";
}

}  // namespace p2c2r::roles
