// What `p2c2r status` tells a person: how it goes in a sentence or two, who is connected, what runs
// where and why, what waits, and what somebody should look at. Everything else is in --all and
// --json.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

namespace p2c2r::cli {

// As the coordinator answers; what an asker may not know is not in it.
struct StatusAnswers {
    nlohmann::json status = nlohmann::json::object();
    nlohmann::json peers = nlohmann::json::object();
    nlohmann::json gamers = nlohmann::json::object();
    nlohmann::json tasks = nlohmann::json::object();
};

// An answer of another shape, whoever gave it, is a json::type_error.
//
// No line is wider than `width`, and lists end after some lines.
std::string status_text(const StatusAnswers& answers, size_t width);
// Every peer with what its owner wishes and what has been learned of it, every task by itself, and
// the counters as they are.
std::string status_details(const StatusAnswers& answers, size_t width);

}  // namespace p2c2r::cli
