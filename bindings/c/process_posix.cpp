#include "bindings/c/process.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

namespace p2c2r::capi {

// ---- forks ------------------------------------------------------------------------------------
// One page that the kernel empties in a child. It holds the number of this process; finding zero
// there means that nobody has asked since the fork (or ever), and the next number is written. The
// page stays until the process ends: handles may be asked about at any time.

using EpochCell = std::atomic<uint32_t>;
static_assert(EpochCell::is_always_lock_free);

namespace detail {
constinit std::atomic<EpochCell*> epoch_cell{nullptr};
}

namespace {

std::atomic<uint32_t> epoch_last{0};
std::atomic<pid_t> epoch_pid{0};  // where the kernel cannot empty pages

uint32_t next_epoch() noexcept {
    return epoch_last.fetch_add(1, std::memory_order_relaxed) + 1;
}

EpochCell* make_epoch_cell() noexcept {
    const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void* page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return nullptr;
    if (madvise(page, size, MADV_WIPEONFORK) != 0) {
        munmap(page, size);
        return nullptr;
    }
    EpochCell* cell = new (page) EpochCell(0);
    EpochCell* expected = nullptr;
    if (!detail::epoch_cell.compare_exchange_strong(expected, cell, std::memory_order_acq_rel)) {
        munmap(page, size);
        return expected;
    }
    return cell;
}

uint32_t epoch_by_pid() noexcept {
    const pid_t pid = getpid();
    pid_t known = epoch_pid.load(std::memory_order_acquire);
    if (known != pid && epoch_pid.compare_exchange_strong(known, pid)) next_epoch();
    return epoch_last.load(std::memory_order_acquire);
}

}  // namespace

uint32_t detail::find_epoch() noexcept {
    EpochCell* cell = epoch_cell.load(std::memory_order_acquire);
    if (!cell) cell = make_epoch_cell();
    if (!cell) return epoch_by_pid();
    uint32_t epoch = cell->load(std::memory_order_acquire);
    if (epoch != 0) return epoch;
    const uint32_t next = next_epoch();
    return cell->compare_exchange_strong(epoch, next) ? next : epoch;
}

// ---- signals ----------------------------------------------------------------------------------

std::thread start_quiet_thread(FunctionRef<std::thread()> start) {
    struct Restore {
        sigset_t old;
        ~Restore() { pthread_sigmask(SIG_SETMASK, &old, nullptr); }
    } restore;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &restore.old);
    return start();
}

// ---- the machine ------------------------------------------------------------------------------

void relax_core() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ __volatile__("yield");
#endif
}

MachineInfo machine_info() {
    MachineInfo info;
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) == 0) {
        info.cpu_cores = static_cast<uint32_t>(CPU_COUNT(&cores));
    } else if (const long online = sysconf(_SC_NPROCESSORS_ONLN); online > 0) {
        info.cpu_cores = static_cast<uint32_t>(online);
    }
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page_size = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page_size > 0) {
        info.ram_bytes = static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_size);
    }
    return info;
}

}  // namespace p2c2r::capi
