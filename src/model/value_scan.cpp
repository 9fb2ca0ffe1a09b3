// The scanner: one walk over bytes that nobody vouches for.
//
// What it believes is what it can see. A container announces values that have yet to come, each at
// least one byte long; so the values announced by all open containers together can never be more
// than the bytes that remain. One comparison per container keeps that true, and with it no count in
// the input can make anybody reserve more memory than a small multiple of what was really sent.
//
// Keys in ascending order show by themselves that none comes twice. In a small map any other key is
// compared with all before it. Only large maps in another order need a second walk, which sorts the
// hashes of their keys: eight bytes a field.
#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "core/check.h"
#include "core/hash.h"
#include "core/utf8.h"
#include "model/value.h"
#include "model/value_head.h"
#include "model/value_path.h"

namespace p2c2r {

namespace {

using detail::HeadForm;
using detail::kHeadForms;

constexpr uint32_t kDepthLimit = 64;
constexpr size_t kKeysOnStack = 128;      // of the second walk
constexpr uint32_t kSmallMapFields = 32;  // compared one by one
constexpr uint32_t kSmallMapKeys = 256;   // of all small maps that are open
constexpr uint32_t kScalarsPerLook = 16'384;
constexpr uint64_t kNsPerByte = 2;

std::string quoted(std::string_view text) {
    constexpr size_t kShown = 64;
    if (text.size() <= kShown) return "'" + std::string(text) + "'";
    size_t cut = kShown;
    while (cut > 0 && (static_cast<uint8_t>(text[cut]) & 0xC0) == 0x80) --cut;
    return "'" + std::string(text.substr(0, cut)) + "...'";
}

std::string key_text(const uint8_t* key) {
    if (kHeadForms[*key].kind == ValueKind::kText) return quoted(detail::read_text(key));
    const detail::IntegerBits value = detail::read_integer(key);
    return value.negative ? std::to_string(static_cast<int64_t>(value.bits))
                          : std::to_string(value.bits);
}

bool is_finite(const uint8_t* at) {
    return *at == 0xca ? (detail::read_u32(at + 1) & 0x7f800000u) != 0x7f800000u
                       : (detail::read_u64(at + 1) & 0x7ff0000000000000u) != 0x7ff0000000000000u;
}

class Scanner {
  public:
    Scanner(std::span<const uint8_t> bytes, const ScanLimits& limits, StopLooks* looks)
        : limits_(limits),
          looks_(looks),
          start_(bytes.data()),
          at_(bytes.data()),
          end_(bytes.data() + std::min<uint64_t>(bytes.size(), limits.size_max)),
          cut_by_limit_(bytes.size() > limits.size_max) {
        P2C2R_CHECK(limits.depth_max <= kDepthLimit && limits.size_max <= UINT32_MAX);
    }

    Result<ScanReport> run();

  private:
    struct Open {
        uint64_t left;           // values still to come
        const uint8_t* key_top;  // the highest key of a map so far
        uint32_t fields;         // of a map, 0 for an array
        uint32_t small_first;    // a small map's first place in small_keys_
        uint32_t small_count;    // and how many keys it has there
        bool is_map;
        bool is_small;
    };

    bool scan_one();
    bool scan_key(const HeadForm& form, Open& map);
    bool scan_text(const HeadForm& form);
    bool open_container(const HeadForm& form);
    bool is_given(Open& map);
    void skip_scalars(Open& array);
    bool find_twice();
    [[nodiscard]] uint64_t key_entry(const uint8_t* key) const;
    [[nodiscard]] const uint8_t* find_equal(std::span<uint64_t> entries) const;

    [[nodiscard]] size_t left() const { return static_cast<size_t>(end_ - at_); }
    bool fail(Status status, std::string what, const uint8_t* where);
    bool fail_cut(const char* what, uint64_t needed);

    const ScanLimits& limits_;
    StopLooks* const looks_;  // may be NULL
    const uint8_t* const start_;
    const uint8_t* at_;
    const uint8_t* const end_;
    const bool cut_by_limit_;

    uint64_t owed_ = 1;      // values announced and not yet begun
    uint64_t elements_ = 1;  // values announced in all
    uint32_t depth_ = 0;
    uint32_t depth_seen_ = 0;
    uint64_t keys_open_ = 0;  // fields of the maps that are open
    uint64_t keys_open_seen_ = 0;
    uint32_t small_used_ = 0;
    bool unsorted_ = false;  // keys of some map that is not small do not ascend
    Error error_;
    std::array<Open, kDepthLimit> open_;
    std::array<const uint8_t*, kSmallMapKeys> small_keys_;
};

bool Scanner::fail(Status status, std::string what, const uint8_t* where) {
    what += " at byte ";
    what += std::to_string(where - start_);
    const bool has_names = limits_.keys == ScanLimits::Keys::kTexts;
    std::string place = has_names ? detail::value_path(start_, where) : "";
    error_ = field_error(status, std::move(place), std::move(what));
    return false;
}

bool Scanner::fail_cut(const char* what, uint64_t needed) {
    if (cut_by_limit_) {
        error_ = make_error(Status::kLimit, "the value is longer than the limit of " +
                                                std::to_string(limits_.size_max) + " bytes");
        return false;
    }
    return fail(Status::kParams,
                std::string(what) + " needs " + std::to_string(needed) + " bytes but only " +
                    std::to_string(left()) + " remain",
                at_);
}

Result<ScanReport> Scanner::run() {
    if (cut_by_limit_ && limits_.trailing == ScanLimits::Trailing::kRefused) {
        fail_cut("the value", 0);
        return std::move(error_);
    }
    do {
        const uint8_t* const before = at_;
        if (!scan_one()) return std::move(error_);
        if (depth_ > 0 && !open_[depth_ - 1].is_map) skip_scalars(open_[depth_ - 1]);
        while (depth_ > 0 && open_[depth_ - 1].left == 0) {
            const Open& closed = open_[--depth_];
            keys_open_ -= closed.fields;
            small_used_ = closed.small_first;
        }
        if (looks_ && looks_->after(static_cast<uint64_t>(at_ - before) * kNsPerByte)) {
            return make_error(Status::kCancelled, "the task was cancelled");
        }
    } while (depth_ > 0);
    if (at_ != end_ && limits_.trailing == ScanLimits::Trailing::kRefused) {
        fail(Status::kParams, std::to_string(left()) + " bytes follow the value", at_);
        return std::move(error_);
    }
    if (unsorted_ && !find_twice()) return std::move(error_);
    return ScanReport{static_cast<size_t>(at_ - start_), elements_, depth_seen_};
}

bool Scanner::scan_one() {
    if (at_ == end_) return fail_cut("a value", 1);
    const HeadForm form = kHeadForms[*at_];
    if (!form.valid) {
        return fail(Status::kParams,
                    *at_ == 0xc1 ? "0xc1 is not a value" : "extension types are not accepted", at_);
    }
    if (left() < form.size) return fail_cut(value_kind_name(form.kind), form.size);
    --owed_;
    if (depth_ > 0) {
        Open& parent = open_[depth_ - 1];
        const bool is_key = parent.is_map && parent.left % 2 == 0;
        --parent.left;
        if (is_key && !scan_key(form, parent)) return false;
    }
    switch (form.kind) {
        case ValueKind::kNil:
        case ValueKind::kBool:
        case ValueKind::kInteger:
            break;
        case ValueKind::kFloat:
            if (!is_finite(at_)) {
                return fail(Status::kParams, "a float is not a number or infinite", at_);
            }
            break;
        case ValueKind::kText:
            return scan_text(form);
        case ValueKind::kBytes: {
            const uint64_t size = form.size + uint64_t{detail::head_length(at_, form)};
            if (size > left()) return fail_cut("bytes", size);
            at_ += size;
            return true;
        }
        case ValueKind::kArray:
        case ValueKind::kMap:
            return open_container(form);
    }
    at_ += form.size;
    return true;
}

// A run of plain scalars in an array, which is what large values are made of. Stops before anything
// else, broken values included, and for a look after so many.
void Scanner::skip_scalars(Open& array) {
    const uint8_t* at = at_;
    uint64_t left = array.left;
    const uint64_t left_then = left - std::min<uint64_t>(left, kScalarsPerLook);
    for (; left > left_then && at < end_; --left) {
        const HeadForm form = kHeadForms[*at];
        if (form.kind >= ValueKind::kText || !form.valid || form.size > end_ - at) break;
        if (form.kind == ValueKind::kFloat && !is_finite(at)) break;
        at += form.size;
    }
    owed_ -= array.left - left;
    array.left = left;
    at_ = at;
}

bool Scanner::scan_text(const HeadForm& form) {
    const uint64_t size = form.size + uint64_t{detail::head_length(at_, form)};
    if (size > left()) return fail_cut("a text", size);
    if (!is_utf8(detail::read_text(at_))) {
        return fail(Status::kParams, "a text is not UTF-8", at_);
    }
    at_ += size;
    return true;
}

bool Scanner::scan_key(const HeadForm& form, Open& map) {
    const bool texts = limits_.keys == ScanLimits::Keys::kTexts;
    if (form.kind != (texts ? ValueKind::kText : ValueKind::kInteger)) {
        return fail(Status::kParams,
                    std::string("a key is ") + value_kind_name(form.kind) + " and not " +
                        (texts ? "a text" : "an integer"),
                    at_);
    }
    if (texts) {
        // Its length is looked at before its bytes are compared.
        const uint64_t size = form.size + uint64_t{detail::head_length(at_, form)};
        if (size > left()) return fail_cut("a key", size);
    }
    if (is_given(map)) {
        return fail(Status::kParams, "the key " + key_text(at_) + " is given twice", at_);
    }
    return true;
}

// Whether the key at at_ is known to have come before in this map.
bool Scanner::is_given(Open& map) {
    const uint8_t** const keys = small_keys_.data() + map.small_first;
    const int order = map.key_top ? detail::compare_keys(map.key_top, at_) : -1;
    if (order == 0) return true;
    if (order < 0) {
        map.key_top = at_;
    } else if (!map.is_small) {
        unsorted_ = true;
    } else {
        for (uint32_t i = 0; i < map.small_count; ++i) {
            if (detail::compare_keys(keys[i], at_) == 0) return true;
        }
    }
    if (map.is_small) keys[map.small_count++] = at_;
    return false;
}

bool Scanner::open_container(const HeadForm& form) {
    const bool is_map = form.kind == ValueKind::kMap;
    const uint32_t count = detail::head_length(at_, form);
    const uint64_t values = detail::values_inside(form.kind, count);
    const uint64_t remaining = left() - form.size;
    const auto what = [&] {
        return (is_map ? "a map of " : "an array of ") + std::to_string(count) +
               (is_map ? " fields" : " items");
    };
    if (owed_ + values > remaining) {
        if (cut_by_limit_) return fail_cut("", 0);
        return fail(
            Status::kParams,
            what() + " does not fit into the " + std::to_string(remaining) + " bytes that remain",
            at_);
    }
    if (count > (is_map ? limits_.map_max : limits_.array_max)) {
        return fail(Status::kLimit,
                    what() + " exceeds the limit of " +
                        std::to_string(is_map ? limits_.map_max : limits_.array_max),
                    at_);
    }
    elements_ += values;
    if (elements_ > limits_.elements_max) {
        return fail(Status::kLimit,
                    "with " + what() + " the value has more than " +
                        std::to_string(limits_.elements_max) + " elements",
                    at_);
    }
    if (depth_ == limits_.depth_max) {
        return fail(Status::kLimit,
                    what() + " is nested more than " + std::to_string(limits_.depth_max) + " deep",
                    at_);
    }
    owed_ += values;
    Open& open = open_[depth_++];
    open = {
        .left = values, .fields = is_map ? count : 0, .small_first = small_used_, .is_map = is_map};
    depth_seen_ = std::max(depth_seen_, depth_);
    if (is_map) {
        keys_open_ += count;
        keys_open_seen_ = std::max(keys_open_seen_, keys_open_);
        open.is_small = count <= kSmallMapFields && count <= kSmallMapKeys - small_used_;
        if (open.is_small) small_used_ += count;
    }
    at_ += form.size;
    return true;
}

// The second walk, over bytes that are known to be sound: the keys of each map are gathered while
// it is open, and compared when it ends. An entry is a key's hash above its place, so that sorting
// does not jump around in the input; only keys of equal hash are looked at again.
bool Scanner::find_twice() {
    std::array<uint64_t, kKeysOnStack> on_stack;
    std::unique_ptr<uint64_t[]> on_heap;
    uint64_t* keys = on_stack.data();
    if (keys_open_seen_ > on_stack.size()) {
        on_heap = std::make_unique_for_overwrite<uint64_t[]>(keys_open_seen_);
        keys = on_heap.get();
    }
    size_t key_count = 0;
    uint32_t depth = 0;
    const uint8_t* at = start_;
    do {
        if (depth > 0) {
            Open& parent = open_[depth - 1];
            if (parent.is_map && parent.left % 2 == 0) keys[key_count++] = key_entry(at);
            --parent.left;
        }
        const HeadForm form = kHeadForms[*at];
        if (detail::is_container(form.kind)) {
            const uint32_t count = detail::head_length(at, form);
            const bool is_map = form.kind == ValueKind::kMap;
            open_[depth++] = {.left = detail::values_inside(form.kind, count),
                              .fields = is_map ? count : 0,
                              .is_map = is_map};
            at += form.size;
        } else {
            at = detail::value_end(at, end_);
        }
        for (; depth > 0 && open_[depth - 1].left == 0; --depth) {
            const size_t fields = open_[depth - 1].fields;
            key_count -= fields;
            if (const uint8_t* twice = find_equal({keys + key_count, fields})) {
                return fail(Status::kParams, "the key " + key_text(twice) + " is given twice",
                            twice);
            }
        }
    } while (depth > 0);
    return true;
}

uint64_t Scanner::key_entry(const uint8_t* key) const {
    uint64_t hash;
    if (kHeadForms[*key].kind == ValueKind::kText) {
        const std::string_view text = detail::read_text(key);
        hash = hash64({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    } else {
        hash = detail::read_integer(key).bits * 0x9E3779B97F4A7C15ull;
    }
    return (hash & 0xFFFFFFFF00000000u) | static_cast<uint64_t>(key - start_);
}

// The later one of two equal keys, or NULL.
const uint8_t* Scanner::find_equal(std::span<uint64_t> entries) const {
    const auto key_of = [this](uint64_t entry) { return start_ + (entry & 0xFFFFFFFFu); };
    std::sort(entries.begin(), entries.end());
    for (size_t first = 0; first < entries.size();) {
        size_t last = first + 1;
        while (last < entries.size() && entries[last] >> 32 == entries[first] >> 32) ++last;
        const auto alike = entries.subspan(first, last - first);
        if (alike.size() > 1) {
            std::sort(alike.begin(), alike.end(), [&](uint64_t a, uint64_t b) {
                const int order = detail::compare_keys(key_of(a), key_of(b));
                return order != 0 ? order < 0 : a < b;
            });
        }
        for (size_t i = 1; i < alike.size(); ++i) {
            if (detail::compare_keys(key_of(alike[i - 1]), key_of(alike[i])) == 0) {
                return key_of(alike[i]);
            }
        }
        first = last;
    }
    return nullptr;
}

}  // namespace

Result<ScanReport> scan_value(std::span<const uint8_t> bytes, const ScanLimits& limits,
                              StopLooks* looks) {
    return Scanner(bytes, limits, looks).run();
}

}  // namespace p2c2r
