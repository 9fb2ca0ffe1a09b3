/* clang-format off */ /* its comments are set by hand */
/* p2c2r.h - the C interface of P2C2R. C99 and C++; needs only stddef.h and stdint.h.
 *
 * Three roles: a client (a game) submits tasks, a coordinator places them, a peer (a helper's
 * machine) runs them. All three live below one runtime, in one process or in several.
 *
 * Rules, said once:
 *  R1 A struct crosses by pointer, never by value. Handles that travel by value are plain integers.
 *  R2 A struct that can grow starts with struct_size (its sizeof where it was compiled). All bytes
 *     zero but struct_size means "defaults", for ever. Where zero would also be a wish, P2C2R_NONE or
 *     P2C2R_ANY is that wish. IN: a missing tail counts as zero; an unknown tail that is not zero is
 *     E_VERSION. OUT: the library writes at most struct_size bytes and zeroes what it does not know.
 *     Arrays of growing structs are walked with the struct_size of element 0; all must be equal.
 *     Structs marked "frozen" have no struct_size and never change.
 *  R3 Strings going in are UTF-8, zero-terminated, and copied before the call returns, like params
 *     and arrays. Text coming out is UTF-8, has its length and a zero behind it, and lives as long as
 *     the object it came from.
 *  R4 Payloads (p2c2r_bytes): release NULL: copied before the call returns. Else the library keeps the
 *     memory once the call has returned OK, and calls release once, from any thread, when nothing
 *     refers to it any more; when the call fails, the memory is still the caller's.
 *  R5 Host functions run only inside dispatch, poll, work, pull, step, wait, get_result, connect, call,
 *     close and destroy on the thread that called these, or on a library thread where DELIVER_ON_LOOP
 *     or a comment says so. Never inside submit, cancel, forget or release of a handle. Exempt, and
 *     allowed only retain and release themselves: bytes.release, log, notify, queue_lock, the allocator.
 *  R6 A host function must not throw, longjmp or unwind. No lock of the library is held while it runs.
 *     What it returns is input: zero is always the safe answer.
 *  R7 Any function may be called from any thread unless its comment says otherwise. [cb]: also from a
 *     host function. [blocks]: may wait; E_STATE inside a host function and on threads of the library.
 *     Destroying a handle while another thread uses it is the caller's bug; using it afterwards is
 *     E_STALE.
 *  R8 The library installs no signal, atexit or fork handler, reads no environment variable and no
 *     locale, prints nothing, ends no process, and changes no thread's floating-point mode. Its
 *     threads block all signals. Every descriptor is close-on-exec.
 *  R9 After fork, in the child, every call on an older handle returns E_STATE and touches nothing.
 *
 * Times in are relative, in microseconds unless the name ends in _ms. Times out are microseconds, and
 * points in time are on p2c2r_now_us(). Sizes are bytes.
 *
 * Said for every function at once:
 *  - A handle that is NULL, of another kind, or no handle is E_ARGUMENT. Other pointers must not be NULL
 *    unless a comment says optional or "NULL: ..."; NULL where that is not allowed is E_ARGUMENT.
 *  - `why` is optional everywhere: what, which and how much, filled only when a call fails.
 *  - `out` of a create function is written first: the handle when it succeeds, which is the caller's to
 *    destroy, else NULL.
 *  - A config or desc and all it points to is read before the call returns and not kept, but for the
 *    functions, their user, a task's output, and bytes with a release. What it gets wrong is E_ARGUMENT (or
 *    the status that a comment names) with why->field.
 *  - A struct that is filled needs its struct_size set; any thread may ask. Short memory is E_MEMORY. */
#ifndef P2C2R_H
#define P2C2R_H

#include <stddef.h>
#include <stdint.h>

#include "version.h"

#if defined(_WIN32)
#define P2C2R_CALL __cdecl
#else
#define P2C2R_CALL
#endif

#if defined(P2C2R_STATIC)
#define P2C2R_API
#elif defined(_WIN32) && defined(P2C2R_BUILDING)
#define P2C2R_API __declspec(dllexport)
#elif defined(_WIN32)
#define P2C2R_API __declspec(dllimport)
#elif defined(__GNUC__)
#define P2C2R_API __attribute__((visibility("default")))
#else
#define P2C2R_API
#endif

#define P2C2R_NONE 0xFFFFFFFFu   /* uint32_t fields: none, off */
#define P2C2R_ANY 0xFFFFFFFEu    /* a port: whichever is free */
#define P2C2R_FOREVER UINT64_MAX /* uint64_t microseconds */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- status and constants: int32_t; numbers are never reused ---------------------------------- */

typedef int32_t p2c2r_status;
enum {
    P2C2R_OK = 0,
    P2C2R_PENDING = 1,
    P2C2R_E_ARGUMENT = -1,
    P2C2R_E_STATE = -2,
    P2C2R_E_STALE = -3,
    P2C2R_E_VERSION = -4,
    P2C2R_E_MEMORY = -5,
    P2C2R_E_AGAIN = -6,
    P2C2R_E_BUSY = -7,
    P2C2R_E_TIMEOUT = -8,
    P2C2R_E_DEADLINE = -9,
    P2C2R_E_CANCELLED = -10,
    P2C2R_E_DISCONNECTED = -11,
    P2C2R_E_CLOSED = -12,
    P2C2R_E_AUTH = -13,
    P2C2R_E_DENIED = -14,
    P2C2R_E_TASK_TYPE = -15,
    P2C2R_E_PARAMS = -16,
    P2C2R_E_LIMIT = -17,
    P2C2R_E_SIZE = -18,
    P2C2R_E_DISPUTED = -19,
    P2C2R_E_EXECUTOR = -20,
    P2C2R_E_DEVICE = -21,
    P2C2R_E_NO_DEVICE = -22,
    P2C2R_E_SANDBOX = -23,
    P2C2R_E_CONTENT = -24,
    P2C2R_E_KERNEL = -25,
    P2C2R_E_IO = -26,
    P2C2R_E_EXISTS = -27,
    P2C2R_E_UNSUPPORTED = -28,
    P2C2R_E_PROTOCOL = -29,
    P2C2R_E_INTERNAL = -30
};

/* Log levels; 0 in a config means INFO. */
enum {
    P2C2R_LOG_ERROR = 1,
    P2C2R_LOG_WARN = 2,
    P2C2R_LOG_INFO = 3,
    P2C2R_LOG_DEBUG = 4,
    P2C2R_LOG_TRACE = 5
};
/* Who turns the loop: a thread of the library, or the host through p2c2r_runtime_poll. */
enum { P2C2R_RUN_THREAD = 0, P2C2R_RUN_MANUAL = 1 };
/* Where host functions run: inside dispatch and its like, or on the thread that turns the loop. */
enum { P2C2R_DELIVER_ON_DISPATCH = 0, P2C2R_DELIVER_ON_LOOP = 1 };
/* AUTO: a real GPU if there is one, else the CPU kernels. OFF: the Vulkan loader is not even opened.
 * INDEX: the device gpu_index of "devices"; software drivers are used only when chosen so. LENT: the
 * host's own device, see p2c2r_vulkan_host. */
enum { P2C2R_GPU_AUTO = 0, P2C2R_GPU_OFF = 1, P2C2R_GPU_INDEX = 2, P2C2R_GPU_LENT = 3 };
enum { P2C2R_FORMAT_MSGPACK = 0, P2C2R_FORMAT_JSON = 1 };
/* The verification class a task asks for; it may only raise what its type has. Answers are not
 * compared in this version: B, C and D are refused (E_UNSUPPORTED), and A, the lowest, is as TYPE. */
enum {
    P2C2R_VERIFY_TYPE = 0,
    P2C2R_VERIFY_A = 1,
    P2C2R_VERIFY_B = 2,
    P2C2R_VERIFY_C = 3,
    P2C2R_VERIFY_D = 4
};
/* The circle a task never leaves; TYPE is its type's default. PUBLIC is refused (E_UNSUPPORTED). */
enum {
    P2C2R_CIRCLE_TYPE = 0,
    P2C2R_CIRCLE_OWN = 1,
    P2C2R_CIRCLE_INVITED = 2,
    P2C2R_CIRCLE_PUBLIC = 3
};
/* REMOTE and LOCAL are forced. AUTO: remote while there is a coordinator, this machine as the last resort: in
 * time for the deadline, and at once when no coordinator has been in reach for 100 ms. And here at once where this
 * machine has the executor and a helper would be no gain over this link, as the client has learned of the type
 * ("placement" of p2c2r_client_call tells why; "place_by_worth" in the client's options). */
enum { P2C2R_PLACE_AUTO = 0, P2C2R_PLACE_REMOTE = 1, P2C2R_PLACE_LOCAL = 2 };
/* Task flags. LOCAL_AT_DEADLINE: this machine starts to compute the answer when the remote one would
 * be too late otherwise, if it has the executor; where several wait for that, early enough for all of them,
 * but none before half of its time is over for the others' sake. */
enum {
    P2C2R_TASK_LOCAL_AT_DEADLINE = 2,
    P2C2R_TASK_NO_CACHE = 4, /* computed anew, also where an equal task's answer is known */
    /* The data of the result stay at the coordinator, and up to 4 MiB at the peer that made them: the result has
     * none, and p2c2r_client_put_result makes them the data of later tasks, which run where they are. What this
     * machine computes, and what finds no room there, comes whole. */
    P2C2R_TASK_RESIDENT = 8
};
/* Into how many parts a task is cut (p2c2r_task_desc.split): NEVER (1 is the same), as many as pay, or a number up to
 * 4096, of which it has fewer where it has not so many pieces. Parts are tasks of the same type to the coordinator, each
 * placed, timed and repeated by itself; this client cuts and merges, and the result is byte for byte what the whole would
 * have given. The data go to the coordinator once, as a content. AUTO cuts where at least two peers are available and what
 * such tasks took lately says that it pays; a task of which nothing is known yet is cut. Parts cost about the same, and
 * there are several for each peer, so a faster one takes more of them.
 * A task that runs on this machine (PLACE_LOCAL, no coordinator, or AUTO that stays) is never cut; a part can end here like
 * any task. Priority, circle, verify, flags, place and what is left of the deadline are each part's; depends_on is
 * waited for before the task is cut. TASK_RESIDENT goes with no split; a content that is such a result is not cut by
 * AUTO, and not at all by a number (E_ARGUMENT). Cancel, forget and the deadline take all parts along. The first part that does not
 * end with OK ends the task with its status, field and figures, and a text that begins "part 3 of 8 (rows 120 to 179): ";
 * the others are cancelled. Of a result that was merged: source is PEER if a peer computed any of it, else COORDINATOR,
 * LOCAL or CACHE in this order; attempts and queue_us are the most of a part, processing_us and bytes_received
 * the sum. A part that does not fit is E_EXECUTOR with the field "parts[i]". */
enum { P2C2R_SPLIT_NEVER = 0, P2C2R_SPLIT_AUTO = -1 };
/* Who computed an answer. */
enum {
    P2C2R_SOURCE_NONE = 0,
    P2C2R_SOURCE_PEER = 1,
    P2C2R_SOURCE_COORDINATOR = 2,
    P2C2R_SOURCE_LOCAL = 3,
    P2C2R_SOURCE_CACHE = 4, /* an equal task's, of the same account; see TASK_NO_CACHE */
    P2C2R_SOURCE_PREVIOUS = 5,
    P2C2R_SOURCE_HOST = 6
};
enum {
    P2C2R_TEXT_MESSAGE = 0,
    P2C2R_TEXT_FIELD = 1,
    P2C2R_TEXT_TASK_ID = 2,
    P2C2R_TEXT_ALGORITHM = 3,
    P2C2R_TEXT_TASK_TYPE = 4
};
/* Executor flags. GPU: needs the GPU. SHORT: takes microseconds, and runs on the loop thread.
 * EXACT: the same bytes on every machine. */
enum { P2C2R_EXECUTOR_GPU = 1, P2C2R_EXECUTOR_SHORT = 2, P2C2R_EXECUTOR_EXACT = 4 };
/* p2c2r_job_state: bits. YIELD: the owner of the machine wants it: begin nothing more until it is gone. */
enum { P2C2R_JOB_CANCELLED = 1, P2C2R_JOB_YIELD = 2, P2C2R_JOB_ORPHAN = 4 };
/* frames: the order of answers is remote, local, previous, host function. */
enum { P2C2R_FRAMES_NO_LOCAL = 1, P2C2R_FRAMES_NO_PREVIOUS = 2 };
enum { P2C2R_QUALITY_FAST = 1, P2C2R_QUALITY_BALANCED = 2, P2C2R_QUALITY_QUALITY = 3 };
enum {
    P2C2R_PIXEL_RGBA8 = 1,
    P2C2R_PIXEL_RGB8 = 2,
    P2C2R_PIXEL_JPEG = 16,
    P2C2R_PIXEL_PNG = 17
};
/* Events; ignore unknown ones. STATE: status says the new connection state (OK connected,
 * E_DISCONNECTED lost and trying again, whatever it was lost for; another error, E_CLOSED where there is no
 * better one: given up); once connected to a coordinator_url, subject is "host:port" of the one that answered, text the account's name there. PEERS: number is the count of
 * available peers. PEER_JOINED, PEER_LEFT, PEER_FAILED: subject is the peer_id (coordinator only). ACCEPTS (peer only):
 * status OK it takes tasks, E_BUSY it does not; text says why not, or with what limits. CERTIFICATE (coordinator only):
 * it ends within 14 days (status OK), or does not count any more or yet (E_STATE); subject is certificate_file; daily. */
enum {
    P2C2R_EVENT_STATE = 1,
    P2C2R_EVENT_PEERS = 2,
    P2C2R_EVENT_PEER_JOINED = 6,
    P2C2R_EVENT_PEER_LEFT = 7,
    P2C2R_EVENT_PEER_FAILED = 9,
    P2C2R_EVENT_ACCEPTS = 10,
    P2C2R_EVENT_CERTIFICATE = 11
};
/* Connection states in p2c2r_client_stats and p2c2r_peer_stats. */
enum { P2C2R_STATE_CONNECTING = 0, P2C2R_STATE_CONNECTED = 1, P2C2R_STATE_CLOSED = 2 };

/* When a peer helps: p2c2r_peer_stats.mode, and "mode" in the options of a peer by these names in lower case. */
enum {
    P2C2R_MODE_ALWAYS = 0,
    P2C2R_MODE_IDLE = 1,         /* once nobody has used the machine for a while */
    P2C2R_MODE_WHILE_GAMING = 2, /* for a share of the time while somebody uses it */
    P2C2R_MODE_SCHEDULE = 3      /* within hours of the day */
};

/* ---- handles ---------------------------------------------------------------------------------- */

typedef struct p2c2r_runtime p2c2r_runtime;
typedef struct p2c2r_client p2c2r_client;
typedef struct p2c2r_peer p2c2r_peer;
typedef struct p2c2r_coordinator p2c2r_coordinator;
typedef struct p2c2r_frames p2c2r_frames; /* a stream of frames: window, pipeline, previous answer */
typedef struct p2c2r_result p2c2r_result; /* counted, immutable, may outlive everything else */
typedef struct p2c2r_job p2c2r_job;       /* counted */
typedef uint64_t p2c2r_task; /* 0: none; the task id on the client's hop, never reused in its life */
typedef uint64_t p2c2r_content; /* 0: none; an input that stays, of one client, never reused in its life */

/* ---- frozen structs --------------------------------------------------------------------------- */

typedef void(P2C2R_CALL* p2c2r_release_fn)(void* user, const void* data, size_t size);
typedef struct p2c2r_bytes {
    const void* data;
    size_t size;
    p2c2r_release_fn release;
    void* user;
} p2c2r_bytes;

typedef struct p2c2r_error {
    p2c2r_status status;
    uint32_t retry_after_ms; /* E_BUSY: when to try again */
    char field[56];          /* the parameter or struct field it is about, or "" */
    char text[192];          /* cut at a character boundary */
} p2c2r_error;

/* Of an input that is a content: size bytes at offset are other ones. */
typedef struct p2c2r_patch {
    uint64_t offset;
    const void* data;
    size_t size;
} p2c2r_patch;

/* Where payload memory comes from; must outlive the last result. allocate may return NULL. */
typedef struct p2c2r_allocator {
    void*(P2C2R_CALL* allocate)(void* user, size_t size, size_t align);
    void(P2C2R_CALL* deallocate)(void* user, void* data, size_t size, size_t align);
    void* user;
    void* reserved;
} p2c2r_allocator;

/* ---- host functions --------------------------------------------------------------------------- */

typedef struct p2c2r_event { /* pointers live until the host function returns */
    uint32_t struct_size;
    int32_t type;
    p2c2r_status status;
    uint32_t flags;
    uint64_t number;
    const char* subject;
    const char* text;
} p2c2r_event;

typedef void(P2C2R_CALL* p2c2r_event_fn)(void* user, const p2c2r_event* event);
/* Any thread, any time; must be quick. */
typedef void(P2C2R_CALL* p2c2r_log_fn)(void* user, int32_t level, const char* room,
                                       const char* text, size_t size);
/* Any thread: something waits for dispatch or poll. */
typedef void(P2C2R_CALL* p2c2r_notify_fn)(void* user);
/* Any thread of the library or one that runs jobs: lock is 1 before the library uses the host's queue and 0
 * afterwards, on the same thread. It must be quick; between the two the library only submits. */
typedef void(P2C2R_CALL* p2c2r_lock_fn)(void* user, int32_t lock);
/* Any function; cast to it and back. */
typedef void(P2C2R_CALL* p2c2r_proc)(void);
/* At both ends of each thread of the library, on that thread; starts is 1 or 0. */
typedef void(P2C2R_CALL* p2c2r_thread_fn)(void* user, const char* name, int32_t starts);
/* Which part of a task that was cut; it lives until the host function returns. Units are the smallest pieces of the
 * task, all parts together have them once: 0 to units - 1. */
typedef struct p2c2r_part {
    uint32_t struct_size;
    uint32_t index; /* of the part, below count */
    uint32_t count;
    uint32_t flags;
    uint64_t first_unit;
    uint64_t unit_count;
    uint64_t units;        /* of the whole */
    const char* unit_name; /* "rows", "samples", "bodies", "agents", "probes"; static */
    void* reserved;
} p2c2r_part;

/* One part's own result has come: its bytes, fields and figures are those of a task that asked for that part alone.
 * result lives until the function returns, and longer with p2c2r_result_retain. */
typedef void(P2C2R_CALL* p2c2r_part_fn)(void* user, p2c2r_task task, const p2c2r_part* part,
                                        const p2c2r_result* result);
/* result is the callee's to release. */
typedef void(P2C2R_CALL* p2c2r_done_fn)(void* user, p2c2r_task task, p2c2r_result* result);
/* OK: the output was set. PENDING: p2c2r_job_finish comes later. Else an error; tell its detail with
 * p2c2r_job_explain. Runs on a worker thread, several at once; SHORT ones on the loop's thread. */
typedef p2c2r_status(P2C2R_CALL* p2c2r_run_fn)(void* user, p2c2r_job* job);
/* The job is not wanted any more; any thread, also while run runs. Finishing it here is fine. */
typedef void(P2C2R_CALL* p2c2r_cancel_fn)(void* user, p2c2r_job* job);
/* Last use of user and of the functions beside it. */
typedef void(P2C2R_CALL* p2c2r_destroy_fn)(void* user);

/* ---- library [cb] ----------------------------------------------------------------------------- */

/* The P2C2R_ABI_VERSION that the loaded library was built with. */
P2C2R_API uint32_t P2C2R_CALL p2c2r_abi_version(void);
/* "0.1.0 gcc-12 vulkan jpeg png"; static. */
P2C2R_API const char* P2C2R_CALL p2c2r_version_text(void);
/* "E_BUSY", and one sentence; static, never NULL, also for a number that this version does not know. */
P2C2R_API const char* P2C2R_CALL p2c2r_status_name(p2c2r_status status);
P2C2R_API const char* P2C2R_CALL p2c2r_status_text(p2c2r_status status);
/* The monotonic clock of every point in time that comes out. */
P2C2R_API uint64_t P2C2R_CALL p2c2r_now_us(void);
/* JSON <-> MessagePack, for params and result fields. *out_size: room in, need out; out NULL or too
 * small is E_SIZE. to_json needs no room for a zero at the end and writes none. What is not well formed,
 * or gives a key twice, is E_PARAMS. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_params_from_json(const char* json, size_t size, void* out,
                                                         size_t* out_size, p2c2r_error* why);
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_params_to_json(const void* params, size_t size, char* out,
                                                       size_t* out_size, p2c2r_error* why);

/* ---- runtime ---------------------------------------------------------------------------------- */

/* A Vulkan device that the host has made for itself and lends. All handles stay the host's and must live
 * until p2c2r_runtime_destroy has returned; nothing of the library runs on the device then. (Only where a
 * submission failed or ran over its time may it still run: vkDeviceWaitIdle before vkDestroyDevice.)
 *
 * It computes what this process wants for itself: tasks that a client of this runtime runs locally, and
 * "exec". It never computes for others: below such a runtime peer_create is E_DENIED, and so is
 * coordinator_create unless its options say "local_execution": false. A helper in the same process has a
 * runtime of its own. As with INDEX, nothing else computes in its place; a device that was lost stays lost. */
typedef struct p2c2r_vulkan_host {
    uint32_t struct_size;
    uint32_t api_version;  /* of the instance, as VK_MAKE_API_VERSION: 1.2 or later; 0: 1.2 */
    uint32_t queue_family; /* of queue; it must compute */
    uint32_t reserved0;
    void* instance;                    /* VkInstance */
    void* physical_device;             /* VkPhysicalDevice */
    void* device;                      /* VkDevice, made with the feature timelineSemaphore */
    void* queue;                       /* VkQueue of that device */
    p2c2r_proc get_instance_proc_addr; /* PFN_vkGetInstanceProcAddr */
    p2c2r_lock_fn queue_lock;          /* NULL: nobody else ever uses the queue */
    void* user;                        /* of queue_lock */
    void* reserved;
} p2c2r_vulkan_host;

typedef struct p2c2r_runtime_config {
    uint32_t struct_size;
    uint32_t abi_version; /* P2C2R_ABI_VERSION */
    int32_t run_mode;     /* P2C2R_RUN_ */
    int32_t deliver;      /* P2C2R_DELIVER_, for roles that do not say their own */
    int32_t log_level;    /* P2C2R_LOG_ */
    int32_t gpu;          /* P2C2R_GPU_ */
    uint32_t gpu_index;
    /* 0: one per core; P2C2R_NONE: only p2c2r_runtime_work. A built-in task computes on no more
     * threads than that (NONE: the calling one), and on no more than there are cores. */
    uint32_t worker_threads;
    uint64_t memory_max;     /* payload bytes held by all roles; 0: 512 MiB */
    const char* cache_dir;   /* compiled GPU pipelines; NULL: nothing is written to disk */
    /* JSON, rare settings; an unknown key is an error that names it. worker_niceness (5);
     * worker_stack_kb (0: the system's); vram_mb: memory of the GPU that all tasks together may hold (0: no cap). */
    const char* options;
    const p2c2r_allocator* allocator; /* payload memory; NULL: the C library's */
    p2c2r_log_fn log;                 /* NULL: silence */
    p2c2r_notify_fn notify;
    p2c2r_thread_fn thread;
    void* user; /* of log, notify and thread */
    void* reserved;
    const p2c2r_vulkan_host* vulkan; /* for GPU_LENT, and for nothing else; copied */
    void* reserved1;
} p2c2r_runtime_config;

/* Starts the threads of the library. *out is the caller's to destroy, after every role below it.
 * E_VERSION: abi_version is not this library's; E_NO_DEVICE: GPU_INDEX names a device that is not here, or a
 * lent one cannot compute. A device that is named is opened here, which may take a second. NULL for config is E_ARGUMENT. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_runtime_create(const p2c2r_runtime_config* config,
                                                       p2c2r_runtime** out, p2c2r_error* why);
/* RUN_MANUAL: turns the loop once, waiting up to timeout_ms for something to do, then dispatches.
 * E_STATE in RUN_THREAD; a second simultaneous poll or dispatch is E_BUSY. timeout_ms 0: only what is
 * ready. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_runtime_poll(p2c2r_runtime* runtime, uint32_t timeout_ms);
/* Runs waiting host functions of all roles on this thread: at most callbacks_max (0: all) and for
 * about budget_us (0: no limit). *run (optional) says how many ran. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_runtime_dispatch(p2c2r_runtime* runtime,
                                                         uint32_t callbacks_max, uint32_t budget_us,
                                                         uint32_t* run);
/* Lends this thread to executors: at most jobs_max jobs (0: no limit), waiting up to timeout_ms for the
 * first. OK: at least one ran; E_AGAIN: none came. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_runtime_work(p2c2r_runtime* runtime, uint32_t jobs_max,
                                                     uint32_t timeout_ms);
/* RUN_MANUAL: for a foreign loop: poll when fd is readable or timeout_ms has passed (-1: no timer). Either
 * may be NULL. The descriptor is the library's and the same for the life of the runtime; it must not be
 * read or closed. E_STATE in RUN_THREAD. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_runtime_backend(p2c2r_runtime* runtime, int32_t* fd,
                                                        int32_t* timeout_ms);
/* Makes a waiting poll, wait or get_result look again. [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_runtime_wake(p2c2r_runtime* runtime);
/* Named questions and commands: args_json in (NULL: {}), a result with fields out. E_UNSUPPORTED names
 * what there is. "devices": the devices of this machine, and "threads", on how many a task may compute.
 * "task_types": what executors are here. "exec": runs
 * a task here without any role: {"task_type", "params", "deadline_ms"} with `input` (copied; NULL: no bytes) as
 * data; OK also when the task failed, which its result says; E_TASK_TYPE or, for a declared type,
 * E_UNSUPPORTED where no executor is. With "parts" (1..4096) it is cut into so many, or fewer where it has not
 * so many pieces, and their results are merged to that of the whole; "split" says how it is cut ("": the
 * type's preferred way); E_UNSUPPORTED where it is not cut that way. timeout_ms is for exec alone: E_TIMEOUT
 * when it has passed, and the task is cancelled. "keys.new": makes an Ed25519 key, {"file": where its
 * private half goes (mode 0600; E_EXISTS), "name", "certificate_file": where a certificate for it goes (absent:
 * nowhere)}; "keys.certificate": the same certificate for a key that is there; "keys.renew" {"file", "certificate_file", "name" (as it is),
 * "days_left" (in any case)}: a self-signed one of this key anew, if it counts for fewer days, or not yet; tells "renewed" and
 * "valid_until_s"; "keys.show": {"file"}; all tell "public_key" and "pin" in hex.
 * "worth": is a task worth sending? {"bytes_up", "bytes_down", "local_us" and "remote_us" (computing here and at
 * the helper), "local_wait_us" and "queue_us" (before that begins; 0), "rtt_us", "up_mbps", "down_mbps",
 * "wanted_per_s" (60), "deadline_us" (an answer after it is none; 0: there is no such time),
 * "price_per_compute_second" (0), "fee" (0; below 1)} gives "send", "limit" ("wanted", "helper", "uplink", "downlink": what bounds the rate
 * there), "text" (a sentence), "local_us" and "remote_us" (from the wish to the answer), "local_per_s" and
 * "remote_per_s" (sustained, many in flight), "up_mbps", "down_mbps" and "price_per_hour" (of remote_per_s).
 * "fit_layer": how fine and how often may a layer be that a link carries? Of a whole one in bytes {"bytes_up" and
 * "bytes_down" (0) that it always takes, "area_bytes_up" (0) and "area_bytes_down" that fall with its pixels,
 * "qualities" ([1]: the share of the area bytes that each takes, best first, at most 8), "rate" (60) and
 * "divisor" (1, 2 or 4; 1) the most that is wanted}, and of the link {"up_mbps" and "down_mbps" as measured (0:
 * unknown), "share" (0.7) of that may be used, and "budget_up_mbps" (3) and "budget_down_mbps" (15) at most} gives
 * "fits", "divisor" (of width and height), "rate", "quality" (an index), "up_mbps", "down_mbps" and "text".
 * *out is the caller's to release.
 * [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_runtime_call(p2c2r_runtime* runtime, const char* name,
                                                     const char* args_json, const p2c2r_bytes* input,
                                                     uint32_t timeout_ms, p2c2r_result** out,
                                                     p2c2r_error* why);
/* Destroys every role below; then only destroy is left. E_TIMEOUT: some work did not stop in time and
 * close may be called again. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_runtime_close(p2c2r_runtime* runtime, uint32_t timeout_ms);
/* E_STATE while roles live; NULL is fine. Afterwards no thread and no descriptor of ours is left. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_runtime_destroy(p2c2r_runtime* runtime);

/* ---- executors: of the runtime, so that peer, coordinator and client can all run them ----------- */

typedef struct p2c2r_executor_desc {
    uint32_t struct_size;
    uint32_t flags;        /* P2C2R_EXECUTOR_ */
    uint32_t parallel_max; /* runs at the same time; 0: as many as there are workers */
    uint32_t reserved0;
    const char* task_type; /* 1 to 64 bytes of UTF-8 without control characters and commas; any name
                            * that has no executor yet, built-in ones included */
    p2c2r_run_fn run;
    p2c2r_cancel_fn cancel; /* NULL: the job's state is enough */
    p2c2r_destroy_fn destroy;
    void* user;
    void* reserved;
} p2c2r_executor_desc;

/* The functions and user are the library's until destroy has returned, which is on remove_executor or
 * with the runtime; on error destroy is not called. E_EXISTS: the type has an executor; E_LIMIT: there
 * are 256. [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_runtime_add_executor(p2c2r_runtime* runtime,
                                                             const p2c2r_executor_desc* desc,
                                                             p2c2r_error* why);
/* OK: no run of it is left and destroy(user) has returned. E_TIMEOUT: jobs still run; nothing new
 * starts, call again. E_STALE: the host has no executor of this name. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_runtime_remove_executor(p2c2r_runtime* runtime,
                                                                const char* task_type,
                                                                uint32_t timeout_ms);

/* job [cb]: valid while run or cancel runs; after PENDING until finish returns; longer with retain. Any
 * thread, one at a time. What is said after the job has ended is E_STATE, or E_STALE when its role is gone. */
/* The task's data, 64-byte aligned; NULL and size 0 for an index past the last (there is one, 0). */
P2C2R_API const void* P2C2R_CALL p2c2r_job_input(p2c2r_job* job, uint32_t index, size_t* size);
/* The params as MessagePack or JSON text (P2C2R_FORMAT_); converted once, kept inside, as long as the
 * job. NULL: not a map; then E_PARAMS is the answer to return. size is optional. */
P2C2R_API const void* P2C2R_CALL p2c2r_job_params(p2c2r_job* job, int32_t format, size_t* size);
/* The canonical name, as long as the job; "" for what is no job. */
P2C2R_API const char* P2C2R_CALL p2c2r_job_task_type(p2c2r_job* job);
P2C2R_API uint32_t P2C2R_CALL p2c2r_job_state(p2c2r_job* job); /* P2C2R_JOB_ bits; ask between slices */
P2C2R_API uint64_t P2C2R_CALL p2c2r_job_left_us(p2c2r_job* job); /* until its deadline; FOREVER: none */
/* The output's bytes: *out is zeroed, 64-byte aligned, and the job's until it ends; a later alloc or adopt
 * takes its place. Size 0 is an output too. E_SIZE: more than 64 MiB; E_MEMORY. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_job_output_alloc(p2c2r_job* job, size_t size, void** out);
/* The output's bytes as the host has them, by R4: with a release they are kept until the last result that
 * refers to them is gone, else copied. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_job_output_adopt(p2c2r_job* job, const p2c2r_bytes* bytes);
/* The map form of the result (P2C2R_FORMAT_; copied), beside or instead of the bytes. E_PARAMS: no map. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_job_output_fields(p2c2r_job* job, int32_t format,
                                                          const void* data, size_t size);
/* Detail of the error to come: the params field (or NULL) and a sentence (or NULL); both copied. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_job_explain(p2c2r_job* job, const char* field,
                                                    const char* text);
/* Once per PENDING run, any thread; a second time is E_STATE; E_STALE when its role is gone. The job must
 * not be used afterwards unless it was retained. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_job_finish(p2c2r_job* job, p2c2r_status status);
/* One more reference, and one less, from any thread, also after the role has gone. retain gives `job`, or
 * NULL for what is none. */
P2C2R_API p2c2r_job* P2C2R_CALL p2c2r_job_retain(p2c2r_job* job);
P2C2R_API void P2C2R_CALL p2c2r_job_release(p2c2r_job* job); /* NULL is fine */

/* ---- who is who ------------------------------------------------------------------------------- */

/* Whom a client or peer believes, and what it shows of itself. Read while the role is created; files are
 * PEM. Errors name the field: E_IO a file that cannot be read, E_DENIED a secret file that others can read,
 * E_ARGUMENT what cannot be used. */
typedef struct p2c2r_credentials {
    uint32_t struct_size;
    uint32_t reserved0;
    /* SHA-256 of the coordinator's public key (its certificate's SubjectPublicKeyInfo in DER): that very key is
     * believed and no other. All zero: ca_file decides. */
    uint8_t server_pin[32];
    const char* ca_file;       /* authorities that vouch for the coordinator's name; NULL: none */
    const char* identity_file; /* an Ed25519 private key, mode 0600; NULL: none */
    const void* token;         /* 32 bytes, for software that has no key; NULL: none */
    size_t token_size;
    const void* invite; /* 16 bytes, the secret of a join code: enrols identity_file once; NULL: none */
    size_t invite_size;
} p2c2r_credentials;

/* ---- client ----------------------------------------------------------------------------------- */

typedef struct p2c2r_client_config {
    uint32_t struct_size;
    uint32_t tasks_max;          /* accepted and not yet handed back; 0: 4096; more are E_BUSY */
    uint64_t bytes_max;          /* payload bytes pending; 0: 256 MiB; more are E_BUSY */
    int32_t deliver;             /* P2C2R_DELIVER_ */
    uint32_t connect_timeout_ms; /* of one try, until the coordinator lets it in; 0: 5000. Up to 8 s more while the
                                  * words of the handshake come, over a long link, one by one */
    uint32_t reconnect_attempts; /* in a row; 0: no limit; P2C2R_NONE: none */
    uint32_t flags;
    p2c2r_coordinator* local;    /* of the same runtime: no socket is used */
    /* p2c2r://host[:port] (TLS 1.3, needs credentials) or p2c2r+plain://host[:port], or up to 8 with commas
     * between: places where one coordinator may be, tried in turn, the one that answered last first; this and local
     * NULL: this machine only */
    const char* coordinator_url;
    const char* client_id; /* NULL: automatic */
    /* JSON; an unknown key is an error that names it. allow_plaintext (false): also to an address that
     * is not loopback; checksum (false): over payloads, checked by the last receiver; code_results (true): where the
     * line is slow, results may come compressed (Zstandard, if both ends were built with it);
     * reconnect_first_ms (50), reconnect_max_ms (5000); place_by_worth (true): AUTO tasks stay here where a helper
     * would be no gain: copies of at most one task in 64 run on the other side too, to learn that, and their
     * answers are dropped; false: AUTO is remote while there is a coordinator. A bad network for developers who have none: fake_lag_ms
     * (one way) and fake_jitter_ms up to 10000, fake_loss_percent up to 50 (a lost packet comes 200 ms later),
     * fake_up_kbps and fake_down_kbps; 0: as the real one. */
    const char* options;
    p2c2r_event_fn event;
    void* user;
    const p2c2r_credentials* credentials; /* NULL: none */
    void* reserved;
} p2c2r_client_config;

typedef struct p2c2r_task_desc {
    uint32_t struct_size;
    uint32_t flags;       /* P2C2R_TASK_ */
    uint64_t deadline_us; /* from now; 0: the type's */
    int32_t priority;     /* -128 .. 127, higher is more urgent among the tasks of one account; accounts take turns */
    int32_t verify;       /* P2C2R_VERIFY_ */
    int32_t place;        /* P2C2R_PLACE_ */
    int32_t circle;       /* P2C2R_CIRCLE_ */
    int32_t params_format; /* P2C2R_FORMAT_ of params */
    uint32_t depends_count;
    const char* task_type;
    const void* params;      /* a map; NULL: empty */
    size_t params_size;
    const p2c2r_bytes* data; /* NULL: no bytes */
    void* output;            /* optional: the result's bytes are written here; borrowed until the task has ended */
    size_t output_size;      /* a larger result is E_SIZE */
    p2c2r_done_fn done;      /* NULL: by poll, wait or get_result */
    void* user;
    /* Tasks of this client that must end with OK first. One that does not, that was never given out, or
     * that ended more than 4096 tasks before, makes this one end as E_STATE with the field depends_on. */
    const p2c2r_task* depends_on;
    void* reserved;
    /* Not 0: the task's data is this content, and `data` must be NULL. `patches` (copied) replace ranges of it
     * for this task alone: in order, inside it (else E_SIZE), and its size stays. E_STALE: the client has no
     * such content. */
    p2c2r_content content;
    const p2c2r_patch* patches;
    size_t patch_count;
    int32_t split; /* P2C2R_SPLIT_, or a number of parts. A number for a type that is not cut: E_UNSUPPORTED */
    uint32_t reserved1;
    const char* split_by; /* how it is cut, with split: "rows", ...; NULL: the type's preferred way. E_UNSUPPORTED
                           * names what there is */
    /* Called with `user` for each part that came, in the order in which they come, where and when done is, and never
     * after it; not for a task that stays whole. Needs done and no forget (E_STATE; cancel it); of frames see
     * p2c2r_frames_push. Where memory is short a part may go untold; the result has it. NULL: only the whole is told. */
    p2c2r_part_fn part;
} p2c2r_task_desc;

typedef struct p2c2r_client_stats {
    uint32_t struct_size;
    int32_t state;            /* P2C2R_STATE_ */
    uint32_t peers_available; /* as the coordinator last said */
    uint32_t peers_total;
    uint32_t tasks_pending;
    uint32_t results_waiting; /* ended, not yet fetched or dispatched */
    uint64_t submitted;
    uint64_t completed;
    uint64_t failed;
    uint64_t cancelled;
    uint64_t local;     /* completed on this machine */
    uint64_t reconnects;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    uint64_t p50_us; /* submit to end, of the successful tasks so far */
    uint64_t p95_us;
    uint64_t p99_us;
    uint64_t kept_here; /* AUTO tasks that were placed here, as a helper would have been no gain */
    uint64_t trials;    /* copies of tasks, run to learn what that takes; in no other figure but bytes */
    uint64_t cut;       /* tasks that were cut, */
    uint64_t parts;     /* and parts that came with OK; in no other figure but bytes */
    uint64_t held_back; /* answered E_BUSY, or computed here, unsent: the coordinator was refusing such tasks */
} p2c2r_client_stats;

/* Starts to connect in the background and keeps one connection, reconnecting with backoff; an event tells
 * of each change. After reconnect_attempts it gives up for good: AUTO tasks are then run here at once, if
 * they can be, and others end at once. *out is destroyed before its runtime, and before `local`. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_create(p2c2r_runtime* runtime,
                                                      const p2c2r_client_config* config,
                                                      p2c2r_client** out, p2c2r_error* why);
/* Waits until connected; E_TIMEOUT, or the reason why it has been given up; E_STATE for a client of
 * this machine only. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_connect(p2c2r_client* client, uint32_t timeout_ms,
                                                       p2c2r_error* why);
/* Never blocks. *out is written before any host function of the task can run. E_BUSY, with retry_after_ms:
 * tasks_max, bytes_max or the runtime's memory_max is reached; E_SIZE: params and data of more than
 * 64 MiB; E_PARAMS: params are no map; E_UNSUPPORTED: a circle or verify class that is not built. What
 * can be known later only, such as a type that nobody runs, is the task's end. [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_submit(p2c2r_client* client,
                                                      const p2c2r_task_desc* desc, p2c2r_task* out,
                                                      p2c2r_error* why);
/* As many submits as descs, with ids to out[count]. The first *accepted (optional) are in; `why` and the
 * status are about the next. [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_submit_many(p2c2r_client* client,
                                                           const p2c2r_task_desc* descs,
                                                           uint32_t count, p2c2r_task* out,
                                                           uint32_t* accepted, p2c2r_error* why);
/* An input that stays: a scene, a level, a mesh. Its bytes (by R4) are kept until it is dropped, and go to the
 * coordinator once, in the background; coordinator and peers keep them as well, as long as they have room,
 * and get them again when they have not. A task that refers to it costs the network its params and patches.
 * Equal bytes are the same content, to be dropped as often as they were put. Hashes the bytes here, some
 * milliseconds a MiB. E_SIZE: more than 64 MiB; E_BUSY: the runtime's memory_max; E_LIMIT: there are 65536. [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_put(p2c2r_client* client, const p2c2r_bytes* bytes,
                                                   p2c2r_content* out, p2c2r_error* why);
/* No further task may refer to it; those that do go on. E_STALE: the client has no such content. [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_drop(p2c2r_client* client, p2c2r_content content);
/* The data of a result as a content, as p2c2r_client_put of them; those that stayed (P2C2R_TASK_RESIDENT) are not
 * brought for it. Such last as long as the coordinator has room for them and this client is connected, or comes back
 * within 10 s: a task that names one which is gone ends as E_CONTENT with the field content. E_STATE: a failed
 * result; else as put. [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_put_result(p2c2r_client* client,
                                                          const p2c2r_result* result,
                                                          p2c2r_content* out, p2c2r_error* why);
/* The bytes of a content as the data of *out, the caller's to release; of a result that stayed they are asked for
 * now. E_STALE: the client has no such content; E_CONTENT: it is gone; else as p2c2r_client_call. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_get_content(p2c2r_client* client,
                                                           p2c2r_content content,
                                                           uint32_t timeout_ms, p2c2r_result** out,
                                                           p2c2r_error* why);
/* A request: the task still ends, as E_CANCELLED if it could be stopped. Ended: E_STALE. [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_cancel(p2c2r_client* client, p2c2r_task task);
/* Cancels and never tells; releases a result that waits. E_STATE for a task with `part`, and for one with `output` that
 * has not ended: nobody could tell when that memory is free again. [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_forget(p2c2r_client* client, p2c2r_task task);
/* Several tasks were submitted for one purpose, and one answer is enough: keeps `task` (0: none of them) and
 * forgets the other tasks of the list, as p2c2r_client_forget does: those that run are stopped, at the helpers
 * too, and none of them is ever told or fetched. `task` may have been fetched already; a task of the list that
 * is stale, or there twice, is passed over. `tasks` may be NULL when count is 0. E_STATE with the field tasks:
 * one of those to be forgotten has done or output, and so must be told how it ends: nothing has happened. [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_keep(p2c2r_client* client, p2c2r_task task,
                                                    const p2c2r_task* tasks, uint32_t count,
                                                    p2c2r_error* why);
/* PENDING, or OK: the task has ended, *out is the caller's to release, the id is stale from here on.
 * Not for tasks with done (E_STATE). [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_poll(p2c2r_client* client, p2c2r_task task,
                                                    p2c2r_result** out);
/* Waits until one of the tasks has ended (*which, optional, is its index) or timeout_us has passed:
 * PENDING. A task that is stale or has done ends the wait too, as E_STALE or E_STATE. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_wait(p2c2r_client* client, const p2c2r_task* tasks,
                                                    uint32_t count, uint64_t timeout_us,
                                                    uint32_t* which);
/* wait and poll in one: a poll is never an error, so PENDING when the time has passed. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_get_result(p2c2r_client* client, p2c2r_task task,
                                                          uint64_t timeout_us, p2c2r_result** out);
/* OK: *out is the result, whatever its status, and the caller's to release. done must be NULL. Errors as
 * of submit. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_submit_and_wait(p2c2r_client* client,
                                                               const p2c2r_task_desc* desc,
                                                               p2c2r_result** out, p2c2r_error* why);
/* As p2c2r_runtime_dispatch, of this client only. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_dispatch(p2c2r_client* client, uint32_t callbacks_max,
                                                        uint32_t budget_us, uint32_t* run);
/* Fills *out with the figures of this moment. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_stats_get(p2c2r_client* client,
                                                         p2c2r_client_stats* out);
/* "placement": where AUTO tasks go and why, of this client and answered here: "link" (rtt_us, up_mbps and
 * down_mbps as its tasks have shown, all of them together where they fill the line; absent: never the limit so far)
 * and "types", an entry for each task type, pixels asked for (pixels_below, a power of two; absent: none) and size
 * of payload (bytes_below, the same): place ("here" or "helper"), text, tasks, trials, and once
 * known local_us and remote_us (from the wish to the answer), bytes_up and bytes_down. While there is a connection
 * "sending": its acknowledged_bytes and unacknowledged_bytes (given to it, not known to be there), whatever places tasks,
 * and "task_timeout_ms", the coordinator's cap of every deadline (0: not said).
 * Others ask the coordinator: "status" (its statistics), "peers", "gamers" (how many; who, for an admin), "tasks"
 * and "explain" {"task"} (of this client's own tasks), "metrics", "probe" {"data"} (how many bytes came, to time a
 * line by); args_json NULL: {}. *out is the caller's to release. E_DISCONNECTED: there is no connection now; E_TIMEOUT;
 * E_UNSUPPORTED: it knows no such name; E_DENIED: a command of its operator; E_SIZE: arguments of more
 * than 256 KiB. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_call(p2c2r_client* client, const char* name,
                                                    const char* args_json, uint32_t timeout_ms,
                                                    p2c2r_result** out, p2c2r_error* why);
/* Ends all tasks (E_CLOSED), runs their done here, returns after the last. E_STATE while it has frames. NULL
 * is fine. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_destroy(p2c2r_client* client);

/* ---- result [cb] ------------------------------------------------------------------------------ */

typedef struct p2c2r_result_info {
    uint32_t struct_size;
    p2c2r_status status;
    int32_t source; /* P2C2R_SOURCE_ */
    uint32_t attempts;
    uint64_t total_us;      /* submit to end, on this machine's clock */
    uint64_t queue_us;      /* waiting at the coordinator */
    uint64_t processing_us; /* in the executor */
    uint64_t network_us;    /* the rest */
    uint32_t retry_after_ms;
    uint32_t flags;
    uint64_t bytes_received; /* of payload, as they came: fewer than there are where they came compressed; 0: none
                              * came */
    uint64_t resident_size;  /* bytes of data that stayed, see P2C2R_TASK_RESIDENT; 0: none */
} p2c2r_result_info;

typedef struct p2c2r_image {
    uint32_t struct_size;
    int32_t format; /* P2C2R_PIXEL_ */
    uint32_t width;
    uint32_t height;
    uint32_t stride; /* bytes a row of raw pixels; 0: no padding */
    uint32_t flags;
    p2c2r_bytes bytes;
} p2c2r_image;

/* result: any thread, as long as a reference is held, which may be longer than the runtime lives. */
/* How the task ended: OK or its error. E_ARGUMENT for NULL, E_STALE for what is no result any more. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_result_status(const p2c2r_result* result);
/* Fills *out: who, how often and how long, of a failed result as far as it is known. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_result_info_get(const p2c2r_result* result,
                                                        p2c2r_result_info* out);
/* The bytes of the result in one piece, 64-byte aligned, as long as the result; NULL with *size (optional)
 * 0 when there are none. */
P2C2R_API const void* P2C2R_CALL p2c2r_result_data(const p2c2r_result* result, size_t* size);
/* The map form in a P2C2R_FORMAT_; converted once, kept inside, as long as the result. NULL with *size
 * (optional) 0 when there is none. JSON has a zero behind it. */
P2C2R_API const void* P2C2R_CALL p2c2r_result_fields(const p2c2r_result* result, int32_t format,
                                                     size_t* size);
/* The text that `which` (P2C2R_TEXT_) asks for, as long as the result; never NULL, "" with *size (optional)
 * 0 when there is none. MESSAGE and FIELD are of a failed result, ALGORITHM of one that names it,
 * TASK_TYPE is canonical. */
P2C2R_API const char* P2C2R_CALL p2c2r_result_text(const p2c2r_result* result, int32_t which,
                                                   size_t* size);
/* SHA-256 of the raw pixels of an image result (decoded if need be), else of the canonical MessagePack of
 * the fields, `device` left out, followed by the data; of data that stayed, of these alone. E_STATE for a failed result; E_PARAMS or another
 * error for an image that cannot be decoded. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_result_digest(const p2c2r_result* result, uint8_t digest[32]);
/* A view of an image result; its bytes live as long as the result. E_STATE: not an image. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_result_image(const p2c2r_result* result, p2c2r_image* out);
/* What a result that holds a delta makes of `before`, the state of before_size bytes that the task was
 * asked against, which the caller has:
 *  - rt_shadows, rt_reflections, rt_global_illumination with `previous`: the layers, as the data of a task
 *    without `previous` has them; out is that data now, and the result's `layers` say what lies where.
 *  - physics with `result` "delta": packed bodies (records of 40 bytes, those of `owned` where the task had
 *    that); out is the same records now, rounded as the task's data are: the data of the next task.
 * out is as large as before. *out_size: room in, need out; out NULL or too small is E_SIZE with the field
 * out_size, and tells the need. out may be `before`, or overlap it, but not the result's data. All is judged
 * before a byte is written, so out is as it was when the call fails.
 * E_STATE: a failed result, or one without a delta: its data are the whole already, or no state at all.
 * E_SIZE with the field before: the delta is of a state of another size. E_EXECUTOR: the delta is cut, goes
 * beyond the state or gives a body what no run gives it: the result is bad, or `before` is not what it is
 * against. A delta names its state by no digest: another one of the same size that it happens to fit gives
 * wrong values unseen, so keep it as it came. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_result_apply_delta(const p2c2r_result* result,
                                                           const void* before, size_t before_size,
                                                           void* out, size_t* out_size,
                                                           p2c2r_error* why);
/* One more reference, and one less; the last one frees it, which may call the release of its bytes. retain
 * gives `result`, or NULL for what is none. */
P2C2R_API p2c2r_result* P2C2R_CALL p2c2r_result_retain(const p2c2r_result* result);
P2C2R_API void P2C2R_CALL p2c2r_result_release(const p2c2r_result* result); /* NULL is fine */

/* ---- frames: an answer for every frame -------------------------------------------------------- */

typedef struct p2c2r_answer { /* result is the caller's to release; NULL only with SOURCE_NONE */
    uint32_t struct_size;
    int32_t source;        /* P2C2R_SOURCE_: who gave this answer */
    int32_t quality;       /* P2C2R_QUALITY_ of this answer; where there is none, that it was asked in */
    int32_t quality_next;  /* what the window of answers advises for the next frame */
    uint64_t frame;        /* the frame that was pulled */
    uint64_t answers_frame; /* the frame this answer was computed for */
    uint32_t used_us;      /* spent in pull */
    uint32_t late_count;   /* frames so far that were answered after their pull, by helpers or here */
    p2c2r_result* result;
    void* reserved;
    uint64_t age_us;       /* since answers_frame was pushed; 0: no frame's answer, or the host's own */
    uint32_t parts;        /* of `frame`, where it was cut: how many it has, 0: none has come; */
    uint32_t parts_came;   /* and how many of them until its first pull returned */
} p2c2r_answer;

/* One way to compute a frame's answer on this machine: the task of the frame with these params instead. */
typedef struct p2c2r_frame_form {
    uint32_t struct_size;
    int32_t quality;    /* P2C2R_QUALITY_ of the answer */
    const void* params; /* a map in the task's params_format; NULL: empty */
    size_t params_size;
} p2c2r_frame_form;

/* Fills out (struct_size is set); its bytes by R4. Not OK: there is no frame now. */
typedef p2c2r_status(P2C2R_CALL* p2c2r_capture_fn)(void* user, p2c2r_image* out);
/* image and answer live until it returns; image NULL when the answer is none. */
typedef void(P2C2R_CALL* p2c2r_display_fn)(void* user, const p2c2r_image* image,
                                           const p2c2r_answer* answer);
/* The host's own way to an answer, about left_us before the budget ends; its time is the host's. OK: *out is
 * the answer, by R4. */
typedef p2c2r_status(P2C2R_CALL* p2c2r_fallback_fn)(void* user, uint64_t frame, uint32_t left_us,
                                                    p2c2r_bytes* out);

typedef struct p2c2r_frames_config {
    uint32_t struct_size;
    uint32_t budget_us;     /* of pull and step when they say 0; 0: 16666 */
    uint32_t pipeline_max;  /* frames in flight; the oldest is dropped; 0: as many as 200 ms of budgets, 8 to 64 */
    uint32_t window;        /* answers that decide the advised quality; 0: 10 */
    uint32_t age_max;       /* how many frames old a previous answer may be; 0: as many as 134 ms of budgets, 4 to 64 */
    int32_t quality;        /* to start with; 0: balanced */
    uint32_t flags;         /* P2C2R_FRAMES_ */
    uint32_t output_width;  /* of step: capture, upscale, display */
    uint32_t output_height;
    uint32_t reserved0;
    p2c2r_capture_fn capture;
    p2c2r_display_fn display;
    p2c2r_fallback_fn fallback;
    void* user;
} p2c2r_frames_config;

/* frames: push from any thread; pull and step from one at a time, with the client alive. The advised quality:
 * when the mean of the window's answers is more than 1.98 budgets of the config (33 ms at 60 frames a second) it is
 * FAST, when it is less than 0.96 of one (16 ms) QUALITY, between the two as it was. An answer counts with its
 * submit to end, one that was not there in time with push to pull's end. After a change the window fills anew. */
/* A stream of frames over this client, which it does not own. *out is the caller's to destroy, before the
 * client. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_frames_create(p2c2r_client* client,
                                                      const p2c2r_frames_config* config,
                                                      p2c2r_frames** out, p2c2r_error* why);
/* Submits the task of the next frame (numbered from 1; *frame is optional); done and output must be NULL, flags
 * without TASK_RESIDENT. Its quality is the one that the last answer advised. deadline_us is when no answer is of use any more, also not
 * to later frames; 0: pipeline_max budgets. So a task may take longer than a budget: who pushes each frame and
 * pulls what is there (or an earlier frame) has as many answers a second as it pushes, as old as its tasks take.
 * The oldest frame beyond pipeline_max is forgotten. Errors as of submit. Never blocks.
 * With `split` several peers share the frame. It is one frame still: its answer is the whole, and that alone counts for
 * quality, late_count, pipeline_max and age_max. This machine computes a form of the whole, never a part. `part` is called
 * inside pull and step of these frames, whichever frame they are for, on their thread, with the frame's number as
 * `task`: once for each part that comes before a pull of its own frame has returned, all that came before that
 * returns, and none later. Nor is one told of a frame that push has dropped or destroy forgotten, but for the one that
 * is being told in another thread's pull while push drops it. What part takes is the host's time. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_frames_push(p2c2r_frames* frames,
                                                    const p2c2r_task_desc* desc, uint64_t* frame,
                                                    p2c2r_error* why);
/* As push, for a task whose params ask for a quality that is named (P2C2R_QUALITY_; 0: the advised one), with up to
 * 8 more forms of it, each of another quality. Unless NO_LOCAL says so, or place is REMOTE, this machine computes
 * one of them when no answer has come: the best that is done in time by what its last runs took (95 of 100), begun
 * as late as that allows, in time for the end of this frame's pull (before there is a pull: so long after push as
 * the last one was). `quality` of the answer says which. Without forms it is the task as it is. A remote answer
 * that is there by the end of the pull comes first. params of a form: E_PARAMS; `forms` may be NULL when count is 0. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_frames_push_forms(p2c2r_frames* frames,
                                                          const p2c2r_task_desc* desc,
                                                          int32_t quality,
                                                          const p2c2r_frame_form* forms,
                                                          uint32_t count, uint64_t* frame,
                                                          p2c2r_error* why);
/* Returns by the budget with the best answer there is, and says what it was: the frame's own remote or
 * local answer, an earlier frame's (also one that came late), the host's, or none. Returns sooner with a remote
 * answer, or with a local one when no other is awaited. OK always, but for wrong arguments and, as
 * E_BUSY, while another thread is inside pull or step of these frames. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_frames_pull(p2c2r_frames* frames, uint64_t frame,
                                                    uint32_t budget_us, p2c2r_answer* out);
/* capture, push as `upscale` with a form for each quality up to the advised one, pull, display, all here. E_STATE: the config has no capture or no output size;
 * what capture says when it has no frame; else as push and pull. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_frames_step(p2c2r_frames* frames, uint32_t budget_us,
                                                    p2c2r_answer* out);
/* Forgets the frames in flight. Before its client, or with it when the runtime is closed. NULL is fine.
 * [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_frames_destroy(p2c2r_frames* frames);

/* One frame by hand: submits an `upscale` task with frame->bytes (by R4) for a picture of width x height
 * pixels; quality is a P2C2R_QUALITY_, 0: balanced. Errors as of submit. [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_submit_frame_for_upscaling(
    p2c2r_client* client, const p2c2r_image* frame, uint32_t width, uint32_t height, int32_t quality,
    p2c2r_task* out, p2c2r_error* why);
/* As get_result; *view is a view into *out, which is the caller's to release, and empty
 * when the task failed. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_client_get_upscaled_frame(p2c2r_client* client,
                                                                  p2c2r_task task,
                                                                  uint64_t timeout_us,
                                                                  p2c2r_image* view,
                                                                  p2c2r_result** out);

/* ---- peer ------------------------------------------------------------------------------------- */

typedef struct p2c2r_capabilities { /* IN: zero is "as detected". OUT: texts live as long as the peer */
    uint32_t struct_size;
    uint32_t cpu_cores;
    uint32_t ram_mb;
    uint32_t gpu_vram_mb;
    int32_t gpu; /* OUT: 1 or 0 */
    uint32_t network_kbps;
    const char* gpu_model;
    const char* task_types; /* "upscale,echo"; NULL: all executors of the runtime */
    const char* location;
    void* reserved;
    /* How fast it computes, in thousandths of any one machine's (1000: as that, 2000: twice as fast), up to
     * 1 000 000; 0: not known. It decides who gets a first task of a type; what answers took counts from then on. */
    uint32_t speed_milli;
    uint32_t reserved0;
} p2c2r_capabilities;

typedef struct p2c2r_peer_config {
    uint32_t struct_size;
    uint32_t max_concurrent_tasks; /* 0: 4 */
    int32_t deliver;               /* P2C2R_DELIVER_ */
    uint32_t reconnect_attempts;   /* in a row; 0: no limit; P2C2R_NONE: none */
    uint32_t prefetch_tasks;       /* assigned ahead of need; 0: as many as run; P2C2R_NONE: none */
    uint32_t flags;
    p2c2r_coordinator* local;
    const char* coordinator_url; /* as a client's */
    const char* peer_id; /* NULL: automatic */
    /* JSON: as a client's; circle ("invited"), "own": no tasks but those of its own owner's gamers; and what the
     * owner of the machine allows, whose sensors are looked at and whose caps hold
     * as soon as one of these keys is there: mode ("always", "idle", "while_gaming", "schedule"), idle_minutes (5),
     * hand_back_ms (300), schedule {hours: "22:00-07:00"}, gpu_duty_cap (percent), on_battery (false), on_metered
     * (false), metered (false), caps {data_day_mb, data_month_mb, gpu_temperature (85), cpu_temperature (95),
     * power_watts}, data_file (keeps the counts of data), display (an X display as ":0"; "wayland": one that does
     * not tell; none: nobody sits there). src/owner/README.md has the rules. And content_bytes_max (256 MiB, at
     * most half of the runtime's memory_max): of contents that are kept here for later tasks, 0: none. */
    const char* options;
    const p2c2r_capabilities* capabilities;
    p2c2r_event_fn event;
    void* user;
    const p2c2r_credentials* credentials; /* NULL: none */
} p2c2r_peer_config;

typedef struct p2c2r_peer_stats {
    uint32_t struct_size;
    int32_t state; /* P2C2R_STATE_ */
    uint32_t running;
    uint32_t waiting;
    uint32_t slots_free;
    uint32_t load_permille;
    uint32_t paused;
    uint32_t reserved0;
    uint64_t completed;
    uint64_t failed;
    uint64_t compute_us;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t reconnects;
    uint32_t accepts;            /* 1: new tasks are taken; else p2c2r_peer_why tells why not */
    int32_t mode;                /* P2C2R_MODE_ */
    uint32_t duty_cap_permille;  /* of the time that it may work now */
    uint32_t duty_used_permille; /* of the last ten seconds */
    uint64_t worked_us;          /* in which at least one task ran and did not wait */
    uint64_t data_day_bytes;     /* sent and received today, by local time */
    uint64_t data_month_bytes;
    uint64_t handed_back; /* tasks that had been started, given to others because the owner wanted the machine */
} p2c2r_peer_stats;

/* Makes a peer that does nothing yet: its events come after peer_start. *out is destroyed before its runtime,
 * and before `local`. E_LIMIT: more task types than one peer can offer (64, and all of its registration in
 * 3072 bytes); E_DENIED: the runtime's GPU is lent; E_UNSUPPORTED or E_DEVICE: task_types lists one that a device which was named has no form
 * for or fails the test of, which is run here and may take seconds. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_peer_create(p2c2r_runtime* runtime,
                                                    const p2c2r_peer_config* config,
                                                    p2c2r_peer** out, p2c2r_error* why);
/* Connects and takes tasks until paused or destroyed; reconnects with capped backoff and jitter, until
 * reconnect_attempts in a row have failed. Returns at once: the event tells how it went. A second start
 * changes nothing. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_peer_start(p2c2r_peer* peer, p2c2r_error* why);
/* No new task is taken, and those held are handed back: work on them ends between two slices. Resume takes tasks
 * again. [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_peer_pause(p2c2r_peer* peer);
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_peer_resume(p2c2r_peer* peer);
/* active 1: the owner is using the machine; 0: no longer. Never waits. Built-in types stop between two slices,
 * at once; what lasts longer than hand_back_ms is handed back for others to compute. In mode while_gaming
 * the duty cap holds instead; in mode idle the minutes begin anew. [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_peer_activity(p2c2r_peer* peer, int32_t active);
/* The machine has been measured, or measured again: speed_milli as in p2c2r_capabilities. The coordinator is told at
 * once, or when it is connected. E_ARGUMENT: more than 1 000 000. [cb] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_peer_set_speed(p2c2r_peer* peer, uint32_t speed_milli);
/* Why no task is taken, or with what limits; "": neither. *out_size: room in, need out (with the zero); out NULL
 * or too small: E_SIZE. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_peer_why(p2c2r_peer* peer, char* out, size_t* out_size);
/* Fills *out with what this peer says of itself: as detected, then as overridden;
 * task_types is what it offers now. The texts live as long as the peer. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_peer_capabilities(p2c2r_peer* peer, p2c2r_capabilities* out);
/* The peer_id, given or automatic. *out_size: room in, need out (with the zero); out NULL or too small:
 * E_SIZE. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_peer_id(p2c2r_peer* peer, char* out, size_t* out_size);
/* Fills *out with the figures of this moment. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_peer_stats_get(p2c2r_peer* peer, p2c2r_peer_stats* out);
/* Pauses and waits until nothing runs and every result has been handed over. E_TIMEOUT: not yet; it stays
 * paused, and drain may be called again. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_peer_drain(p2c2r_peer* peer, uint32_t timeout_ms);
/* Waits for run and cancel to return, never for a PENDING job. NULL is fine. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_peer_destroy(p2c2r_peer* peer);

/* ---- coordinator ------------------------------------------------------------------------------ */

enum { P2C2R_COORDINATOR_PLAINTEXT_ANYWHERE = 1 }; /* allow a plaintext address that is not loopback */

typedef struct p2c2r_coordinator_config {
    uint32_t struct_size;
    uint32_t listen_port;           /* 0: 8765; P2C2R_ANY; P2C2R_NONE: in this process only */
    uint32_t max_peers;             /* 0: 10000 */
    uint32_t task_timeout_ms;       /* cap of every deadline; 0: 5000 */
    uint32_t heartbeat_interval_ms; /* 0: 1000 */
    uint32_t prometheus_port;       /* /metrics and /healthz; 0 or P2C2R_NONE: off; P2C2R_ANY */
    uint64_t memory_max;            /* payload bytes held; 0: the runtime's */
    int32_t deliver;
    uint32_t flags; /* P2C2R_COORDINATOR_ */
    const char* listen_address; /* NULL: 127.0.0.1 */
    /* JSON: local_execution (true): computes as a last resort; resume_grace_ms (10000): how long the
     * tasks of a lost client wait for it; gamer_window_bytes (32 MiB): payload the clients of
     * one account may have pending; content_bytes_max (256 MiB, at most half of memory_max): of contents that are kept for later
     * tasks, of which one account has half at most, 0: none; answer_bytes_max (64 MiB, at most an eighth of
     * memory_max): of answers that are kept for the same account's tasks that ask the same again, 0: none, and
     * equal tasks are each computed; copies_percent (5): so many of a hundred attempts at most are second ones, of tasks
     * that take longer than nearly all do, 0: none but of what is at a peer that has fallen silent;
     * of each account but the operator's own: gamer_tasks_per_s (20000) and gamer_bytes_per_s
     * (256 MiB), contents that come counted as well, 0: no limit, gamer_in_flight_max (64) tasks where peers may get them and
     * gamer_queued_max (256) that wait for these; more are E_BUSY with retry_after_ms, and so are calls, each of
     * which counts as a task and as one more for each KiB of its answer. account_connections_max (64): clients
     * and peers of each such account, more are refused with E_LIMIT.
     * limit_operator (false): the operator's own as well. With PLAINTEXT_ANYWHERE and no access_file whoever comes
     * from elsewhere is held to the same: all of one network (IPv4 address, IPv6 /64) together. */
    const char* options;
    p2c2r_event_fn event;
    void* user;
    /* PEM: with both, connections are TLS 1.3. NULL: plaintext. */
    const char* certificate_file;
    const char* key_file; /* mode 0600 */
    /* Who may come in, mode 0600; made empty when it is not there, and written after each change (the calls
     * key.*). NULL: whoever comes, which is refused with TLS on an address that is not loopback. */
    const char* access_file;
    /* A JSON line for each login, refusal and change, added; NULL: none. From 16 MiB on it begins anew, and the
     * one before is audit_file with ".1" behind. */
    const char* audit_file;
} p2c2r_coordinator_config;

typedef struct p2c2r_coordinator_stats {
    uint32_t struct_size;
    uint32_t active_peers;
    uint32_t clients;
    uint32_t pending_tasks;
    uint64_t completed_tasks;
    uint64_t failed_tasks;
    uint64_t cancelled_tasks;
    uint64_t retries;
    uint64_t timeouts;
    uint64_t peer_failures;
    uint64_t local_tasks; /* computed by the coordinator itself */
    uint64_t p50_us;      /* admission to delivery, of the successful tasks so far */
    uint64_t p95_us;
    uint64_t p99_us;
    uint64_t queue_p99_us;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t payload_bytes_copied; /* payloads of 4 KiB and more are referenced, never copied */
    uint32_t utilisation_permille; /* of connected slot time: with a task held that ended accepted */
    uint32_t flags;
    uint64_t audit_lost; /* entries of audit_file that could not be written */
} p2c2r_coordinator_stats;

/* Makes a coordinator that does not listen yet. *out is destroyed before its runtime, and after the roles that
 * have it as `local`. E_DENIED: local_execution where the runtime's GPU is lent. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_coordinator_create(p2c2r_runtime* runtime,
                                                           const p2c2r_coordinator_config* config,
                                                           p2c2r_coordinator** out, p2c2r_error* why);
/* Listens; `why` names the address and port when they cannot be had (E_IO). E_DENIED: an address that is not
 * loopback without PLAINTEXT_ANYWHERE (with prometheus_port, already by create). */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_coordinator_start(p2c2r_coordinator* coordinator,
                                                          p2c2r_error* why);
/* The port it listens on; for monitoring_port the one of /metrics (optional). 0: none. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_coordinator_port(p2c2r_coordinator* coordinator,
                                                         uint32_t* port, uint32_t* monitoring_port);
/* Fills *out with the figures of this moment. */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_coordinator_stats_get(p2c2r_coordinator* coordinator,
                                                              p2c2r_coordinator_stats* out);
/* "status", "peers", "gamers", "tasks", "metrics" (Prometheus text as the result's data), "explain" {"task"}: why this
 * peer; "task.assign" {"task", "peer_id"}: moves a waiting task to that peer; "peer.fail" {"peer_id"}:
 * treats it as lost. With an access_file: "key.list"; "key.add" {"name", "key", "roles", "circle", "owner"}; "key.token"
 * {"name", "roles", "circle", "owner", "from"}: tells a fresh "token"; "key.from" {"name", "from"}: where its token is
 * good from henceforth, "first": the network (/24, /48) of its next login, as without "from", "any", or prefixes like
 * "192.0.2.0/24,2001:db8::/48"; who is connected from elsewhere is not any more; "key.invite" {"roles", "circle", "owner", "valid_s"}:
 * tells the "secret" of a one-use join code and the "name" of its invitation, which "name" may choose; "key.invitations": those that
 * are open, without their secrets; "key.withdraw" {"name"}: such a code is refused from now on; "key.revoke" {"name"}: ends what
 * is connected, too; E_STATE: the account that asks, as in "key.from" where it would shut itself out, unless "force" is its name. What
 * revoke and withdraw do counts at once; "unsaved" in their answers, and in that of "key.list", says why it is not on the disk yet: a
 * restart would undo it, and the coordinator tries again. All else is E_IO when it cannot be written, and has not happened. roles: "gamer",
 * "peer", "admin" with commas; circle: "own" for machines of the operator, else "invited"; owner: whose an invited
 * machine is (itself alone): machines of one owner are its circle own. "reload": reads certificate_file
 * and key_file again, for connections to come. args_json NULL: {}. *out is the caller's to release. E_UNSUPPORTED names what there is;
 * E_STALE: no such task is pending, no such peer connected. It answers at once: timeout_ms is ignored.
 * [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_coordinator_call(p2c2r_coordinator* coordinator,
                                                         const char* name, const char* args_json,
                                                         uint32_t timeout_ms, p2c2r_result** out,
                                                         p2c2r_error* why);
/* Admits nothing new and waits until no task is pending. E_TIMEOUT: not yet; still nothing new is admitted,
 * and drain may be called again. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_coordinator_drain(p2c2r_coordinator* coordinator,
                                                          uint32_t timeout_ms);
/* Ends what is pending (E_CLOSED) and says goodbye to everybody. NULL is fine. [blocks] */
P2C2R_API p2c2r_status P2C2R_CALL p2c2r_coordinator_destroy(p2c2r_coordinator* coordinator);

#ifdef __cplusplus
}
#endif

#endif
