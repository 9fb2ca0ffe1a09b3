// What the library needs of its process: forks, signals, the machine.
// Implemented in process_posix.cpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "bindings/c/function_ref.h"

namespace p2c2r::capi {

namespace detail {
extern std::atomic<std::atomic<uint32_t>*> epoch_cell;  // NULL: not made yet, or not possible here
uint32_t find_epoch() noexcept;
}  // namespace detail

// A number that stays the same until the process forks and is another one in the child: a handle
// that remembers it knows whether it was made here. Costs two loads.
inline uint32_t process_epoch() noexcept {
    const auto* cell = detail::epoch_cell.load(std::memory_order_acquire);
    const uint32_t epoch = cell ? cell->load(std::memory_order_relaxed) : 0;
    return epoch != 0 ? epoch : detail::find_epoch();
}

// Starts a thread that blocks all signals from its first instruction on.
std::thread start_quiet_thread(FunctionRef<std::thread()> start);

// A hint to the core that this thread spins.
void relax_core() noexcept;

struct MachineInfo {
    uint32_t cpu_cores = 1;  // that this process may use
    uint64_t ram_bytes = 0;
};
MachineInfo machine_info();

}  // namespace p2c2r::capi
