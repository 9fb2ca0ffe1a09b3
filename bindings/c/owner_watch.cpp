#include "bindings/c/owner_watch.h"

#include <chrono>
#include <ctime>
#include <filesystem>

#include "bindings/c/clock.h"

namespace p2c2r::capi {

namespace {

using std::chrono::milliseconds;

// With tasks under way an owner who comes back is seen within a quarter of a frame. Without, it is
// enough to know before the next task comes.
constexpr milliseconds kBusyLook{4};
constexpr milliseconds kCalmLook{50};
constexpr milliseconds kBlindLook{250};  // no display: nothing that has to be fast
constexpr uint64_t kWindowsUs = 250'000;
constexpr uint64_t kMachineUs = 1'000'000;
constexpr uint64_t kDisplayAgainUs = 5'000'000;
constexpr uint64_t kNetworkUs = 10'000'000;
// X counts in milliseconds: what is less is the same input.
constexpr uint64_t kInputJitterUs = 3'000;

// What a caller says in place of a display's name where the display does not tell X.
constexpr const char* kBlindDisplay = "wayland";

}  // namespace

Result<DataFile> DataFile::open(const std::string& path) {
    DataFile file;
    if (path.empty()) return file;
    file.path = path;
    Result<std::unique_ptr<identity::FileLock>> lock = identity::FileLock::take(path);
    if (!lock) {
        if (lock.error().status != Status::kBusy) {
            return field_error(Status::kIo, "data_file", lock.error().text);
        }
        return field_error(Status::kBusy, "data_file",
                           "data_file: '" + path + "' is used by another peer");
    }
    file.lock = std::move(*lock);
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return file;
    Result<std::string> text = identity::read_secret_file(path);
    if (!text) return field_error(text.error().status, "data_file", text.error().text);
    Result<owner::DataBudget> counts = owner::DataBudget::parse(*text);
    if (!counts) {
        return field_error(Status::kContent, "data_file",
                           "data_file: '" + path + "': " + counts.error().text +
                               "; delete it to begin at nothing");
    }
    file.counts = *counts;
    return file;
}

OwnerWatch::OwnerWatch(owner::Settings settings, std::shared_ptr<exec::JobGate> gate,
                       std::string data_file, Log log, std::function<void()> came)
    : settings_(std::move(settings)),
      gate_(std::move(gate)),
      data_file_(std::move(data_file)),
      log_(log),
      came_(std::move(came)) {}

OwnerWatch::~OwnerWatch() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    stopped_.notify_all();
}

Result<Done> OwnerWatch::start() {
    if (thread_) return Done{};
    exec::Thread::Options options;
    options.name = "p2c2r-owner";
    Result<std::unique_ptr<exec::Thread>> thread =
        exec::Thread::start(std::move(options), [this] { watch(); });
    if (!thread) return thread.error();
    thread_ = std::move(*thread);
    return Done{};
}

OwnerWatch::Reading OwnerWatch::take() {
    const std::lock_guard lock(mutex_);
    Reading reading = reading_;
    reading_.is_new = false;
    return reading;
}

void OwnerWatch::keep(std::string counts) {
    const std::lock_guard lock(mutex_);
    counts_ = std::move(counts);
}

owner::Signals OwnerWatch::read(bool windows) {
    using Sight = owner::Signals::Sight;
    owner::Signals signals = last_;
    if (settings_.display.empty()) {
        signals.sight = Sight::kNobodyThere;
        return signals;
    }
    if (!display_ && settings_.display != kBlindDisplay &&
        (display_opened_us_ == 0 || now_us() - display_opened_us_ >= kDisplayAgainUs)) {
        display_ = owner::open_x11_display(settings_.display);
        display_opened_us_ = now_us();
    }
    const owner::Display::Reading seen =
        display_ ? display_->read(windows) : owner::Display::Reading{};
    signals.sight = seen.sees ? Sight::kSees : Sight::kBlind;
    signals.fullscreen = seen.fullscreen;
    if (!seen.sees) display_.reset();  // gone, or not there yet
    if (seen.sees) {
        const uint64_t now = now_us();
        const uint64_t input = now - std::min(now, seen.idle_us);
        if (!last_.input_us || input > *last_.input_us + kInputJitterUs) signals.input_us = input;
    }
    return signals;
}

// Asked only where it matters.
bool OwnerWatch::is_metered() {
    if (settings_.on_metered || settings_.metered) return false;
    using Metered = owner::Network::Metered;
    if (!network_) network_ = owner::open_network_manager({});
    const Metered told = network_->read();
    if (told == Metered::kNotTold) network_.reset();  // it may be there next time
    return told == Metered::kYes;
}

void OwnerWatch::watch() {
    uint64_t windows_us = 0;
    uint64_t machine_us = 0;
    uint64_t network_us = 0;
    for (;;) {
        const uint64_t now = now_us();
        const bool windows = now - windows_us >= kWindowsUs;
        if (windows) windows_us = now;
        owner::Signals signals = read(windows);
        const bool all = now - machine_us >= kMachineUs;
        if (all) {
            machine_us = now;
            machine_ = owner::read_machine({});
            write_counts();
        }
        const owner::LocalTime local = owner::local_time(static_cast<int64_t>(std::time(nullptr)));
        signals.minute_of_day = local.minute_of_day;
        if (now - network_us >= kNetworkUs) {
            network_us = now;
            signals.metered = is_metered();
        }
        signals.on_battery = machine_.on_battery;
        signals.gpu_temperature_c = machine_.gpu_temperature_c;
        signals.cpu_temperature_c = machine_.cpu_temperature_c;
        signals.power_watts = machine_.power_watts;
        const bool changed = all || signals.input_us != last_.input_us ||
                             signals.sight != last_.sight || signals.fullscreen != last_.fullscreen;
        last_ = signals;
        if (changed) {
            {
                const std::lock_guard lock(mutex_);
                if (stopping_) break;
                reading_ = {signals, local.date, true};
            }
            came_();
        }
        const milliseconds look = signals.sight != owner::Signals::Sight::kSees ? kBlindLook
                                  : gate_->figures().jobs > 0                   ? kBusyLook
                                                                                : kCalmLook;
        std::unique_lock lock(mutex_);
        if (stopped_.wait_for(lock, look, [this] { return stopping_; })) break;
    }
    write_counts();
}

void OwnerWatch::write_counts() {
    if (data_file_.empty()) return;
    std::string counts;
    {
        const std::lock_guard lock(mutex_);
        counts = counts_;
    }
    if (counts.empty() || counts == written_) return;
    const Result<Done> done = identity::replace_secret_file(data_file_, counts);
    if (done) {
        written_ = std::move(counts);
    } else if (!write_failed_) {
        log_.write(LogLevel::kWarn, "capi",
                   "the counts of data are not kept: " + done.error().text);
    }
    write_failed_ = !done;
}

}  // namespace p2c2r::capi
