/* hello_task [URL]: submits one task and prints the answer. Without the URL of another
 * coordinator the one of this process is asked. */
#include <p2c2r/p2c2r.h>
#include <stdio.h>

int main(int argc, char** argv) {
    p2c2r_error why = {0};
    p2c2r_runtime* runtime = NULL;
    p2c2r_coordinator* coordinator = NULL;
    p2c2r_client* client = NULL;
    p2c2r_result* result = NULL;
    p2c2r_runtime_config host = {.struct_size = sizeof host, .abi_version = P2C2R_ABI_VERSION};
    p2c2r_coordinator_config here = {.struct_size = sizeof here, .listen_port = P2C2R_NONE};
    p2c2r_client_config game = {.struct_size = sizeof game};
    p2c2r_bytes data = {.data = "hello from a game", .size = 17};
    p2c2r_task_desc task = {.struct_size = sizeof task, .task_type = "echo", .data = &data};

    p2c2r_status status = p2c2r_runtime_create(&host, &runtime, &why);
    game.coordinator_url = argc > 1 ? argv[1] : NULL;
    if (!status) status = p2c2r_coordinator_create(runtime, &here, &coordinator, &why);
    if (!status) status = p2c2r_coordinator_start(coordinator, &why);
    if (argc == 1) game.local = coordinator;
    if (!status) status = p2c2r_client_create(runtime, &game, &client, &why);
    if (!status) status = p2c2r_client_connect(client, 5000, &why);
    if (!status) status = p2c2r_client_submit_and_wait(client, &task, &result, &why);
    if (!status) status = p2c2r_result_status(result);

    size_t size = 0;
    const char* answer = status ? why.text : p2c2r_result_data(result, &size);
    if (status) printf("failed: %s %s\n", p2c2r_status_name(status), answer);
    if (!status) printf("answer: %.*s\n", (int)size, answer);
    p2c2r_result_release(result);
    p2c2r_client_destroy(client);
    p2c2r_coordinator_destroy(coordinator);
    p2c2r_runtime_destroy(runtime);
    return status != P2C2R_OK;
}
