#include "options.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace game {

namespace {

// "12:a,40:b" as pairs; what is wrong with it, or "".
std::string read_schedule(const std::string& text, const std::string& what, Schedule& entries) {
    std::istringstream in(text);
    for (std::string entry; std::getline(in, entry, ',');) {
        const size_t colon = entry.find(':');
        const std::string frame = entry.substr(0, colon);
        const bool is_frame = !frame.empty() && frame.size() < 19 &&
                              frame.find_first_not_of("0123456789") == std::string::npos &&
                              frame.find_first_not_of('0') != std::string::npos;
        if (!is_frame || colon == std::string::npos || colon + 1 == entry.size()) {
            return "'" + entry + "' is not FRAME:" + what + ", with a frame from 1 up";
        }
        entries.emplace_back(std::stoull(frame), entry.substr(colon + 1));
    }
    return text.empty() || text.back() != ',' ? "" : "ends with a comma";
}

constexpr const char* kKeys[] = {"up", "down", "left", "right", "none", "space",
                                 "o",  "1",    "2",    "3",     "4",    "escape"};

}  // namespace

bool ends_in(const std::string& file, const std::string& ending) {
    return file.size() >= ending.size() &&
           std::equal(ending.rbegin(), ending.rend(), file.rbegin(), [](char wanted, char there) {
               return wanted == std::tolower(static_cast<unsigned char>(there));
           });
}

std::string fault_of(Options& options) {
    const std::string keys = read_schedule(options.keys, "KEY", options.scheduled_keys);
    if (!keys.empty()) return "--keys: " + keys;
    for (const auto& [frame, key] : options.scheduled_keys) {
        if (std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys)) continue;
        std::string all;
        for (const char* one : kKeys) all += (all.empty() ? "" : ", ") + std::string(one);
        return "--keys: there is no key '" + key + "'; there are " + all;
    }
    const std::string pictures =
        read_schedule(options.screenshots, "FILE", options.scheduled_screenshots);
    if (!pictures.empty()) return "--screenshots: " + pictures;
    for (const auto& [frame, file] : options.scheduled_screenshots) {
        if (!ends_in(file, ".bmp") && !ends_in(file, ".png")) {
            return "--screenshots: '" + file + "' ends neither in .bmp nor in .png";
        }
        if (options.frames == 0 || frame <= options.frames) continue;
        return "--screenshots: frame " + std::to_string(frame) + " comes after the last one, " +
               std::to_string(options.frames);
    }
    return "";
}

}  // namespace game
