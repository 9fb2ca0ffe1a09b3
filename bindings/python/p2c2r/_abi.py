"""The structs and functions of p2c2r.h, field by field and in its order, and nothing else.

Handles are plain addresses (c_void_p), so a function takes whatever it is given and the library
itself tells a living handle from a destroyed one. A test compares all of this with the header.
"""

import ctypes
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char,
    c_char_p,
    c_int32,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)

Handle = c_void_p
Task = c_uint64
Content = c_uint64

# ---- frozen structs and host functions --------------------------------------------------------

ReleaseFn = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)


class Bytes(Structure):
    _fields_ = [("data", c_void_p), ("size", c_size_t), ("release", ReleaseFn), ("user", c_void_p)]


class Error(Structure):
    _fields_ = [
        ("status", c_int32),
        ("retry_after_ms", c_uint32),
        ("field", c_char * 56),
        ("text", c_char * 192),
    ]


class Patch(Structure):
    _fields_ = [("offset", c_uint64), ("data", c_void_p), ("size", c_size_t)]


AllocateFn = CFUNCTYPE(c_void_p, c_void_p, c_size_t, c_size_t)
DeallocateFn = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t, c_size_t)


class Allocator(Structure):
    _fields_ = [
        ("allocate", AllocateFn),
        ("deallocate", DeallocateFn),
        ("user", c_void_p),
        ("reserved", c_void_p),
    ]


class Growing(Structure):
    """A struct whose first field says how much of it its maker knew."""

    def __init__(self, **fields):
        super().__init__(struct_size=ctypes.sizeof(type(self)), **fields)


class Event(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("type", c_int32),
        ("status", c_int32),
        ("flags", c_uint32),
        ("number", c_uint64),
        ("subject", c_char_p),
        ("text", c_char_p),
    ]


class Part(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("index", c_uint32),
        ("count", c_uint32),
        ("flags", c_uint32),
        ("first_unit", c_uint64),
        ("unit_count", c_uint64),
        ("units", c_uint64),
        ("unit_name", c_char_p),
        ("reserved", c_void_p),
    ]


PartFn = CFUNCTYPE(None, c_void_p, Task, POINTER(Part), Handle)
EventFn = CFUNCTYPE(None, c_void_p, POINTER(Event))
LogFn = CFUNCTYPE(None, c_void_p, c_int32, c_char_p, c_void_p, c_size_t)
NotifyFn = CFUNCTYPE(None, c_void_p)
ThreadFn = CFUNCTYPE(None, c_void_p, c_char_p, c_int32)
LockFn = CFUNCTYPE(None, c_void_p, c_int32)
Proc = CFUNCTYPE(None)
DoneFn = CFUNCTYPE(None, c_void_p, Task, Handle)
RunFn = CFUNCTYPE(c_int32, c_void_p, Handle)
CancelFn = CFUNCTYPE(None, c_void_p, Handle)
DestroyFn = CFUNCTYPE(None, c_void_p)

# ---- growing structs --------------------------------------------------------------------------


class VulkanHost(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("api_version", c_uint32),
        ("queue_family", c_uint32),
        ("reserved0", c_uint32),
        ("instance", c_void_p),
        ("physical_device", c_void_p),
        ("device", c_void_p),
        ("queue", c_void_p),
        ("get_instance_proc_addr", Proc),
        ("queue_lock", LockFn),
        ("user", c_void_p),
        ("reserved", c_void_p),
    ]


class RuntimeConfig(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("abi_version", c_uint32),
        ("run_mode", c_int32),
        ("deliver", c_int32),
        ("log_level", c_int32),
        ("gpu", c_int32),
        ("gpu_index", c_uint32),
        ("worker_threads", c_uint32),
        ("memory_max", c_uint64),
        ("cache_dir", c_char_p),
        ("options", c_char_p),
        ("allocator", POINTER(Allocator)),
        ("log", LogFn),
        ("notify", NotifyFn),
        ("thread", ThreadFn),
        ("user", c_void_p),
        ("reserved", c_void_p),
        ("vulkan", POINTER(VulkanHost)),
        ("reserved1", c_void_p),
    ]


class ExecutorDesc(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("parallel_max", c_uint32),
        ("reserved0", c_uint32),
        ("task_type", c_char_p),
        ("run", RunFn),
        ("cancel", CancelFn),
        ("destroy", DestroyFn),
        ("user", c_void_p),
        ("reserved", c_void_p),
    ]


class Credentials(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved0", c_uint32),
        ("server_pin", c_uint8 * 32),
        ("ca_file", c_char_p),
        ("identity_file", c_char_p),
        ("token", c_void_p),
        ("token_size", c_size_t),
        ("invite", c_void_p),
        ("invite_size", c_size_t),
    ]


class ClientConfig(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("tasks_max", c_uint32),
        ("bytes_max", c_uint64),
        ("deliver", c_int32),
        ("connect_timeout_ms", c_uint32),
        ("reconnect_attempts", c_uint32),
        ("flags", c_uint32),
        ("local", Handle),
        ("coordinator_url", c_char_p),
        ("client_id", c_char_p),
        ("options", c_char_p),
        ("event", EventFn),
        ("user", c_void_p),
        ("credentials", POINTER(Credentials)),
        ("reserved", c_void_p),
    ]


class TaskDesc(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("deadline_us", c_uint64),
        ("priority", c_int32),
        ("verify", c_int32),
        ("place", c_int32),
        ("circle", c_int32),
        ("params_format", c_int32),
        ("depends_count", c_uint32),
        ("task_type", c_char_p),
        ("params", c_void_p),
        ("params_size", c_size_t),
        ("data", POINTER(Bytes)),
        ("output", c_void_p),
        ("output_size", c_size_t),
        ("done", DoneFn),
        ("user", c_void_p),
        ("depends_on", POINTER(Task)),
        ("reserved", c_void_p),
        ("content", Content),
        ("patches", POINTER(Patch)),
        ("patch_count", c_size_t),
        ("split", c_int32),
        ("reserved1", c_uint32),
        ("split_by", c_char_p),
        ("part", PartFn),
    ]


class ClientStats(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("state", c_int32),
        ("peers_available", c_uint32),
        ("peers_total", c_uint32),
        ("tasks_pending", c_uint32),
        ("results_waiting", c_uint32),
        ("submitted", c_uint64),
        ("completed", c_uint64),
        ("failed", c_uint64),
        ("cancelled", c_uint64),
        ("local", c_uint64),
        ("reconnects", c_uint64),
        ("bytes_sent", c_uint64),
        ("bytes_received", c_uint64),
        ("p50_us", c_uint64),
        ("p95_us", c_uint64),
        ("p99_us", c_uint64),
        ("kept_here", c_uint64),
        ("trials", c_uint64),
        ("cut", c_uint64),
        ("parts", c_uint64),
        ("held_back", c_uint64),
    ]


class ResultInfo(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("status", c_int32),
        ("source", c_int32),
        ("attempts", c_uint32),
        ("total_us", c_uint64),
        ("queue_us", c_uint64),
        ("processing_us", c_uint64),
        ("network_us", c_uint64),
        ("retry_after_ms", c_uint32),
        ("flags", c_uint32),
        ("bytes_received", c_uint64),
        ("resident_size", c_uint64),
    ]


class Image(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("format", c_int32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("stride", c_uint32),
        ("flags", c_uint32),
        ("bytes", Bytes),
    ]


class Answer(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("source", c_int32),
        ("quality", c_int32),
        ("quality_next", c_int32),
        ("frame", c_uint64),
        ("answers_frame", c_uint64),
        ("used_us", c_uint32),
        ("late_count", c_uint32),
        ("result", Handle),
        ("reserved", c_void_p),
        ("age_us", c_uint64),
        ("parts", c_uint32),
        ("parts_came", c_uint32),
    ]


class FrameForm(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("quality", c_int32),
        ("params", c_void_p),
        ("params_size", c_size_t),
    ]


CaptureFn = CFUNCTYPE(c_int32, c_void_p, POINTER(Image))
DisplayFn = CFUNCTYPE(None, c_void_p, POINTER(Image), POINTER(Answer))
FallbackFn = CFUNCTYPE(c_int32, c_void_p, c_uint64, c_uint32, POINTER(Bytes))


class FramesConfig(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("budget_us", c_uint32),
        ("pipeline_max", c_uint32),
        ("window", c_uint32),
        ("age_max", c_uint32),
        ("quality", c_int32),
        ("flags", c_uint32),
        ("output_width", c_uint32),
        ("output_height", c_uint32),
        ("reserved0", c_uint32),
        ("capture", CaptureFn),
        ("display", DisplayFn),
        ("fallback", FallbackFn),
        ("user", c_void_p),
    ]


class Capabilities(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("cpu_cores", c_uint32),
        ("ram_mb", c_uint32),
        ("gpu_vram_mb", c_uint32),
        ("gpu", c_int32),
        ("network_kbps", c_uint32),
        ("gpu_model", c_char_p),
        ("task_types", c_char_p),
        ("location", c_char_p),
        ("reserved", c_void_p),
        ("speed_milli", c_uint32),
        ("reserved0", c_uint32),
    ]


class PeerConfig(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("max_concurrent_tasks", c_uint32),
        ("deliver", c_int32),
        ("reconnect_attempts", c_uint32),
        ("prefetch_tasks", c_uint32),
        ("flags", c_uint32),
        ("local", Handle),
        ("coordinator_url", c_char_p),
        ("peer_id", c_char_p),
        ("options", c_char_p),
        ("capabilities", POINTER(Capabilities)),
        ("event", EventFn),
        ("user", c_void_p),
        ("credentials", POINTER(Credentials)),
    ]


class PeerStats(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("state", c_int32),
        ("running", c_uint32),
        ("waiting", c_uint32),
        ("slots_free", c_uint32),
        ("load_permille", c_uint32),
        ("paused", c_uint32),
        ("reserved0", c_uint32),
        ("completed", c_uint64),
        ("failed", c_uint64),
        ("compute_us", c_uint64),
        ("bytes_in", c_uint64),
        ("bytes_out", c_uint64),
        ("reconnects", c_uint64),
        ("accepts", c_uint32),
        ("mode", c_int32),
        ("duty_cap_permille", c_uint32),
        ("duty_used_permille", c_uint32),
        ("worked_us", c_uint64),
        ("data_day_bytes", c_uint64),
        ("data_month_bytes", c_uint64),
        ("handed_back", c_uint64),
    ]


class CoordinatorConfig(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("listen_port", c_uint32),
        ("max_peers", c_uint32),
        ("task_timeout_ms", c_uint32),
        ("heartbeat_interval_ms", c_uint32),
        ("prometheus_port", c_uint32),
        ("memory_max", c_uint64),
        ("deliver", c_int32),
        ("flags", c_uint32),
        ("listen_address", c_char_p),
        ("options", c_char_p),
        ("event", EventFn),
        ("user", c_void_p),
        ("certificate_file", c_char_p),
        ("key_file", c_char_p),
        ("access_file", c_char_p),
        ("audit_file", c_char_p),
    ]


class CoordinatorStats(Growing):
    _fields_ = [
        ("struct_size", c_uint32),
        ("active_peers", c_uint32),
        ("clients", c_uint32),
        ("pending_tasks", c_uint32),
        ("completed_tasks", c_uint64),
        ("failed_tasks", c_uint64),
        ("cancelled_tasks", c_uint64),
        ("retries", c_uint64),
        ("timeouts", c_uint64),
        ("peer_failures", c_uint64),
        ("local_tasks", c_uint64),
        ("p50_us", c_uint64),
        ("p95_us", c_uint64),
        ("p99_us", c_uint64),
        ("queue_p99_us", c_uint64),
        ("bytes_in", c_uint64),
        ("bytes_out", c_uint64),
        ("payload_bytes_copied", c_uint64),
        ("utilisation_permille", c_uint32),
        ("flags", c_uint32),
        ("audit_lost", c_uint64),
    ]


# ---- functions --------------------------------------------------------------------------------

Why = POINTER(Error)
SizeOut = POINTER(c_size_t)
HandleOut = POINTER(Handle)
U32Out = POINTER(c_uint32)

# Name behind p2c2r_: what it returns, then its parameters.
PROTOTYPES = {
    "abi_version": [c_uint32],
    "version_text": [c_char_p],
    "status_name": [c_char_p, c_int32],
    "status_text": [c_char_p, c_int32],
    "now_us": [c_uint64],
    "params_from_json": [c_int32, c_char_p, c_size_t, c_void_p, SizeOut, Why],
    "params_to_json": [c_int32, c_void_p, c_size_t, c_void_p, SizeOut, Why],
    "runtime_create": [c_int32, POINTER(RuntimeConfig), HandleOut, Why],
    "runtime_poll": [c_int32, Handle, c_uint32],
    "runtime_dispatch": [c_int32, Handle, c_uint32, c_uint32, U32Out],
    "runtime_work": [c_int32, Handle, c_uint32, c_uint32],
    "runtime_backend": [c_int32, Handle, POINTER(c_int32), POINTER(c_int32)],
    "runtime_wake": [c_int32, Handle],
    "runtime_call": [c_int32, Handle, c_char_p, c_char_p, POINTER(Bytes), c_uint32, HandleOut, Why],
    "runtime_close": [c_int32, Handle, c_uint32],
    "runtime_destroy": [c_int32, Handle],
    "runtime_add_executor": [c_int32, Handle, POINTER(ExecutorDesc), Why],
    "runtime_remove_executor": [c_int32, Handle, c_char_p, c_uint32],
    "job_input": [c_void_p, Handle, c_uint32, SizeOut],
    "job_params": [c_void_p, Handle, c_int32, SizeOut],
    "job_task_type": [c_char_p, Handle],
    "job_state": [c_uint32, Handle],
    "job_left_us": [c_uint64, Handle],
    "job_output_alloc": [c_int32, Handle, c_size_t, POINTER(c_void_p)],
    "job_output_adopt": [c_int32, Handle, POINTER(Bytes)],
    "job_output_fields": [c_int32, Handle, c_int32, c_void_p, c_size_t],
    "job_explain": [c_int32, Handle, c_char_p, c_char_p],
    "job_finish": [c_int32, Handle, c_int32],
    "job_retain": [Handle, Handle],
    "job_release": [None, Handle],
    "client_create": [c_int32, Handle, POINTER(ClientConfig), HandleOut, Why],
    "client_connect": [c_int32, Handle, c_uint32, Why],
    "client_submit": [c_int32, Handle, POINTER(TaskDesc), POINTER(Task), Why],
    "client_submit_many": [
        c_int32, Handle, POINTER(TaskDesc), c_uint32, POINTER(Task), U32Out, Why,
    ],
    "client_put": [c_int32, Handle, POINTER(Bytes), POINTER(Content), Why],
    "client_drop": [c_int32, Handle, Content],
    "client_put_result": [c_int32, Handle, Handle, POINTER(Content), Why],
    "client_get_content": [c_int32, Handle, Content, c_uint32, HandleOut, Why],
    "client_cancel": [c_int32, Handle, Task],
    "client_forget": [c_int32, Handle, Task],
    "client_keep": [c_int32, Handle, Task, POINTER(Task), c_uint32, Why],
    "client_poll": [c_int32, Handle, Task, HandleOut],
    "client_wait": [c_int32, Handle, POINTER(Task), c_uint32, c_uint64, U32Out],
    "client_get_result": [c_int32, Handle, Task, c_uint64, HandleOut],
    "client_submit_and_wait": [c_int32, Handle, POINTER(TaskDesc), HandleOut, Why],
    "client_dispatch": [c_int32, Handle, c_uint32, c_uint32, U32Out],
    "client_stats_get": [c_int32, Handle, POINTER(ClientStats)],
    "client_call": [c_int32, Handle, c_char_p, c_char_p, c_uint32, HandleOut, Why],
    "client_destroy": [c_int32, Handle],
    "result_status": [c_int32, Handle],
    "result_info_get": [c_int32, Handle, POINTER(ResultInfo)],
    "result_data": [c_void_p, Handle, SizeOut],
    "result_fields": [c_void_p, Handle, c_int32, SizeOut],
    "result_text": [c_void_p, Handle, c_int32, SizeOut],
    "result_digest": [c_int32, Handle, POINTER(c_uint8)],
    "result_image": [c_int32, Handle, POINTER(Image)],
    "result_apply_delta": [c_int32, Handle, c_void_p, c_size_t, c_void_p, SizeOut, Why],
    "result_retain": [Handle, Handle],
    "result_release": [None, Handle],
    "frames_create": [c_int32, Handle, POINTER(FramesConfig), HandleOut, Why],
    "frames_push": [c_int32, Handle, POINTER(TaskDesc), POINTER(c_uint64), Why],
    "frames_push_forms": [
        c_int32, Handle, POINTER(TaskDesc), c_int32, POINTER(FrameForm), c_uint32,
        POINTER(c_uint64), Why,
    ],
    "frames_pull": [c_int32, Handle, c_uint64, c_uint32, POINTER(Answer)],
    "frames_step": [c_int32, Handle, c_uint32, POINTER(Answer)],
    "frames_destroy": [c_int32, Handle],
    "client_submit_frame_for_upscaling": [
        c_int32, Handle, POINTER(Image), c_uint32, c_uint32, c_int32, POINTER(Task), Why,
    ],
    "client_get_upscaled_frame": [c_int32, Handle, Task, c_uint64, POINTER(Image), HandleOut],
    "peer_create": [c_int32, Handle, POINTER(PeerConfig), HandleOut, Why],
    "peer_start": [c_int32, Handle, Why],
    "peer_activity": [c_int32, Handle, c_int32],
    "peer_set_speed": [c_int32, Handle, c_uint32],
    "peer_pause": [c_int32, Handle],
    "peer_resume": [c_int32, Handle],
    "peer_capabilities": [c_int32, Handle, POINTER(Capabilities)],
    "peer_id": [c_int32, Handle, c_void_p, SizeOut],
    "peer_why": [c_int32, Handle, c_void_p, SizeOut],
    "peer_stats_get": [c_int32, Handle, POINTER(PeerStats)],
    "peer_drain": [c_int32, Handle, c_uint32],
    "peer_destroy": [c_int32, Handle],
    "coordinator_create": [c_int32, Handle, POINTER(CoordinatorConfig), HandleOut, Why],
    "coordinator_start": [c_int32, Handle, Why],
    "coordinator_port": [c_int32, Handle, U32Out, U32Out],
    "coordinator_stats_get": [c_int32, Handle, POINTER(CoordinatorStats)],
    "coordinator_call": [c_int32, Handle, c_char_p, c_char_p, c_uint32, HandleOut, Why],
    "coordinator_drain": [c_int32, Handle, c_uint32],
    "coordinator_destroy": [c_int32, Handle],
}
