// Looks at the sensors for a peer whose owner comes first, on a thread of its own, since files and
// displays may take their time; keeps the counts of data on the disk from there as well.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "core/log.h"
#include "exec/job_gate.h"
#include "exec/thread.h"
#include "identity/secret_file.h"
#include "owner/data_budget.h"
#include "owner/owner_policy.h"
#include "owner/sensors.h"

namespace p2c2r::capi {

// The counts of an earlier run, and the right to write them: one peer a file.
struct DataFile {
    std::string path;  // "": none
    std::unique_ptr<identity::FileLock> lock;
    owner::DataBudget counts;

    // Not there: begins at nothing.
    static Result<DataFile> open(const std::string& path);
};

class OwnerWatch {
  public:
    struct Reading {
        owner::Signals signals;
        uint32_t date = 0;
        bool is_new = false;
    };

    // `came` is called on the watching thread when take() has something new.
    OwnerWatch(owner::Settings settings, std::shared_ptr<exec::JobGate> gate, std::string data_file,
               Log log, std::function<void()> came);
    ~OwnerWatch();  // writes the counts, and joins

    Result<Done> start();
    [[nodiscard]] Reading take();
    // What the data file shall hold.
    void keep(std::string counts);

  private:
    void watch();
    owner::Signals read(bool all);
    bool is_metered();
    void write_counts();

    const owner::Settings settings_;
    const std::shared_ptr<exec::JobGate> gate_;
    const std::string data_file_;
    const Log log_;
    const std::function<void()> came_;

    std::mutex mutex_;  // guards the four below
    std::condition_variable stopped_;
    Reading reading_;
    std::string counts_;
    bool stopping_ = false;

    // The thread's own.
    std::unique_ptr<owner::Display> display_;
    std::unique_ptr<owner::Network> network_;
    uint64_t display_opened_us_ = 0;
    owner::MachineReading machine_;
    owner::Signals last_;
    std::string written_;
    bool write_failed_ = false;

    std::unique_ptr<exec::Thread> thread_;  // last: joined first
};

}  // namespace p2c2r::capi
