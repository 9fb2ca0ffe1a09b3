/* A small host, as anybody would write one, for every way of taking the library: coordinator, peer
 * and client in one process over real sockets; an echo must come back as it went, and a picture
 * must be upscaled in plain code. With the argument `no-vulkan` it must also hear that there is no
 * device, and why; `no-vulkan WORD` wants that word in the reason. */
#include <p2c2r/p2c2r.h>
#include <stdio.h>
#include <string.h>

static p2c2r_runtime* runtime;
static p2c2r_coordinator* coordinator;
static p2c2r_peer* peer;
static p2c2r_client* client;

static int failed(const char* what, p2c2r_status status, const p2c2r_error* why) {
    printf("%s: %s: %s\n", what, p2c2r_status_name(status), why->text);
    return 1;
}

static int start(void) {
    p2c2r_error why = {0};
    uint32_t port = 0;
    char url[64];
    p2c2r_runtime_config host = {.struct_size = sizeof host,
                                 .abi_version = P2C2R_ABI_VERSION,
                                 .worker_threads = 2,
                                 .gpu = P2C2R_GPU_OFF};
    p2c2r_coordinator_config at = {.struct_size = sizeof at, .listen_port = P2C2R_ANY};
    p2c2r_peer_config helper = {.struct_size = sizeof helper, .coordinator_url = url};
    p2c2r_client_config game = {.struct_size = sizeof game, .coordinator_url = url};
    p2c2r_status status = p2c2r_runtime_create(&host, &runtime, &why);
    if (status != P2C2R_OK) return failed("runtime", status, &why);
    status = p2c2r_coordinator_create(runtime, &at, &coordinator, &why);
    if (status == P2C2R_OK) status = p2c2r_coordinator_start(coordinator, &why);
    if (status == P2C2R_OK) status = p2c2r_coordinator_port(coordinator, &port, NULL);
    if (status != P2C2R_OK) return failed("coordinator", status, &why);
    snprintf(url, sizeof url, "p2c2r+plain://127.0.0.1:%u", (unsigned)port);
    status = p2c2r_peer_create(runtime, &helper, &peer, &why);
    if (status == P2C2R_OK) status = p2c2r_peer_start(peer, &why);
    if (status != P2C2R_OK) return failed("peer", status, &why);
    status = p2c2r_client_create(runtime, &game, &client, &why);
    if (status == P2C2R_OK) status = p2c2r_client_connect(client, 30000, &why);
    return status == P2C2R_OK ? 0 : failed("client", status, &why);
}

/* Runs the task and compares its answer. */
static int answers(const p2c2r_task_desc* task, const void* expected, size_t expected_size) {
    p2c2r_error why = {0};
    p2c2r_result* result = NULL;
    size_t size = 0;
    int same;
    const void* data;
    p2c2r_status status = p2c2r_client_submit_and_wait(client, task, &result, &why);
    if (status == P2C2R_OK) status = p2c2r_result_status(result);
    if (status != P2C2R_OK) {
        if (result) printf("%s\n", p2c2r_result_text(result, P2C2R_TEXT_MESSAGE, NULL));
        p2c2r_result_release(result);
        return failed(task->task_type, status, &why);
    }
    data = p2c2r_result_data(result, &size);
    same = size == expected_size && memcmp(data, expected, size) == 0;
    p2c2r_result_release(result);
    if (!same) printf("%s: another answer than expected, of %zu bytes\n", task->task_type, size);
    return !same;
}

static int echo(void) {
    const p2c2r_bytes said = {.data = "who is there?", .size = 13};
    const p2c2r_task_desc task = {.struct_size = sizeof task, .task_type = "echo", .data = &said};
    return answers(&task, said.data, said.size);
}

/* One colour stays that colour at any size, so the answer needs no table. */
static int upscale(void) {
    static const char params[] = "{\"input_res\": [8, 6], \"output_res\": [16, 12]}";
    unsigned char small[8 * 6 * 4], large[16 * 12 * 4];
    const p2c2r_bytes picture = {.data = small, .size = sizeof small};
    const p2c2r_task_desc task = {.struct_size = sizeof task,
                                  .task_type = "upscale",
                                  .params_format = P2C2R_FORMAT_JSON,
                                  .params = params,
                                  .params_size = sizeof params - 1,
                                  .data = &picture};
    memset(small, 0x5A, sizeof small);
    memset(large, 0x5A, sizeof large);
    return answers(&task, large, sizeof large);
}

/* A device asked for by its number is an error that says why there is none; the automatic choice is
 * not an error, and says the same. */
static int hears_that_vulkan_is_absent(const char* word) {
    p2c2r_error why = {0};
    p2c2r_runtime* other = NULL;
    p2c2r_result* devices = NULL;
    const char* fields;
    p2c2r_runtime_config host = {
        .struct_size = sizeof host, .abi_version = P2C2R_ABI_VERSION, .gpu = P2C2R_GPU_INDEX};
    p2c2r_status status = p2c2r_runtime_create(&host, &other, &why);
    if (status != P2C2R_E_NO_DEVICE) {
        p2c2r_runtime_destroy(other);
        return failed("a device by its number is not E_NO_DEVICE", status, &why);
    }
    printf("by number: %s: %s\n", why.field, why.text);
    if (!strstr(why.text, word)) return failed("the reason is not told", status, &why);
    host.gpu = P2C2R_GPU_AUTO;
    status = p2c2r_runtime_create(&host, &other, &why);
    if (status != P2C2R_OK) return failed("automatic choice", status, &why);
    status = p2c2r_runtime_call(other, "devices", NULL, NULL, 30000, &devices, &why);
    if (status != P2C2R_OK) {
        p2c2r_runtime_destroy(other);
        return failed("devices", status, &why);
    }
    fields = p2c2r_result_fields(devices, P2C2R_FORMAT_JSON, NULL);
    printf("automatic: %s\n", fields);
    status = strstr(fields, "\"devices\":[]") && strstr(fields, word) ? P2C2R_OK : P2C2R_E_INTERNAL;
    p2c2r_result_release(devices);
    p2c2r_runtime_destroy(other);
    return status == P2C2R_OK ? 0 : failed("the list of devices", status, &why);
}

int main(int count, char** arguments) {
    int bad = start();
    if (!bad) bad = echo() | upscale();
    if (!bad && count > 1 && strcmp(arguments[1], "no-vulkan") == 0) {
        bad = hears_that_vulkan_is_absent(count > 2 ? arguments[2] : "");
    }
    p2c2r_client_destroy(client);
    p2c2r_peer_destroy(peer);
    p2c2r_coordinator_destroy(coordinator);
    if (p2c2r_runtime_destroy(runtime) != P2C2R_OK) bad = 1;
    printf("%s %s\n", p2c2r_version_text(), bad ? "failed" : "works");
    return bad;
}
