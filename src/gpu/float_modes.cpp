#include "gpu/float_modes.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "gpu/spirv_numbers.h"

namespace p2c2r::gpu {

namespace {

using namespace spirv;

constexpr char kFloatControls[] = "SPV_KHR_float_controls";

struct Instruction {
    uint32_t op = 0;
    std::span<const uint32_t> words;  // the first holds op and count

    [[nodiscard]] uint32_t word(size_t index) const {
        return index < words.size() ? words[index] : 0;
    }
};

// Calls `each` with every instruction and the place of its first word; false where the words end
// inside an instruction.
template <class Each>
bool walk(std::span<const uint32_t> words, const Each& each) {
    if (words.size() < kHeaderWords || words[0] != kMagic) return false;
    for (size_t at = kHeaderWords; at < words.size();) {
        const size_t count = words[at] >> 16;
        if (count == 0 || count > words.size() - at) return false;
        each(Instruction{words[at] & 0xFFFF, words.subspan(at, count)}, at);
        at += count;
    }
    return true;
}

bool is_float_arithmetic(uint32_t op) {
    switch (op) {
        case kOpFNegate:
        case kOpFAdd:
        case kOpFSub:
        case kOpFMul:
        case kOpFDiv:
        case kOpFRem:
        case kOpFMod:
            return true;
        default:
            return op >= kOpVectorTimesScalar && op <= kOpDot;
    }
}

// What stands between the execution modes and the decorations.
bool is_debug(uint32_t op) {
    return (op >= kOpSourceContinued && op <= kOpString) || op == kOpModuleProcessed;
}

void append(std::vector<uint32_t>& words, uint32_t op, std::initializer_list<uint32_t> operands) {
    words.push_back(static_cast<uint32_t>(operands.size() + 1) << 16 | op);
    words.insert(words.end(), operands);
}

void append_extension(std::vector<uint32_t>& words) {
    // The zero behind the text is part of it, and fills the last word up.
    const size_t text_words = sizeof kFloatControls / 4 + (sizeof kFloatControls % 4 ? 1 : 0);
    words.push_back(static_cast<uint32_t>(text_words + 1) << 16 | kOpExtension);
    for (size_t i = 0; i < text_words; ++i) {
        uint32_t word = 0;
        for (size_t byte = 0; byte < 4; ++byte) {
            const size_t at = i * 4 + byte;
            if (at >= sizeof kFloatControls) continue;
            word |= uint32_t{static_cast<uint8_t>(kFloatControls[at])} << byte * 8;
        }
        words.push_back(word);
    }
}

constexpr uint32_t kModes[] = {kModeRoundingModeRte, kModeSignedZeroInfNanPreserve};
constexpr uint32_t kModeCapabilities[] = {kCapabilityRoundingModeRte,
                                          kCapabilitySignedZeroInfNanPreserve};

// What a module has, and the places where more of each kind belongs.
class Pinner {
  public:
    void take(const Instruction& instruction, size_t at);
    // Capabilities, extensions, modes and decorations stand in this order.
    [[nodiscard]] bool is_in_order() const {
        return capabilities_end_ <= extensions_end_ && extensions_end_ <= modes_end_ &&
               (decorations_begin_ == 0 || modes_end_ <= decorations_begin_);
    }
    [[nodiscard]] std::vector<uint32_t> write(std::span<const uint32_t> words) const;

  private:
    struct Mode {
        uint32_t entry_point;
        uint32_t mode;
        bool operator==(const Mode&) const = default;
    };

    std::unordered_set<uint32_t> capabilities_;
    bool has_extension_ = false;
    bool has_float32_ = false;
    std::vector<uint32_t> entry_points_;
    std::vector<Mode> modes_;
    std::unordered_set<uint32_t> pinned_;  // ids that are decorated already
    std::vector<uint32_t> arithmetic_;     // ids of float arithmetic
    size_t capabilities_end_ = kHeaderWords;
    size_t extensions_end_ = kHeaderWords;
    size_t modes_end_ = kHeaderWords;
    size_t decorations_begin_ = 0;
};

void Pinner::take(const Instruction& instruction, size_t at) {
    const size_t end = at + instruction.words.size();
    switch (instruction.op) {
        case kOpCapability:
            capabilities_.insert(instruction.word(1));
            capabilities_end_ = end;
            extensions_end_ = std::max(extensions_end_, end);
            break;
        case kOpExtension: {
            std::vector<uint32_t> wanted;
            append_extension(wanted);
            has_extension_ |= std::equal(wanted.begin(), wanted.end(), instruction.words.begin(),
                                         instruction.words.end());
            extensions_end_ = end;
            break;
        }
        case kOpEntryPoint:
            entry_points_.push_back(instruction.word(2));
            modes_end_ = end;
            break;
        case kOpExecutionMode:
            if (instruction.word(3) == 32) {
                modes_.push_back({instruction.word(1), instruction.word(2)});
            }
            modes_end_ = end;
            break;
        case kOpTypeFloat:
            has_float32_ |= instruction.word(2) == 32;
            break;
        case kOpDecorate:
            if (instruction.word(2) == kDecorationNoContraction) {
                pinned_.insert(instruction.word(1));
            }
            break;
        default:
            if (is_float_arithmetic(instruction.op)) arithmetic_.push_back(instruction.word(2));
            break;
    }
    const bool follows_modes = modes_end_ > kHeaderWords && at >= modes_end_;
    if (decorations_begin_ == 0 && follows_modes && !is_debug(instruction.op)) {
        decorations_begin_ = at;
    }
}

std::vector<uint32_t> Pinner::write(std::span<const uint32_t> words) const {
    std::vector<uint32_t> result;
    size_t copied = 0;
    const auto copy_until = [&](size_t end) {
        result.insert(result.end(), words.begin() + static_cast<std::ptrdiff_t>(copied),
                      words.begin() + static_cast<std::ptrdiff_t>(end));
        copied = end;
    };
    if (has_float32_) {
        copy_until(capabilities_end_);
        for (const uint32_t capability : kModeCapabilities) {
            if (!capabilities_.count(capability)) append(result, kOpCapability, {capability});
        }
        copy_until(extensions_end_);
        if (!has_extension_) append_extension(result);
        copy_until(modes_end_);
        for (const uint32_t entry_point : entry_points_) {
            for (const uint32_t mode : kModes) {
                const Mode wanted{entry_point, mode};
                if (std::find(modes_.begin(), modes_.end(), wanted) != modes_.end()) continue;
                append(result, kOpExecutionMode, {entry_point, mode, 32});
            }
        }
    }
    if (decorations_begin_ != 0) {
        copy_until(decorations_begin_);
        for (const uint32_t id : arithmetic_) {
            if (!pinned_.count(id)) append(result, kOpDecorate, {id, kDecorationNoContraction});
        }
    }
    copy_until(words.size());
    return result;
}

}  // namespace

Result<std::vector<uint32_t>> pin_float_modes(std::span<const uint32_t> words) {
    Pinner pinner;
    const bool whole = walk(
        words, [&](const Instruction& instruction, size_t at) { pinner.take(instruction, at); });
    if (!whole || !pinner.is_in_order()) {
        return make_error(Status::kKernel, "not a SPIR-V module: the " +
                                               std::to_string(words.size()) + " words are " +
                                               (whole ? "not in order" : "no whole instructions"));
    }
    return pinner.write(words);
}

Result<Done> check_float_modes(std::span<const uint32_t> words, const DeviceInfo& device) {
    const char* missing = nullptr;
    const bool whole = walk(words, [&](const Instruction& instruction, size_t) {
        if (instruction.op != kOpCapability) return;
        const uint32_t capability = instruction.word(1);
        if (capability == kCapabilityRoundingModeRte && !device.rounding_mode_rte32) {
            missing = "rounding to nearest even";
        }
        if (capability == kCapabilitySignedZeroInfNanPreserve &&
            !device.signed_zero_inf_nan_preserve32) {
            missing = "signed zeros, infinities and NaN";
        }
    });
    if (!whole) return make_error(Status::kKernel, "not a SPIR-V module");
    if (!missing) return Done{};
    return make_error(Status::kUnsupported, device.name + " does not promise " + missing +
                                                " for float32, which this shader needs");
}

}  // namespace p2c2r::gpu
