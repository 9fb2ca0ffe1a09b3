// Parts of tasks that were cut, on their way from the loop to the host's function.
#pragma once

#include <memory>

#include "p2c2r/p2c2r.h"
#include "roles/client.h"

namespace p2c2r::capi {

class PartNotes;

// One that came. MUST end without a lock: with the last of its result a host function may run.
struct PartNote {
    PartNote() = default;
    ~PartNote();
    PartNote(const PartNote&) = delete;
    PartNote& operator=(const PartNote&) = delete;

    // `name` is the task's, or the number of its frame.
    void tell(uint64_t name) const;

    p2c2r_task task = 0;
    p2c2r_part_fn part = nullptr;  // NULL: it is counted, not told
    void* user = nullptr;
    PartNotes* frames = nullptr;  // where a stream of frames takes it from; NULL: dispatch tells
    roles::TaskPart which;
    p2c2r_result* result = nullptr;  // a reference; NULL where it is not told
    std::unique_ptr<PartNote> next;
};

// In the order in which they came. All but the destructor never throws nor frees a note.
class PartNotes {
  public:
    PartNotes() = default;
    ~PartNotes();  // one by one: a list of thousands is not descended into
    PartNotes(const PartNotes&) = delete;
    PartNotes& operator=(const PartNotes&) = delete;

    [[nodiscard]] bool empty() const { return first_ == nullptr; }
    void add(std::unique_ptr<PartNote> note);
    // The first one, of this task where it is not 0; NULL: there is none.
    std::unique_ptr<PartNote> take(p2c2r_task task = 0);

  private:
    std::unique_ptr<PartNote> first_;
    PartNote* last_ = nullptr;
};

}  // namespace p2c2r::capi
