#include "model/task_type.h"

#include <array>
#include <memory>

namespace p2c2r {

namespace {

struct Row {
    std::string_view name;
    uint32_t deadline_ms;
    Circle circle;
    VerifyClass verify;
    bool exact;
    std::array<std::string_view, 2> aliases;
};

// Exact are the types whose kernels stay inside the arithmetic that every device rounds alike. Not
// exact: `compression` (its bytes depend on the library's version) and `custom` (a game's own
// kernel, of which nothing is known). The deadline of `upscale` is that of its default quality.
// `ai_dialogue` carries free text of a person, so it stays on machines of the same owner.
constexpr Row kRows[] = {
    {"echo", 5000, Circle::kInvited, VerifyClass::kA, true, {"", ""}},
    {"upscale", 250, Circle::kInvited, VerifyClass::kA, true, {"frame_upscale", "upscaling"}},
    {"raytracing", 2000, Circle::kInvited, VerifyClass::kB, true, {"ray_tracing", ""}},
    {"rt_shadows", 2000, Circle::kInvited, VerifyClass::kA, true, {"", ""}},
    {"rt_reflections", 2000, Circle::kInvited, VerifyClass::kA, true, {"", ""}},
    {"rt_global_illumination", 2000, Circle::kInvited, VerifyClass::kA, true, {"", ""}},
    {"physics", 50, Circle::kInvited, VerifyClass::kC, true, {"physics_rigid_body", ""}},
    {"physics_cloth", 500, Circle::kInvited, VerifyClass::kC, true, {"", ""}},
    {"physics_fluid", 500, Circle::kInvited, VerifyClass::kC, true, {"", ""}},
    {"physics_destruction", 500, Circle::kInvited, VerifyClass::kC, true, {"", ""}},
    {"ai_pathfinding", 500, Circle::kInvited, VerifyClass::kC, true, {"", ""}},
    {"ai_dialogue", 5000, Circle::kOwn, VerifyClass::kB, true, {"ai_npc_dialogue", "ai_inference"}},
    {"ai_procedural", 500, Circle::kInvited, VerifyClass::kB, true, {"", ""}},
    {"compression", 500, Circle::kInvited, VerifyClass::kB, false, {"", ""}},
    {"hash", 500, Circle::kInvited, VerifyClass::kB, true, {"", ""}},
    {"custom", 5000, Circle::kInvited, VerifyClass::kB, false, {"", ""}},
};
constexpr size_t kRowCount = sizeof kRows / sizeof kRows[0];

// Names and aliases in a small table made by the compiler: the coordinator asks for every task it
// admits. Open addressing; a slot holds 1 + the row, and the name itself is compared.
constexpr size_t kSlots = 128;

// Length and three letters tell the names apart well enough; `name` is not empty.
constexpr size_t home_of(std::string_view name) {
    const auto letter = [name](size_t at) { return static_cast<uint8_t>(name[at]); };
    const uint32_t mixed = static_cast<uint32_t>(name.size()) << 24 | letter(0) << 16 |
                           letter(name.size() / 2) << 8 | letter(name.size() - 1);
    return (mixed * 2654435761u) >> 25;
}
static_assert(kSlots == 1u << (32 - 25));

struct Slot {
    std::string_view name;
    uint8_t row_plus_one = 0;
};

constexpr std::array<Slot, kSlots> make_slots() {
    std::array<Slot, kSlots> slots{};
    const auto add = [&slots](std::string_view name, size_t row) {
        if (name.empty()) return;
        size_t at = home_of(name);
        while (slots[at].row_plus_one != 0) at = (at + 1) % kSlots;
        slots[at] = {name, static_cast<uint8_t>(row + 1)};
    };
    for (size_t row = 0; row < kRowCount; ++row) {
        add(kRows[row].name, row);
        for (const std::string_view alias : kRows[row].aliases) add(alias, row);
    }
    return slots;
}
constexpr std::array<Slot, kSlots> kTable = make_slots();

// The row of a name or alias, or kRowCount.
size_t find_row(std::string_view name) {
    if (name.empty()) return kRowCount;
    for (size_t at = home_of(name); kTable[at].row_plus_one != 0; at = (at + 1) % kSlots) {
        if (kTable[at].name == name) return kTable[at].row_plus_one - 1u;
    }
    return kRowCount;
}

}  // namespace

const std::vector<TaskType>& contract_task_types() {
    // Never destroyed: whoever still asks while the process ends gets an answer.
    static const std::vector<TaskType>* const types = [] {
        auto list = std::make_unique<std::vector<TaskType>>();
        for (const Row& row : kRows) {
            TaskType& type = list->emplace_back();
            type.name = row.name;
            for (const std::string_view alias : row.aliases) {
                if (!alias.empty()) type.aliases.emplace_back(alias);
            }
            type.deadline_us = row.deadline_ms * uint64_t{1000};
            type.circle = row.circle;
            type.verify = row.verify;
            type.exact = row.exact;
        }
        return list.release();
    }();
    return *types;
}

std::string_view canonical_task_type(std::string_view name) {
    const size_t row = find_row(name);
    return row < kRowCount ? kRows[row].name : name;
}

const TaskType* find_contract_task_type(std::string_view canonical_name) {
    const size_t row = find_row(canonical_name);
    if (row == kRowCount || kRows[row].name != canonical_name) return nullptr;
    return &contract_task_types()[row];
}

Error no_executor(std::string_view task_type, const std::vector<std::string>& there_are) {
    std::string known;
    for (const std::string& type : there_are) known += (known.empty() ? "" : ", ") + type;
    const bool declared = find_contract_task_type(canonical_task_type(task_type)) != nullptr;
    return field_error(declared ? Status::kUnsupported : Status::kTaskType, "task_type",
                       "no executor for '" + std::string(task_type) +
                           "' on this machine; there are: " + (known.empty() ? "none" : known));
}

}  // namespace p2c2r
