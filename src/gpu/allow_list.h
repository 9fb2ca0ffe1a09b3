// The walk over a module behind check_allow_list(): instruction by instruction, as the SPIRV-Tools
// parser hands them out. Used by module_check.cpp only.
#pragma once

#include <spirv-tools/libspirv.h>

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "gpu/module_check.h"
#include "gpu/spirv_numbers.h"

namespace p2c2r::gpu {

// An integer constant, or every component of a composite of them.
struct Constant {
    uint64_t value = 0;
    uint32_t width = 32;
};

class AllowListChecker {
  public:
    // One instruction; false ends the walk with error().
    bool take(const spv_parsed_instruction_t& instruction);
    // What can only be said at the end.
    bool finish();

    [[nodiscard]] const std::string& error() const { return error_; }
    [[nodiscard]] const ModuleInfo& info() const { return info_; }

  private:
    using Instruction = spv_parsed_instruction_t;

    bool check(const Instruction& instruction);
    bool check_module_level(const Instruction& instruction, bool& known);
    bool check_decoration(const Instruction& instruction, size_t first);
    bool check_constant(const Instruction& instruction);
    bool check_float(const Instruction& instruction);
    bool check_division(const Instruction& instruction, bool is_signed);
    bool check_shift(const Instruction& instruction);
    void note_uses(const Instruction& instruction);
    bool refuse(const Instruction& instruction, const std::string& why);

    static uint32_t word(const Instruction& instruction, size_t operand) {
        return operand < instruction.num_operands
                   ? instruction.words[instruction.operands[operand].offset]
                   : 0;
    }
    static std::string text(const Instruction& instruction, size_t operand);
    [[nodiscard]] uint32_t width_of(uint32_t type) const;

    std::string error_;
    ModuleInfo info_;
    size_t at_ = spirv::kHeaderWords;  // words in front of the present instruction
    uint32_t entry_points_ = 0;
    bool rounds_to_even_ = false;
    bool preserves_ = false;
    std::unordered_map<uint32_t, uint32_t> integer_widths_;          // by type, of components too
    std::unordered_map<uint32_t, std::vector<Constant>> constants_;  // by id, all components
    std::unordered_set<uint32_t> float_types_;
    std::unordered_set<uint32_t> not_contracted_;          // decorated NoContraction
    std::unordered_map<uint32_t, uint32_t> masked_;        // id -> largest value it can have
    std::unordered_map<uint32_t, size_t> atomic_results_;  // id -> where
    std::unordered_set<uint32_t> used_;
};

}  // namespace p2c2r::gpu
