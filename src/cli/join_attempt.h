// A machine introduces itself to a coordinator with a join code, as a gamer or as a peer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/contact.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::cli {

inline constexpr uint32_t kConnectMs = 4000;  // of one place

// What became of one round over all places of the code, which the library tries in their order.
struct Attempt {
    p2c2r_status status = P2C2R_PENDING;
    std::string where;                 // "host:port" of the one that let it in
    std::vector<std::string> reasons;  // of the places so far that did not, in their order
    std::string why;                   // where none was tried
    std::string account = {};          // as which it is known there; "": it did not say

    // Refused by the coordinator itself: every place of it would say the same.
    [[nodiscard]] bool is_refused() const {
        return status == P2C2R_E_AUTH || status == P2C2R_E_DENIED || status == P2C2R_E_VERSION ||
               status == P2C2R_E_ARGUMENT || status == P2C2R_E_EXISTS || is_full();
    }
    // For now: it has no room, or has to do with others.
    [[nodiscard]] bool is_full() const { return status == P2C2R_E_LIMIT || status == P2C2R_E_BUSY; }
    void take(const p2c2r_event& event) {
        const std::string text = event.text ? event.text : "";
        if (event.status == P2C2R_OK) {
            where = event.subject ? event.subject : "";
            account = text;
        } else {
            reasons.push_back(text.empty() ? p2c2r_status_text(event.status) : text);
        }
        if (event.status != P2C2R_E_DISCONNECTED) status = event.status;
    }
    // "192.0.2.7:8765: no answer in time; desk.example.org:8765: ..."
    [[nodiscard]] std::string text(const std::vector<std::string>& places) const {
        if (reasons.empty()) return why;
        std::string all;
        for (size_t i = 0; i < places.size(); ++i) {
            std::string reason = i < reasons.size() ? reasons[i] : "not tried";
            const std::string known = "cannot connect to " + places[i] + ": ";
            if (reason.starts_with(known)) reason.erase(0, known.size());
            all += (i == 0 ? "" : "; ") + places[i] + ": " + reason;
        }
        return all;
    }
};

Attempt try_as_gamer(p2c2r_runtime* runtime, Contact& contact, const std::string& name,
                     uint32_t timeout_ms);
Attempt try_as_peer(p2c2r_runtime* runtime, Contact& contact, const std::string& name,
                    uint32_t timeout_ms);

}  // namespace p2c2r::cli
