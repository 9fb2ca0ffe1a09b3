// Fuzz target: requests of the built-in types as support/request_file.h reads them, computed
// natively. Whatever they are, the answer is a result or an error about a field, computing it again
// gives the same, and what is refused takes no memory beyond the largest grid or scene that is
// allowed.
#include <cstdint>
#include <string>

#include "core/check.h"
#include "fuzz/memory_watch.h"
#include "support/request_file.h"

using namespace p2c2r;

namespace {

constexpr int64_t kRefusedMemoryMax = 64 << 20;

bool equal(const Bytes& a, const Bytes& b) {
    return std::equal(a.span().begin(), a.span().end(), b.span().begin(), b.span().end());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    const std::optional<test::RequestFile> request = test::split_request({bytes, size});
    if (!request) return 0;
    const std::span<const uint8_t> params = request->params.span();
    if (!test::is_affordable(request->task_type, params, request->data.span())) return 0;
    test::native_types();
    test::watch_memory();
    const test::NativeAnswer answer = test::run_natively(*request);
    if (answer.status == Status::kOk) {
        P2C2R_CHECK(answer.error.empty() && answer.field.empty());
    } else {
        P2C2R_CHECK(test::memory_peak() <= kRefusedMemoryMax);
        P2C2R_CHECK(answer.status == Status::kParams || answer.status == Status::kLimit ||
                    answer.status == Status::kSize || answer.status == Status::kUnsupported);
        P2C2R_CHECK(!answer.field.empty() && !answer.error.empty());
    }
    const test::NativeAnswer again = test::run_natively(*request);
    P2C2R_CHECK(again.status == answer.status && again.error == answer.error);
    P2C2R_CHECK(equal(again.info, answer.info) && equal(again.data, answer.data));
    return 0;
}
