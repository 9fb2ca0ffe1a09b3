// A change that stays whole or is undone: memory may end anywhere in it.
#pragma once

#include "core/status.h"

namespace p2c2r::identity {

// `undo` needs no memory; it runs unless `change` ends, and with Done.
template <class Change, class Undo>
Result<Done> kept_or(Change change, Undo undo) {
    struct Guard {
        Undo& undo;
        bool armed = true;
        ~Guard() {
            if (armed) undo();
        }
    } guard{undo};
    Result<Done> changed = change();
    if (changed) guard.armed = false;
    return changed;
}

}  // namespace p2c2r::identity
