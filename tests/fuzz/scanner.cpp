// Fuzz target: the scanner and all that reads what it accepts. The first byte chooses the limits,
// the rest is the value.
#include <cstdint>
#include <cstring>

#include "fuzz/value_checks.h"

using namespace p2c2r;

namespace {

ScanLimits limits_of(uint8_t choice) {
    ScanLimits limits = choice & 1 ? kEnvelopeScan : kParamsScan;
    if (choice & 2) limits.trailing = ScanLimits::Trailing::kAllowed;
    if (choice & 4) limits.size_max = 40;
    if (choice & 8) limits.elements_max = 30;
    if (choice & 16) limits.depth_max = 3;
    return limits;
}

void check_canonical(const Value& value) {
    const Bytes canonical = canonical_value(value);
    P2C2R_CHECK(canonical.size() <= value.encoded().size());
    ScanLimits limits = kParamsScan;
    if (value.is(ValueKind::kMap)) limits.keys = ScanLimits::Keys::kTexts;
    const Result<Value> back = parse_value(canonical.span(), limits);
    if (!back) return;  // integer keys
    P2C2R_CHECK(test::same(canonical_value(*back).span(), canonical.span()));
}

void read_params(std::span<const uint8_t> bytes) {
    ParamsReader reader(bytes);
    reader.integer("width", 1, 8192, 640);
    reader.number("scale", 0, 1, 0.5);
    reader.boolean("exact", false);
    reader.text("name", 16, "none");
    reader.choice("quality", {"fast", "balanced", "quality"}, "balanced");
    reader.bytes("blob", 16, false);
    int64_t size[2];
    reader.integers("output_res", size, 1, 8192, false);
    for (ParamsReader object : reader.maps("objects", 8, false)) {
        double position[3];
        object.numbers("position", position, -100, 100);
        object.done();
    }
    const bool good = reader.ok();
    const Result<Done> done = reader.finish();
    P2C2R_CHECK(good || !done.ok());
    if (!done) P2C2R_CHECK(!done.error().text.empty() && !done.error().field.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const ScanLimits limits = limits_of(data[0]);
    const std::span<const uint8_t> bytes(data + 1, size - 1);
    test::watch_memory();
    const Result<ScanReport> scanned = scan_value(bytes, limits);
    if (!scanned) {
        P2C2R_CHECK(!scanned.error().text.empty());
    } else {
        P2C2R_CHECK(scanned->size <= bytes.size() && scanned->size <= limits.size_max);
        P2C2R_CHECK(scanned->elements <= limits.elements_max && scanned->depth <= limits.depth_max);
        const Value value(bytes.first(scanned->size));
        P2C2R_CHECK(test::check_value(value) == scanned->size);
        check_canonical(value);
    }
    read_params(bytes);
    P2C2R_CHECK(test::memory_peak() <= static_cast<int64_t>(size) * 4 + 64 * 1024);
    // Slow, and the target of JSON does it too.
    if (scanned && data[0] & 32 && limits.depth_max <= kParamsScan.depth_max) {
        test::check_json(Value(bytes.first(scanned->size)));
    }
    return 0;
}
