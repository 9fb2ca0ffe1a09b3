// slice_bench: how long kernels hold a device or a thread at a time, and how soon they let go.
//
// A slice is a submission on a Vulkan device, by the device's clock where it has one; natively the
// work between two looks at `stop`, in processor time of the one thread that computes. The longest
// slice of the first run is shown apart: there shaders are compiled and the pace is learned. A run
// is cut short after some time, so that a slow device shows its slices too.
//
// Then runs are cancelled at random moments: "free" is the time from there until run() has returned
// with nothing under way on the device, by the wall clock.
//
// Usage: slice_bench [--device native|vulkan|vulkan:N] [--only PART_OF_A_NAME] [--tries N]
//                    [--seconds N] [--json]
// --seconds (1.0): at most so long a case, twice: for slices, then for cancels. Exit status 0 when
// everything ran.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "clocks.h"
#include "core/prng.h"
#include "slice_cases.h"
#include "watched_device.h"

using namespace p2c2r;
using bench::KernelRun;
using bench::SliceCase;
using bench::wall_ms;

namespace {

struct Options {
    std::string device;  // empty: native and every Vulkan device
    std::string only;
    int tries = 40;
    double seconds = 1.0;
    bool json = false;
};

struct Row {
    std::string name, device;
    double first_ms = 0;  // longest slice of the first run
    double longest_ms = 0, p99_ms = 0, mean_ms = 0;
    double wall_ms = 0;  // longest, with uploads and copies back; Vulkan only
    double run_ms = 0;   // of a whole run, 0: none was finished
    double submissions = 0, read_back_bytes = 0;  // a run; Vulkan only
    std::vector<double> free_ms;
};

double thread_ms() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double percentile(std::vector<double> values, double part) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const double at = part * static_cast<double>(values.size() - 1);
    return values[static_cast<size_t>(at + 0.5)];
}

// ---- slices
// ---------------------------------------------------------------------------------------

// Slices of one run, longest first as they come: natively what lies between two looks.
struct Slices {
    std::vector<double> ms;
    double longest_wall_ms = 0;
    uint64_t read_back_bytes = 0;
};

Result<Done> run_once(const KernelRun& run, bench::WatchedDevice* device, double end_ms,
                      Slices& slices) {
    double last_look = thread_ms();
    const auto stop = [&] {
        const double now = thread_ms();
        if (!device) slices.ms.push_back(now - last_look);
        last_look = now;
        return wall_ms() > end_ms;
    };
    Result<Done> done = run(stop);
    if (!device) {
        slices.ms.push_back(thread_ms() - last_look);
        return done;
    }
    for (const bench::Submission& each : device->take()) {
        slices.ms.push_back(each.ms);
        slices.longest_wall_ms = std::max(slices.longest_wall_ms, each.wall_ms);
        slices.read_back_bytes += each.read_back_bytes;
    }
    return done;
}

bool measure_slices(const KernelRun& run, bench::WatchedDevice* device, const Options& options,
                    Row& row) {
    Slices first;
    const double begin = wall_ms();
    const double limit_ms = options.seconds * 1e3;
    Result<Done> done = run_once(run, device, begin + limit_ms, first);
    if (!done && done.error().status != Status::kCancelled) {
        std::printf("%s on %s: %s\n", row.name.c_str(), row.device.c_str(),
                    done.error().text.c_str());
        return false;
    }
    row.first_ms = *std::max_element(first.ms.begin(), first.ms.end());
    Slices all;
    int finished = 0;
    double finished_ms = 0;
    const double end_ms = wall_ms() + limit_ms;
    while (wall_ms() < end_ms) {
        Slices slices;
        const double start = wall_ms();
        done = run_once(run, device, end_ms, slices);
        all.ms.insert(all.ms.end(), slices.ms.begin(), slices.ms.end());
        all.longest_wall_ms = std::max(all.longest_wall_ms, slices.longest_wall_ms);
        if (!done) continue;
        ++finished;
        finished_ms += wall_ms() - start;
        row.submissions = static_cast<double>(slices.ms.size());
        row.read_back_bytes = static_cast<double>(slices.read_back_bytes);
    }
    if (all.ms.empty()) return true;
    row.longest_ms = percentile(all.ms, 1);
    row.p99_ms = percentile(all.ms, 0.99);
    for (const double ms : all.ms) row.mean_ms += ms / static_cast<double>(all.ms.size());
    row.wall_ms = all.longest_wall_ms;
    if (finished > 0) row.run_ms = finished_ms / finished;
    return true;
}

// ---- cancels
// --------------------------------------------------------------------------------------

void measure_cancels(const KernelRun& run, const Options& options, Row& row) {
    Prng prng(3);
    const double limit_ms = options.seconds * 1e3;
    const double within_ms = std::min(row.run_ms > 0 ? row.run_ms : limit_ms, limit_ms / 4);
    const double end_ms = wall_ms() + limit_ms;
    for (int i = 0; i < options.tries && wall_ms() < end_ms; ++i) {
        std::atomic<double> cancelled_at{0};
        std::atomic<bool> cancelled{false};
        std::mutex mutex;
        std::condition_variable returned;
        bool is_over = false;
        const double moment_ms = within_ms * prng.unit();
        std::thread owner([&] {
            std::unique_lock lock(mutex);
            const auto delay = std::chrono::duration<double, std::milli>(moment_ms);
            if (returned.wait_for(lock, delay, [&] { return is_over; })) return;
            cancelled_at = wall_ms();
            cancelled = true;
        });
        const Result<Done> done = run([&] { return cancelled.load(); });
        const double now = wall_ms();
        {
            const std::lock_guard lock(mutex);
            is_over = true;
        }
        returned.notify_one();
        owner.join();
        // It may have ended by itself just before, or just after.
        if (cancelled_at > 0 && cancelled_at <= now) row.free_ms.push_back(now - cancelled_at);
        if (!done && done.error().status != Status::kCancelled) return;
    }
}

// ---- output
// ---------------------------------------------------------------------------------------

void print(const Row& row) {
    std::printf("%-30s %-9s %8.2f %8.2f %8.2f %8.2f %8.2f %9.1f %7.0f %9.0f %8.2f %7.2f %7.2f\n",
                row.name.c_str(), row.device.c_str(), row.first_ms, row.longest_ms, row.p99_ms,
                row.mean_ms, row.wall_ms, row.run_ms, row.submissions, row.read_back_bytes / 1024,
                percentile(row.free_ms, 0.5), percentile(row.free_ms, 0.99),
                percentile(row.free_ms, 1));
    std::fflush(stdout);
}

void print_json(const std::vector<Row>& rows) {
    std::printf("[");
    const char* separator = "";
    for (const Row& row : rows) {
        std::printf(
            "%s{\"kernel\": \"%s\", \"device\": \"%s\", \"first_ms\": %.3f, \"longest_ms\": %.3f, "
            "\"p99_ms\": %.3f, \"mean_ms\": %.3f, \"longest_wall_ms\": %.3f, \"run_ms\": %.3f, "
            "\"submissions\": %.0f, \"read_back_bytes\": %.0f, \"cancels\": %zu, \"free_p50_ms\": "
            "%.3f, \"free_p99_ms\": %.3f, \"free_max_ms\": %.3f}",
            separator, row.name.c_str(), row.device.c_str(), row.first_ms, row.longest_ms,
            row.p99_ms, row.mean_ms, row.wall_ms, row.run_ms, row.submissions, row.read_back_bytes,
            row.free_ms.size(), percentile(row.free_ms, 0.5), percentile(row.free_ms, 0.99),
            percentile(row.free_ms, 1));
        separator = ", ";
    }
    std::printf("]\n");
}

bool measure(const SliceCase& one, const std::string& name,
             const std::shared_ptr<gpu::Device>& device, const Options& options,
             std::vector<Row>& rows) {
    Row row;
    row.name = one.name;
    row.device = name;
    std::shared_ptr<bench::WatchedDevice> watched;
    KernelRun run = one.native;
    if (device) {
        watched = std::make_shared<bench::WatchedDevice>(device);
        Result<KernelRun> made = one.on_gpu(watched);
        if (!made) {
            std::printf("%s on %s: %s\n", one.name.c_str(), name.c_str(),
                        made.error().text.c_str());
            return false;
        }
        run = std::move(*made);
    }
    if (!measure_slices(run, watched.get(), options, row)) return false;
    measure_cancels(run, options, row);
    print(row);
    rows.push_back(std::move(row));
    return true;
}

bool read_options(int argc, char** argv, Options& options) {
    for (int i = 1; i < argc; ++i) {
        const std::string key = argv[i];
        if (key == "--json") {
            options.json = true;
            continue;
        }
        if (i + 1 == argc) return false;
        const std::string value = argv[++i];
        if (key == "--device") {
            options.device = value;
        } else if (key == "--only") {
            options.only = value;
        } else if (key == "--tries") {
            options.tries = std::atoi(value.c_str());
        } else if (key == "--seconds") {
            options.seconds = std::atof(value.c_str());
        } else {
            return false;
        }
    }
    return options.seconds > 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!read_options(argc, argv, options)) {
        std::fprintf(stderr,
                     "usage: slice_bench [--device native|vulkan|vulkan:N] [--only PART_OF_A_NAME] "
                     "[--tries N] [--seconds N] [--json]\n");
        return 2;
    }
    std::printf("%-30s %-9s %8s %8s %8s %8s %8s %9s %7s %9s %8s %7s %7s\n", "milliseconds", "",
                "first", "longest", "p99", "mean", "by wall", "a run", "slices", "KiB back",
                "free p50", "p99", "max");
    const std::vector<SliceCase> cases = bench::make_slice_cases(options.only);
    std::vector<Row> rows;
    bool good = !cases.empty();
    const auto wants = [&](const std::string& name) {
        return options.device.empty() || name.rfind(options.device, 0) == 0;
    };
    if (wants("native")) {
        for (const SliceCase& one : cases) {
            good = measure(one, "native", nullptr, options, rows) && good;
        }
    }
    const bool needs_vulkan = options.device.rfind("vulkan", 0) == 0;
    const Result<std::unique_ptr<gpu::Devices>> devices = gpu::Devices::open({});
    if (!devices) {
        std::printf("Vulkan: %s\n", devices.error().text.c_str());
        good = good && !needs_vulkan;
    }
    for (size_t i = 0; devices && i < (*devices)->list().size(); ++i) {
        const std::string name = "vulkan:" + std::to_string(i);
        if (!wants(name)) continue;
        std::printf("%s: %s\n", name.c_str(), (*devices)->list()[i].name.c_str());
        const Result<std::shared_ptr<gpu::Device>> device = (*devices)->device(i);
        if (!device) {
            std::printf("%s\n", device.error().text.c_str());
            good = false;
            continue;
        }
        for (const SliceCase& one : cases) {
            if (!one.on_gpu) continue;
            good = measure(one, name, *device, options, rows) && good;
        }
    }
    if (options.json) print_json(rows);
    return good ? 0 : 1;
}
