#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "process_figures.h"

namespace bench {

uint64_t now_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000000000ull + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t process_cpu_ns(int pid) {
    char path[320];
    std::snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR* threads = opendir(path);
    if (!threads) return 0;
    uint64_t sum = 0;
    while (const dirent* entry = readdir(threads)) {
        if (entry->d_name[0] == '.') continue;
        std::snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, entry->d_name);
        std::FILE* file = std::fopen(path, "r");
        if (!file) continue;
        unsigned long long ran = 0;
        if (std::fscanf(file, "%llu", &ran) == 1) sum += ran;
        std::fclose(file);
    }
    closedir(threads);
    return sum;
}

long status_kb(int pid, const char* key) {
    char line[256];
    std::snprintf(line, sizeof line, "/proc/%d/status", pid);
    std::FILE* file = std::fopen(line, "r");
    if (!file) return -1;
    long value = -1;
    const size_t length = std::strlen(key);
    while (std::fgets(line, sizeof line, file)) {
        if (std::strncmp(line, key, length) == 0 && line[length] == ':') {
            value = std::atol(line + length + 1);
        }
    }
    std::fclose(file);
    return value;
}

void Snapshot::take(const std::vector<int>& pids) {
    at_ns = now_ns();
    broker_ns = pids.empty() ? 0 : process_cpu_ns(pids[0]);
    workers_ns = 0;
    for (size_t i = 1; i < pids.size(); ++i) workers_ns += process_cpu_ns(pids[i]);
    self_ns = process_cpu_ns(getpid());
    std::FILE* file = std::fopen("/proc/stat", "r");
    if (!file) return;
    unsigned long long user, nice, system, idle, wait, irq, softirq, stolen;
    if (std::fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system,
                    &idle, &wait, &irq, &softirq, &stolen) == 8) {
        const uint64_t tick_ns = 1000000000ull / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
        busy_ns = (user + nice + system + irq + softirq) * tick_ns;
        steal_ns = stolen * tick_ns;
    }
    std::fclose(file);
}

}  // namespace bench
