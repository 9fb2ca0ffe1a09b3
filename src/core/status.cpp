#include "core/status.h"

#include <cstdio>
#include <cstdlib>

namespace p2c2r {

namespace {

struct Row {
    Status status;
    const char* name;
    const char* text;
};

constexpr Row kRows[] = {
    {Status::kOk, "OK", "success"},
    {Status::kPending, "PENDING", "not finished yet"},
    {Status::kArgument, "E_ARGUMENT", "an argument is not valid"},
    {Status::kState, "E_STATE", "the call is not allowed in this state or on this thread"},
    {Status::kStale, "E_STALE", "the task, job or handle has already ended"},
    {Status::kVersion, "E_VERSION", "the two sides have no version in common"},
    {Status::kMemory, "E_MEMORY", "memory is short"},
    {Status::kAgain, "E_AGAIN", "nothing could be done just now; try again"},
    {Status::kBusy, "E_BUSY", "too much work is waiting; try again later"},
    {Status::kTimeout, "E_TIMEOUT", "the time given to the call has passed"},
    {Status::kDeadline, "E_DEADLINE", "the task's deadline has passed"},
    {Status::kCancelled, "E_CANCELLED", "the task was cancelled"},
    {Status::kDisconnected, "E_DISCONNECTED", "the connection was lost"},
    {Status::kClosed, "E_CLOSED", "the role or runtime is closing"},
    {Status::kAuth, "E_AUTH", "the login was not accepted"},
    {Status::kDenied, "E_DENIED", "this identity may not do that"},
    {Status::kTaskType, "E_TASK_TYPE", "nobody here knows this task type"},
    {Status::kParams, "E_PARAMS", "a task parameter is missing or not valid"},
    {Status::kLimit, "E_LIMIT", "a limit would be passed"},
    {Status::kSize, "E_SIZE", "the size is not the expected one"},
    {Status::kDisputed, "E_DISPUTED", "the answers of the peers disagree"},
    {Status::kExecutor, "E_EXECUTOR", "the executor failed"},
    {Status::kDevice, "E_DEVICE", "the device failed"},
    {Status::kNoDevice, "E_NO_DEVICE", "there is no such device here"},
    {Status::kSandbox, "E_SANDBOX", "the sandbox stopped the work"},
    {Status::kContent, "E_CONTENT", "nobody holds this content"},
    {Status::kKernel, "E_KERNEL", "the kernel was not admitted"},
    {Status::kIo, "E_IO", "reading or writing failed"},
    {Status::kExists, "E_EXISTS", "something of this name exists already"},
    {Status::kUnsupported, "E_UNSUPPORTED", "this is declared but not available here"},
    {Status::kProtocol, "E_PROTOCOL", "the other side broke the protocol"},
    {Status::kInternal, "E_INTERNAL", "an error inside the library"},
};

const Row* find(int32_t number) {
    for (const Row& row : kRows) {
        if (static_cast<int32_t>(row.status) == number) return &row;
    }
    return nullptr;
}

}  // namespace

const char* status_name(Status status) {
    const Row* row = find(static_cast<int32_t>(status));
    return row ? row->name : "E_UNKNOWN";
}

const char* status_text(Status status) {
    const Row* row = find(static_cast<int32_t>(status));
    return row ? row->text : "a status number that this version does not know";
}

bool is_known_status(int32_t number) { return find(number) != nullptr; }

void check_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "p2c2r: internal check failed: %s (%s:%d)\n", condition, file, line);
    std::abort();
}

}  // namespace p2c2r
