#include "model/task_type.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace p2c2r;

TEST_CASE("task types: every type and alias of the contract is known under its canonical name") {
    const struct {
        const char* name;
        const char* canonical;
        uint64_t deadline_ms;
    } rows[] = {
        {"upscale", "upscale", 250},
        {"frame_upscale", "upscale", 250},
        {"upscaling", "upscale", 250},
        {"raytracing", "raytracing", 2000},
        {"ray_tracing", "raytracing", 2000},
        {"rt_shadows", "rt_shadows", 2000},
        {"rt_reflections", "rt_reflections", 2000},
        {"rt_global_illumination", "rt_global_illumination", 2000},
        {"physics", "physics", 50},
        {"physics_rigid_body", "physics", 50},
        {"physics_cloth", "physics_cloth", 500},
        {"physics_fluid", "physics_fluid", 500},
        {"physics_destruction", "physics_destruction", 500},
        {"ai_pathfinding", "ai_pathfinding", 500},
        {"ai_dialogue", "ai_dialogue", 5000},
        {"ai_npc_dialogue", "ai_dialogue", 5000},
        {"ai_inference", "ai_dialogue", 5000},
        {"ai_procedural", "ai_procedural", 500},
        {"compression", "compression", 500},
        {"hash", "hash", 500},
        {"custom", "custom", 5000},
        {"echo", "echo", 5000},
    };
    std::set<std::string> names;
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(canonical_task_type(row.name) == row.canonical);
        const TaskType* type = find_contract_task_type(row.canonical);
        REQUIRE(type != nullptr);
        CHECK(type->name == row.canonical);
        CHECK(type->deadline_us == row.deadline_ms * 1000);
        if (type->name != row.name) CHECK(find_contract_task_type(row.name) == nullptr);
        names.insert(row.canonical);
    }
    CHECK(contract_task_types().size() == names.size());
}

TEST_CASE("task types: names of the table are unique and every alias leads back to its type") {
    std::set<std::string> seen;
    for (const TaskType& type : contract_task_types()) {
        CAPTURE(type.name);
        CHECK(seen.insert(type.name).second);
        CHECK(find_contract_task_type(type.name) == &type);
        for (const std::string& alias : type.aliases) {
            CHECK(seen.insert(alias).second);
            CHECK(canonical_task_type(alias) == type.name);
        }
    }
}

TEST_CASE("task types: game state takes two equal answers and dialogue stays with its owner") {
    for (const TaskType& type : contract_task_types()) {
        CAPTURE(type.name);
        const bool game_state = type.name.starts_with("physics") || type.name == "ai_pathfinding";
        CHECK((type.verify == VerifyClass::kC) == game_state);
        // Answers of unlike devices can only be compared when they are the same bytes.
        if (game_state) CHECK(type.exact);
        CHECK(type.circle == (type.name == "ai_dialogue" ? Circle::kOwn : Circle::kInvited));
        const bool cosmetic =
            type.name == "upscale" || type.name.starts_with("rt_") || type.name == "echo";
        CHECK((type.verify == VerifyClass::kA) == cosmetic);
    }
}

TEST_CASE("task types: a host's own name is left as it is and has no row") {
    const std::string long_name(100000, 'u');
    for (const std::string_view name :
         {std::string_view(""), std::string_view("my_game.blur"), std::string_view("Upscale"),
          std::string_view("upscal"), std::string_view("upscale "), std::string_view(long_name)}) {
        CHECK(canonical_task_type(name) == name);
        CHECK(find_contract_task_type(name) == nullptr);
    }
}
