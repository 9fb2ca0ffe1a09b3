// One command of the program and its options. CLI11 stays behind this file pair, so that the files
// of the commands compile fast and read as a list of what they take.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace p2c2r::cli {

struct CountRange {
    uint64_t least = 0;
    uint64_t most = UINT64_MAX;
};

class Command {
  public:
    // The root: `p2c2r`.
    Command(const std::string& name, const std::string& help);
    ~Command();
    Command(Command&&) noexcept;
    Command& operator=(Command&&) noexcept;

    // Names as CLI11 reads them: "-o,--out" for an option, "type,--type" for one that may also be
    // given by position. The values must outlive run_program.
    void add_text(const std::string& names, std::optional<std::string>& value,
                  const std::string& help);
    // A whole number; what is outside of `range` is wrong usage.
    void add_count(const std::string& names, std::optional<uint64_t>& value,
                   const std::string& help, CountRange range = {});
    void add_integer(const std::string& names, std::optional<int64_t>& value,
                     const std::string& help);
    void add_real(const std::string& names, std::optional<double>& value, const std::string& help);
    void add_flag(const std::string& names, bool& value, const std::string& help);

    // A command below this one; `run` gives the exit code. Without `run` a command below is
    // required.
    Command add_command(const std::string& name, const std::string& help,
                        std::function<int()> run = nullptr);
    void add_alias(const std::string& name);  // another name of this command
    // All words behind this command go to `words` as they are, from the first that is no option of
    // its own.
    void take_rest(std::vector<std::string>& words);
    void set_footer(const std::string& text);
    void hide();  // not listed in --help

    // Parses the command line and runs the command it names; usage errors are exit code 2.
    int run_program(int argc, char** argv);

  private:
    struct Root;
    Command(Root* root, CLI::App* app);

    std::unique_ptr<Root> owned_;  // only in the root
    Root* root_ = nullptr;
    CLI::App* app_ = nullptr;
};

}  // namespace p2c2r::cli
