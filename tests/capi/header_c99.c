/* The header alone, as C99: it includes what it needs, and every function of it can be linked. */
#include <p2c2r/p2c2r.h>

#include <stdio.h>

/* A struct of each kind, zero but for its size, as a host in C writes it. */
static p2c2r_runtime_config config = {.struct_size = sizeof(p2c2r_runtime_config),
                                       .abi_version = P2C2R_ABI_VERSION};
static void P2C2R_CALL lock(void* user, int32_t locks) {
    *(int32_t*)user += locks;
}
static int32_t locked;
static p2c2r_vulkan_host vulkan = {
    .struct_size = sizeof(p2c2r_vulkan_host), .queue_lock = lock, .user = &locked};
static p2c2r_task_desc desc = {.struct_size = sizeof(p2c2r_task_desc)};
static p2c2r_error why;

int main(void) {
    p2c2r_runtime* runtime = NULL;
    config.gpu = P2C2R_GPU_LENT;
    config.vulkan = &vulkan;
    if (p2c2r_runtime_create(&config, &runtime, &why) != P2C2R_E_ARGUMENT || locked != 0) return 5;
    config.gpu = P2C2R_GPU_OFF;
    config.vulkan = NULL;
    desc.task_type = "echo";
    if (p2c2r_abi_version() != P2C2R_ABI_VERSION) return 1;
    if (p2c2r_runtime_create(&config, &runtime, &why) != P2C2R_OK) {
        fprintf(stderr, "%s: %s\n", p2c2r_status_name(why.status), why.text);
        return 2;
    }
    if (p2c2r_client_submit(NULL, &desc, NULL, NULL) != P2C2R_E_ARGUMENT) return 3;
    return p2c2r_runtime_destroy(runtime) == P2C2R_OK ? 0 : 4;
}
