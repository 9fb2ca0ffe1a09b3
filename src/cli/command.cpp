#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/failure.h"
#include "cli/printable.h"

namespace p2c2r::cli {

namespace {

// Letters to put in, take out or change until one word is the other.
size_t letters_between(const std::string& one, const std::string& other) {
    std::vector<size_t> row(other.size() + 1);
    for (size_t j = 0; j <= other.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= one.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= other.size(); ++j) {
            const size_t changed = diagonal + (one[i - 1] == other[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[other.size()];
}

// "there is no command 'hots': did you mean host?", else the list of what there is.
std::string no_command(const CLI::App& above, const std::vector<std::string>& words) {
    constexpr size_t kWordMax = 32;  // none is longer, and a long one is not compared
    constexpr size_t kNear = 2;
    std::string all;
    std::string nearest;
    size_t least = kNear + 1;
    for (const CLI::App* below : above.get_subcommands([](const CLI::App*) { return true; })) {
        if (below->get_group().empty()) continue;
        all += (all.empty() ? "" : ", ") + below->get_name();
        if (words.empty() || words[0].size() > kWordMax) continue;
        const size_t letters = letters_between(words[0], below->get_name());
        if (letters >= std::min(least, below->get_name().size())) continue;
        least = letters;
        nearest = below->get_name();
    }
    if (words.empty()) return "a command is missing; there are " + all;
    return "there is no command '" + words[0] + "'" +
           (nearest.empty() ? "; there are " + all : ": did you mean " + nearest + "?");
}

std::string wrong_usage(const CLI::App& at, const std::vector<std::string>& extra,
                        const CLI::ParseError& error) {
    if (at.get_require_subcommand_min() > 0) return no_command(at, extra);
    if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) return error.what();
    std::string words;  // in the order in which they were given
    for (const std::string& word : extra) words += (words.empty() ? "'" : " '") + word + "'";
    return words + (extra.size() == 1 ? " is" : " are") + " not expected here";
}

// CLI11 takes an empty number for none at all: a variable of a script that is not set.
CLI::Validator no_empty_number() {
    return CLI::Validator(
        [](const std::string& text) { return text.empty() ? "'' is not a number" : std::string(); },
        "");
}

}  // namespace

struct Command::Root {
    explicit Root(const std::string& help, const std::string& name) : app(help, name) {}
    CLI::App app;
    std::function<int()> chosen;  // of the innermost command on the command line
};

Command::Command(const std::string& name, const std::string& help)
    : owned_(std::make_unique<Root>(help, name)), root_(owned_.get()), app_(&owned_->app) {
    app_->require_subcommand(1);
    app_->set_version_flag("--version", p2c2r_version_text());
}

Command::Command(Root* root, CLI::App* app) : root_(root), app_(app) {}
Command::~Command() = default;
Command::Command(Command&&) noexcept = default;
Command& Command::operator=(Command&&) noexcept = default;

void Command::add_text(const std::string& names, std::optional<std::string>& value,
                       const std::string& help) {
    app_->add_option(names, value, help);
}

void Command::add_count(const std::string& names, std::optional<uint64_t>& value,
                        const std::string& help, CountRange range) {
    // CLI11 itself reads -1 as the largest number there is.
    app_->add_option(names, value, help)
        ->check(CLI::Validator(
            [range](const std::string& text) {
                uint64_t count = 0;
                const char* const end = text.data() + text.size();
                const auto [at, bad] = std::from_chars(text.data(), end, count);
                if (bad != std::errc() || at != end || text.empty()) {
                    return "'" + text + "' is not a whole number from 0 on";
                }
                return count >= range.least && count <= range.most
                           ? std::string()
                           : text + " is not in " + std::to_string(range.least) + " to " +
                                 std::to_string(range.most);
            },
            ""));
}

void Command::add_integer(const std::string& names, std::optional<int64_t>& value,
                          const std::string& help) {
    app_->add_option(names, value, help)->check(no_empty_number());
}

void Command::add_real(const std::string& names, std::optional<double>& value,
                       const std::string& help) {
    app_->add_option(names, value, help)->check(no_empty_number());
}

void Command::add_flag(const std::string& names, bool& value, const std::string& help) {
    app_->add_flag(names, value, help);
}

Command Command::add_command(const std::string& name, const std::string& help,
                             std::function<int()> run) {
    CLI::App* below = app_->add_subcommand(name, help);
    if (run) {
        // CLI11 calls the innermost command first, and that is the one that was meant.
        below->final_callback([root = root_, run = std::move(run)] {
            if (!root->chosen) root->chosen = run;
        });
    } else {
        below->require_subcommand(1);
    }
    return Command(root_, below);
}

void Command::add_alias(const std::string& name) {
    app_->alias(name);
}

void Command::take_rest(std::vector<std::string>& words) {
    app_->prefix_command();
    app_->parse_complete_callback([app = app_, &words] { words = app->remaining(); });
}

void Command::set_footer(const std::string& text) {
    app_->footer(text);
}
void Command::hide() {
    app_->group("");
}

int Command::run_program(int argc, char** argv) {
    try {
        app_->parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // --help and --version.
        if (error.get_exit_code() == 0) return app_->exit(error) == 0 ? kExitOk : kExitUsage;
        std::string names;
        const CLI::App* at = app_;
        while (!at->get_subcommands().empty()) {
            at = at->get_subcommands().front();
            names += " " + at->get_name();
        }
        const std::string text = wrong_usage(*at, app_->remaining(true), error);
        std::fprintf(stderr, "p2c2r%s: %s\nRun p2c2r%s --help for more.\n", names.c_str(),
                     printable(text).c_str(), names.c_str());
        return kExitUsage;
    }
    try {
        return root_->chosen ? root_->chosen() : kExitUsage;
    } catch (const nlohmann::json::type_error& error) {
        // The library is called in JSON, and takes no other names of files and machines.
        constexpr int kNotUtf8 = 316;
        if (error.id != kNotUtf8) throw;
        std::fprintf(stderr,
                     "p2c2r: an option, a setting or the name of a folder is not UTF-8; give "
                     "another\n");
        return kExitUsage;
    }
}

}  // namespace p2c2r::cli
