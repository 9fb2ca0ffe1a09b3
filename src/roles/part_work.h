// Cutting a task and putting its parts together, as jobs of a runner: off the loop, like any other
// work on payloads.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "exec/executor.h"
#include "model/task_split.h"
#include "roles/part_plan.h"

namespace p2c2r::roles {

// One task's. While a job runs it is the job's alone.
struct PartWork {
    // ---- in
    const TaskSplitter* splitter = nullptr;
    TaskInput whole;                         // owned; its data is made by cut() where there is
    std::shared_ptr<const Content> content;  // this one
    Bytes delta;                             // that changes it
    PartWish wish;
    const MemoryHook* memory = nullptr;
    bool merges = false;              // what the job does; else it cuts
    std::vector<TaskOutput> results;  // of the parts

    // ---- out
    uint64_t units = 0;
    std::vector<uint64_t> cuts;
    std::vector<TaskInput> parts;  // none: it stays whole
    // The data that all parts share, and are referred to by; NULL: each brings its own.
    std::shared_ptr<const Content> shared;
    bool shares_content = false;  // it is `content`, and `delta` changes it for the parts, too
    TaskOutput merged;
    std::optional<Error> error;
    uint64_t took_us = 0;  // so far; as the runner has measured it

    // Never throws; short memory is an error, too.
    void run() noexcept;

  private:
    Result<Done> cut();
    Result<Done> merge();
    [[nodiscard]] Result<Done> find_shared();
};

// Runs the work that a job's params are.
std::shared_ptr<exec::Executor> make_part_work();
Bytes params_of(const std::shared_ptr<PartWork>& work);

}  // namespace p2c2r::roles
