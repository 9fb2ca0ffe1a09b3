#include "model/value_path.h"

#include <string_view>
#include <vector>

#include "model/value_head.h"

namespace p2c2r::detail {

namespace {

// A path is for people. Longer ones end where the room does.
constexpr size_t kPathMax = 160;

struct Open {
    const uint8_t* key = nullptr;  // of a map: the field that is being walked; NULL before it
    uint64_t begun = 0;            // values, keys included
    uint64_t values = 0;
    bool is_map = false;
};

std::string path_of(const std::vector<Open>& open) {
    std::string path;
    for (const Open& container : open) {
        std::string step;
        if (!container.is_map) {
            step = "[" + std::to_string(container.begun - 1) + "]";
        } else if (container.key) {
            step = (path.empty() ? "" : ".") + std::string(read_text(container.key));
        }
        if (path.size() + step.size() > kPathMax) break;
        path += step;
    }
    return path;
}

}  // namespace

std::string value_path(const uint8_t* start, const uint8_t* where) {
    std::vector<Open> open;
    const uint8_t* at = start;
    while (true) {
        bool is_key = false;
        if (!open.empty()) {
            Open& parent = open.back();
            is_key = parent.is_map && parent.begun % 2 == 0;
            ++parent.begun;
            if (is_key) parent.key = nullptr;
        }
        if (at >= where) return path_of(open);
        if (is_key) open.back().key = at;
        const HeadForm form = kHeadForms[*at];
        const uint32_t length = form.kind >= ValueKind::kText ? head_length(at, form) : 0;
        at += form.size;
        if (is_container(form.kind)) {
            open.push_back({.values = values_inside(form.kind, length),
                            .is_map = form.kind == ValueKind::kMap});
        } else {
            at += length;
        }
        while (!open.empty() && open.back().begun == open.back().values) open.pop_back();
        if (open.empty()) return "";  // the whole value was walked
    }
}

}  // namespace p2c2r::detail
