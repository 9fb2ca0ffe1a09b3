// Runs the program (or an example) as a child and gathers what it said.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/process_posix.h"
#include "cli/role_processes.h"
#include "cli/temporary_posix.h"

namespace p2c2r::test {

// Long enough that only a hang reaches it.
inline constexpr uint64_t kStopUs = 20'000'000;

inline constexpr uint64_t kPatienceUs = 60'000'000;  // a limit for a broken run, never a wait

struct Ran {
    int exit_code = -1;
    std::string out;
    std::string error;
};

// A directory of one test.
class Workplace {
  public:
    Workplace();
    [[nodiscard]] std::string path(const std::string& name) const;
    std::string write(const std::string& name, const std::string& bytes) const;
    [[nodiscard]] std::string read(const std::string& name) const;
    [[nodiscard]] bool has(const std::string& name) const;

    // Runs p2c2r to its end.
    Ran run(const std::vector<std::string>& arguments,
            const std::vector<std::string>& environment = {}) const;
    Ran run_other(const std::string& program, const std::vector<std::string>& arguments,
                  const std::vector<std::string>& environment = {}) const;
    // Starts p2c2r and returns at once; its standard output is a pipe, its standard error the file.
    cli::Process start(const std::vector<std::string>& arguments, const std::string& error_file,
                       const std::vector<std::string>& environment = {}) const;

    // Roles, whose log lines go to NAME.log here.
    cli::CoordinatorProcess coordinator(const std::vector<std::string>& arguments = {}) const;
    cli::Process peer(const std::string& url, const std::string& peer_id,
                      const std::vector<std::string>& arguments = {"--device", "native"}) const;

  private:
    cli::TemporaryDirectory directory_;
};

// A machine with a home of its own: its keys, and what it has joined.
struct Machine {
    const Workplace& here;
    std::vector<std::string> environment;

    Machine(const Workplace& at, const std::string& name)
        : here(at), environment{"P2C2R_HOME=" + at.path(name)} {}
    [[nodiscard]] Ran run(const std::vector<std::string>& arguments) const {
        return here.run(arguments, environment);
    }
};

// What follows `start` in its line; the line must be there.
std::string text_behind(const std::string& text, const std::string& start);

// Lines of a text, without empty ones.
std::vector<std::string> lines_of(const std::string& text);

// Asked of the program itself.
bool has_vulkan_device(const Workplace& workplace);

// Asks a coordinator by `p2c2r status --json`.
nlohmann::json status_of(const Workplace& workplace, const std::string& url);

// Until the coordinator has so many peers; false when that does not come.
bool wait_for_peers(const Workplace& workplace, const std::string& url, size_t count);
// Until `done` says true; false when that does not come.
bool wait_until(const std::function<bool()>& done);

// The photograph that the tree ships (1920x1080 JPEG).
std::string photograph();
// It cut short, with a header of 20 000 x 20 000, of 0 x 0, an empty file, a PNG that is only a
// beginning; the last is whole. Names and bytes.
std::vector<std::pair<std::string, std::string>> pictures_broken_and_whole();
// Small frames cut from it: frame_000.jpg and so on, in a new directory; gives its path.
std::string make_frames(const Workplace& workplace, const std::string& name, size_t count,
                        uint32_t width, uint32_t height);

}  // namespace p2c2r::test
