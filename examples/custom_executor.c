/* custom_executor: a task type of the host's own. A peer registers `word_count`, a client submits a
 * text and reads the fields of the answer; a task with wrong params shows how an error names its
 * field. */
#include <p2c2r/p2c2r.h>
#include <stdio.h>
#include <string.h>

/* Runs on a worker thread, several at once: it touches nothing but its job. */
static p2c2r_status P2C2R_CALL count_words(void* user, p2c2r_job* job) {
    (void)user;
    size_t size = 0, params_size = 0;
    const char* text = p2c2r_job_input(job, 0, &size);
    const char* params = p2c2r_job_params(job, P2C2R_FORMAT_JSON, &params_size);
    if (params == NULL || params_size != 2) { /* anything but {} */
        p2c2r_job_explain(job, "params", "word_count takes no params");
        return P2C2R_E_PARAMS;
    }
    unsigned words = 0;
    int inside = 0;
    for (size_t at = 0; at < size; ++at) {
        const int letter = text[at] != ' ' && text[at] != '\n' && text[at] != '\t';
        words += letter && !inside;
        inside = letter;
    }
    char fields[64];
    const int length = snprintf(fields, sizeof fields, "{\"words\": %u}", words);
    return p2c2r_job_output_fields(job, P2C2R_FORMAT_JSON, fields, (size_t)length);
}

static void print_result(const p2c2r_result* result) {
    size_t size = 0;
    if (p2c2r_result_status(result) == P2C2R_OK) {
        const char* fields = p2c2r_result_fields(result, P2C2R_FORMAT_JSON, &size);
        printf("answer: %.*s\n", (int)size, fields);
        return;
    }
    printf("failed: %s", p2c2r_status_name(p2c2r_result_status(result)));
    printf(", field '%s'", p2c2r_result_text(result, P2C2R_TEXT_FIELD, &size));
    printf(": %s\n", p2c2r_result_text(result, P2C2R_TEXT_MESSAGE, &size));
}

/* The roles of one machine, in the order in which they are made; ended in the other one. */
typedef struct machine {
    p2c2r_runtime* runtime;
    p2c2r_coordinator* coordinator;
    p2c2r_peer* peer;
    p2c2r_client* client;
} machine;

static p2c2r_status start(machine* it, p2c2r_error* why) {
    p2c2r_runtime_config runtime = {.struct_size = sizeof runtime,
                                    .abi_version = P2C2R_ABI_VERSION};
    p2c2r_coordinator_config coordinator = {.struct_size = sizeof coordinator,
                                            .listen_port = P2C2R_NONE};
    p2c2r_executor_desc executor = {.struct_size = sizeof executor,
                                    .flags = P2C2R_EXECUTOR_EXACT,
                                    .task_type = "word_count",
                                    .run = count_words};
    p2c2r_peer_config peer = {.struct_size = sizeof peer, .peer_id = "counting-peer"};
    p2c2r_client_config client = {.struct_size = sizeof client};
    p2c2r_status status = p2c2r_runtime_create(&runtime, &it->runtime, why);
    if (!status) status = p2c2r_runtime_add_executor(it->runtime, &executor, why);
    if (!status) {
        status = p2c2r_coordinator_create(it->runtime, &coordinator, &it->coordinator, why);
    }
    if (!status) status = p2c2r_coordinator_start(it->coordinator, why);
    peer.local = client.local = it->coordinator;
    if (!status) status = p2c2r_peer_create(it->runtime, &peer, &it->peer, why);
    if (!status) status = p2c2r_peer_start(it->peer, why);
    if (!status) status = p2c2r_client_create(it->runtime, &client, &it->client, why);
    if (!status) status = p2c2r_client_connect(it->client, 5000, why);
    return status;
}

static p2c2r_status submit(machine* it, const char* text, const char* params, p2c2r_error* why) {
    p2c2r_bytes data = {.data = text, .size = strlen(text)};
    p2c2r_task_desc task = {.struct_size = sizeof task,
                            .task_type = "word_count",
                            .params_format = P2C2R_FORMAT_JSON,
                            .params = params,
                            .params_size = strlen(params),
                            .data = &data};
    p2c2r_result* result = NULL;
    const p2c2r_status status = p2c2r_client_submit_and_wait(it->client, &task, &result, why);
    if (status == P2C2R_OK) print_result(result);
    p2c2r_result_release(result);
    return status;
}

int main(void) {
    machine it = {0};
    p2c2r_error why = {0};
    p2c2r_status status = start(&it, &why);
    if (!status) status = submit(&it, "idle machines help people play", "{}", &why);
    if (!status) status = submit(&it, "idle machines", "{\"language\": \"en\"}", &why);
    if (status) printf("failed: %s: %s\n", p2c2r_status_name(status), why.text);
    p2c2r_client_destroy(it.client);
    p2c2r_peer_destroy(it.peer);
    p2c2r_coordinator_destroy(it.coordinator);
    p2c2r_runtime_destroy(it.runtime);
    return status != P2C2R_OK;
}
