// `p2c2r bench placement`: ways to choose a peer, compared.
//
// Other ways than the one it goes by are no part of the product, nor are a thousand peers part of a
// machine. Both are in the simulator, which is made beside this program: this one becomes it, so
// what it prints, how it ends and what signals do to it are its own.
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/bench.h"
#include "cli/process_posix.h"

namespace p2c2r::cli {

int run_bench_placement(const std::vector<std::string>& words) {
    const std::string own = own_path();
    std::vector<std::string> texts = {own.substr(0, own.rfind('/') + 1) + "p2c2r_sim", "placement"};
    texts.insert(texts.end(), words.begin(), words.end());
    std::vector<char*> arguments;
    for (std::string& text : texts) arguments.push_back(text.data());
    arguments.push_back(nullptr);
    execv(arguments.front(), arguments.data());
    if (errno != ENOENT) {
        return report("bench placement",
                      usage_failure("cannot run " + texts.front() + ": " + std::strerror(errno)));
    }
    return report("bench placement",
                  usage_failure("there is no " + texts.front() +
                                ": it compares ways to choose a peer, stands beside p2c2r where "
                                "that was built, and is not installed. A build with "
                                "P2C2R_BUILD_TESTS=ON makes it: cmake --build build --target "
                                "p2c2r_sim"));
}

}  // namespace p2c2r::cli
