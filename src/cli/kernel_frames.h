// A typical frame of each task type, as src/kernels/README.md states its cost.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/session.h"

namespace p2c2r::cli {

struct KernelFrame {
    std::string task_type;
    std::string name;
    nlohmann::json params;
    std::string data;
    // What one frame computes, in millions, and of what.
    double work = 0;
    const char* unit = "";
    // One frame is shared by all threads; else each thread has a frame of its own.
    bool shares_threads = false;
};

struct FrameOptions {
    std::string task_type;               // of these frames alone; "": of all
    std::optional<std::string> picture;  // a file, in place of a drawn frame for `upscale`
    bool small = false;                  // the same kinds, a fraction of the work
    // One of each kind that a home line carries or that is soon computed: a first look.
    bool quick = false;
};

// Makes what frames need (a heap of spheres at rest, encoded pictures) on this machine.
Result<std::vector<KernelFrame>> kernel_frames(Session& session, const FrameOptions& options);

struct TaskRun {
    nlohmann::json fields;
    std::string data;
    std::string digest;  // 64 hex digits
    uint64_t fields_size = 0;
    uint64_t processing_us = 0;
};

// On this machine, to its end, `together` of them at the same time; without fields, data and digest
// unless `keep`.
Result<std::vector<TaskRun>> run_here(Session& session, const KernelFrame& frame, size_t together,
                                      bool keep);

}  // namespace p2c2r::cli
