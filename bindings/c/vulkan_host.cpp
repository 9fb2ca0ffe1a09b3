#include "bindings/c/vulkan_host.h"

#include "bindings/c/failure.h"
#include "bindings/c/host_scope.h"
#include "bindings/c/structs.h"

namespace p2c2r::capi {

namespace {

// As VK_MAKE_API_VERSION: variant << 29 | major << 22 | minor << 12 | patch.
constexpr uint32_t kOldestVersion = 1u << 22 | 2u << 12;
constexpr uint32_t kWithoutVariant = (1u << 29) - 1;

p2c2r_status check(const p2c2r_vulkan_host& host, p2c2r_error* why) {
    if (host.api_version != 0 && (host.api_version & kWithoutVariant) < kOldestVersion) {
        return fail(why, Status::kArgument, "api_version",
                    "vulkan.api_version " + std::to_string(host.api_version >> 22 & 0x7F) + "." +
                        std::to_string(host.api_version >> 12 & 0x3FF) + " is older than 1.2");
    }
    const struct {
        const char* field;
        bool is_set;
    } rows[] = {{"instance", host.instance != nullptr},
                {"physical_device", host.physical_device != nullptr},
                {"device", host.device != nullptr},
                {"queue", host.queue != nullptr},
                {"get_instance_proc_addr", host.get_instance_proc_addr != nullptr}};
    for (const auto& row : rows) {
        if (row.is_set) continue;
        return fail(why, Status::kArgument, row.field,
                    std::string("vulkan.") + row.field + " is NULL");
    }
    // A queue that others use too, with `user` and no lock, is more likely forgotten than meant.
    if (host.user && !host.queue_lock) {
        return fail(why, Status::kArgument, "queue_lock",
                    "vulkan.user is given, which is queue_lock's, but queue_lock is NULL");
    }
    return P2C2R_OK;
}

}  // namespace

std::optional<gpu::HostDevice> read_vulkan_host(const p2c2r_runtime_config& config,
                                                p2c2r_status& bad, p2c2r_error* why) {
    bad = P2C2R_OK;
    const bool is_lent = config.gpu == P2C2R_GPU_LENT;
    if (is_lent != (config.vulkan != nullptr)) {
        bad = fail(why, Status::kArgument, "vulkan",
                   is_lent ? "P2C2R_GPU_LENT needs the device in vulkan"
                           : "vulkan is given, but gpu is not P2C2R_GPU_LENT");
        return std::nullopt;
    }
    if (!is_lent) return std::nullopt;
    InStruct<p2c2r_vulkan_host> given;
    bad = given.read(config.vulkan, "vulkan", why);
    if (bad == P2C2R_OK) bad = check(*given, why);
    if (bad != P2C2R_OK) return std::nullopt;
    gpu::HostDevice host;
    host.get_instance_proc_addr = reinterpret_cast<void*>(given->get_instance_proc_addr);
    host.instance = given->instance;
    host.physical_device = given->physical_device;
    host.device = given->device;
    host.queue = given->queue;
    host.queue_family = given->queue_family;
    if (given->queue_lock) {
        const auto call = [lock = given->queue_lock, user = given->user](int32_t locks) {
            const HostScope scope;
            lock(user, locks);
        };
        host.lock_queue = [call] { call(1); };
        host.unlock_queue = [call] { call(0); };
    }
    return host;
}

Result<Done> check_not_lent(bool is_lent, const char* what) {
    if (!is_lent) return Done{};
    return make_error(Status::kDenied,
                      std::string(what) +
                          " computes for others, and the runtime's GPU is lent for its own "
                          "clients' tasks; a runtime of its own may have it");
}

}  // namespace p2c2r::capi
