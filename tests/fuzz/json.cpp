// Fuzz target: JSON text to values and back.
#include <cstdint>

#include "fuzz/value_checks.h"

using namespace p2c2r;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view json(reinterpret_cast<const char*>(data), size);
    test::watch_memory();
    const Result<Bytes> bytes = json_to_value(json);
    P2C2R_CHECK(test::memory_peak() <= static_cast<int64_t>(size) * 12 + 64 * 1024);
    if (!bytes) {
        P2C2R_CHECK(!bytes.error().text.empty());
        return 0;
    }
    // A float of three letters takes nine bytes.
    P2C2R_CHECK(bytes->size() <= size * 3);
    const Result<Value> value = parse_value(bytes->span(), kParamsScan);
    P2C2R_CHECK(value.ok());
    test::check_value(*value);
    test::check_json(*value);
    return 0;
}
