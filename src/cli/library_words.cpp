#include "cli/library_words.h"

#include <algorithm>

#include "cli/settings.h"

namespace p2c2r::cli {

namespace {

// Beside the keys of settings, which say their options themselves.
constexpr Renamed kFields[] = {
    {"client_id", "this client's name"},
    {"name", "the account's name", true},
    {"owner", "--owner"},
    {"roles", "--roles"},
    {"from", "--from"},
    {"valid_s", "--valid-hours"},
    {"file", ""},
    {"gpu_index", "--device"},
    {"timeout_ms", ""},
    {"data", "the data"},
    {"task_type", ""},
    {"memory_max", "memory"},
};

constexpr Renamed kCalls[] = {
    {"keys.show", "reading the key"},
    {"keys.new", "making a key"},
    {"keys.certificate", "making a certificate"},
    {"keys.renew", "renewing the certificate"},
    {"key.list", "listing the accounts"},
    {"key.add", "adding an account"},
    {"key.token", "making a token"},
    {"key.from", "setting where the token is good from"},
    {"key.invite", "making a join code"},
    {"key.revoke", "revoking the account"},
    {"reload", "reading the certificate"},
    {"devices", "looking for devices"},
    {"worth", "working out what is worth sending"},
    {"fit_layer", "working out what the link carries"},
    {"status", "asking how it goes"},
};

bool is_of_field(char letter) {
    return letter == '_' || letter == '.' || (letter >= '0' && letter <= '9') ||
           (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

// The option of a key, the first of its names; the key itself where only files have it.
std::string option_of(const SettingKey& key) {
    const std::string_view options = key.options;
    return std::string(options.empty() ? std::string_view(key.name)
                                       : options.substr(0, options.find(',')));
}

// Whole words alone, and no part of a path.
void replace_word(std::string& text, std::string_view word, const std::string& by) {
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at)) {
        const size_t end = at + word.size();
        const bool begins = at == 0 || text[at - 1] == ' ' || text[at - 1] == '(';
        const bool ends = end == text.size() || (!is_of_field(text[end]) && text[end] != '/');
        if (begins && ends) text.replace(at, word.size(), by);
        at += begins && ends ? by.size() : word.size();
    }
}

struct SaidField {
    std::string said;
    bool only_where_named = false;
};

SaidField said_field(std::string_view field, std::span<const Renamed> here) {
    if (field.empty()) return {};
    const auto is_it = [&](const Renamed& one) { return one.field == field; };
    if (const auto own = std::find_if(here.begin(), here.end(), is_it); own != here.end()) {
        return {std::string(own->said), own->only_where_named};
    }
    if (const auto* known = std::find_if(std::begin(kFields), std::end(kFields), is_it);
        known != std::end(kFields)) {
        return {std::string(known->said), known->only_where_named};
    }
    const SettingKey* key = find_setting_key(std::string(field));
    return {key ? option_of(*key) : "'" + std::string(field) + "'"};
}

}  // namespace

std::string in_options(const p2c2r_error& error, std::span<const Renamed> here) {
    std::string text = error.text[0] != '\0' ? error.text : p2c2r_status_text(error.status);
    constexpr std::string_view kOptions = "options: ";  // of JSON that the program has made
    if (text.starts_with(kOptions)) text.erase(0, kOptions.size());
    const std::string_view field = error.field;
    const auto [said, only_where_named] = said_field(field, here);
    const bool begins_with_it = !field.empty() && text.starts_with(field) &&
                                (text.size() == field.size() || !is_of_field(text[field.size()]));
    if (begins_with_it && !said.empty()) text.replace(0, field.size(), said);
    // The other fields that it speaks of. A word without a '_' or '.' may be just that.
    for (const SettingKey& key : setting_keys()) {
        const std::string_view name = key.name;
        if (name.find_first_of("_.") != std::string_view::npos)
            replace_word(text, name, option_of(key));
    }
    const bool is_said = begins_with_it || only_where_named || text.starts_with(said);
    return is_said ? text : said + ": " + text;
}

std::string said_call(std::string_view call) {
    const auto* known = std::find_if(std::begin(kCalls), std::end(kCalls),
                                     [&](const Renamed& one) { return one.field == call; });
    return known != std::end(kCalls) ? std::string(known->said) : "asking for " + std::string(call);
}

}  // namespace p2c2r::cli
