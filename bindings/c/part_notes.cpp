#include "bindings/c/part_notes.h"

#include <utility>

#include "bindings/c/host_scope.h"

namespace p2c2r::capi {

PartNote::~PartNote() {
    p2c2r_result_release(result);
}

void PartNote::tell(uint64_t name) const {
    p2c2r_part told = {};
    told.struct_size = sizeof told;
    told.index = which.index;
    told.count = which.count;
    told.first_unit = which.first_unit;
    told.unit_count = which.unit_count;
    told.units = which.units;
    told.unit_name = which.unit_name;
    const HostScope scope;
    [&]() noexcept { part(user, name, &told, result); }();
}

PartNotes::~PartNotes() {
    while (first_) take();
}

void PartNotes::add(std::unique_ptr<PartNote> note) {
    PartNote* const last = note.get();
    (first_ ? last_->next : first_) = std::move(note);
    last_ = last;
}

std::unique_ptr<PartNote> PartNotes::take(p2c2r_task task) {
    std::unique_ptr<PartNote>* at = &first_;
    PartNote* before = nullptr;
    while (*at && task != 0 && (*at)->task != task) {
        before = at->get();
        at = &before->next;
    }
    std::unique_ptr<PartNote> taken = std::move(*at);
    if (!taken) return taken;
    *at = std::move(taken->next);
    if (last_ == taken.get()) last_ = before;
    return taken;
}

}  // namespace p2c2r::capi
