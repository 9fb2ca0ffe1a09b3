// The golden grids: flow fields, and paths and node counts of each search.
#include "digest/digest.h"
#include "support/path_golden.h"

namespace p2c2r::digest {

void path() {
    for (const test::PathGolden& golden : test::read_path_golden()) {
        if (golden.what == "field") {
            const Result<std::string> digest =
                kernels::field_digest(golden.grid, kernels::make_field_native);
            print_digest("path " + golden.line, digest ? *digest : digest.error().text);
            continue;
        }
        for (const kernels::PathAlgorithm algorithm :
             {kernels::PathAlgorithm::kAstar, kernels::PathAlgorithm::kDijkstra,
              kernels::PathAlgorithm::kJps}) {
            if (golden.what != kernels::path_algorithm_name(algorithm)) continue;
            print_digest("path " + golden.line, test::paths_digest(golden, algorithm));
        }
    }
}

}  // namespace p2c2r::digest
