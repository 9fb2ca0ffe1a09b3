// The golden scenes of the ray tracer in each native form that this processor has.
#include <fstream>
#include <string>

#include "digest/digest.h"
#include "kernels/raytrace_answers.h"

namespace p2c2r::digest {

void raytrace() {
    for (const kernels::RtWalk* walk : {&kernels::rt_walk_plain(), kernels::rt_walk_avx2()}) {
        if (!walk) continue;
        std::ifstream file(P2C2R_SOURCE_DIR "/tests/kernels/raytrace_golden.txt");
        kernels::RtAnswer answer{};
        std::string golden;
        while (file >> answer.seed >> answer.mode >> golden) {
            const Result<std::string> digest = kernels::raytrace_answer_digest(
                answer, [walk](const kernels::RtPass& pass,
                               const std::shared_ptr<const kernels::RtScene>&, uint32_t* words) {
                    return kernels::raytrace_native(pass, words, 1, {}, *walk);
                });
            print_digest("raytrace " + std::to_string(answer.seed) + " " +
                             std::to_string(answer.mode) + " " + walk->name,
                         digest ? *digest : digest.error().text);
        }
    }
}

}  // namespace p2c2r::digest
