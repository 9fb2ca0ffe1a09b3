// Random inputs from fixed seeds: every native form of every kernel gives the digests of
// random_golden.txt, in whatever way this program was built. Vulkan devices are compared with
// native forms by the tests beside this one, and with these digests by digest/matrix.sh.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "digest/random_digests.h"
#include "support/rounds.h"

using namespace p2c2r;

// 10 000 inputs of each kernel with P2C2R_FULL in the environment.
TEST_CASE("random inputs give the golden digests in every native form") {
    const uint64_t count = test::is_full_run() ? digest::kRandomFull : digest::kRandomUsual;
    const std::vector<digest::RandomGolden> golden = digest::read_random_golden();
    for (const digest::RandomKernel& kernel : digest::native_kernels()) {
        CAPTURE(kernel.name);
        const auto row = std::find_if(golden.begin(), golden.end(), [&](const auto& each) {
            return each.kernel == kernel.name && each.count == count;
        });
        REQUIRE(row != golden.end());
        for (const digest::RandomForm& form : kernel.forms) {
            const Result<std::string> found = digest::folded_digest(form, count);
            REQUIRE_MESSAGE(found.ok(), found.error().text);
            CHECK_MESSAGE(*found == row->digest, form.name);
        }
    }
}
