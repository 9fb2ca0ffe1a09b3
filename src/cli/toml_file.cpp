#include "cli/toml_file.h"

#include <toml++/toml.h>

namespace p2c2r::cli {

namespace {

using nlohmann::json;

json value_of(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return number->get();
    if (const auto* number = node.as_floating_point()) return number->get();
    if (const auto* truth = node.as_boolean()) return truth->get();
    json list = json::array();
    if (const auto* array = node.as_array()) {
        for (const toml::node& entry : *array) list.push_back(value_of(entry));
    }
    return list;  // dates come out as an empty list, which no key takes
}

void flatten(const toml::table& table, const std::string& prefix,
             std::map<std::string, json>& flat) {
    for (const auto& [key, node] : table) {
        const std::string name = prefix + std::string(key.str());
        if (const auto* below = node.as_table()) {
            // A table without keys is a name too: whoever wrote it meant something by it.
            if (below->empty()) flat[name] = json::object();
            flatten(*below, name + ".", flat);
        } else {
            flat[name] = value_of(node);
        }
    }
}

}  // namespace

Result<std::map<std::string, json>> flat_toml(std::string_view text, const std::string& origin) {
    try {
        std::map<std::string, json> flat;
        flatten(toml::parse(text), "", flat);
        return flat;
    } catch (const toml::parse_error& error) {
        const auto& begin = error.source().begin;
        return usage_failure(origin + ", line " + std::to_string(begin.line) + ", column " +
                             std::to_string(begin.column) + ": " +
                             std::string(error.description()));
    }
}

}  // namespace p2c2r::cli
