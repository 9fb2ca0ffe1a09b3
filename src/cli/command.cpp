#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/failure.h"

namespace p2c2r::cli {

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
                        const std::string& help) {
    app_->add_option(names, value, help);
}

void Command::add_integer(const std::string& names, std::optional<int64_t>& value,
                          const std::string& help) {
    app_->add_option(names, value, help);
}

void Command::add_real(const std::string& names, std::optional<double>& value,
                       const std::string& help) {
    app_->add_option(names, value, help);
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
        return app_->exit(error) == 0 ? kExitOk : kExitUsage;
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
