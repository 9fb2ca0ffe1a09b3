/* one_process: coordinator, two peers and a client in one process whose own loop does all the
 * turning, as an engine with a main loop would embed them. No thread of the library runs the loop;
 * results come through a function that is called from the poll. */
#include <p2c2r/p2c2r.h>
#include <stdio.h>
#include <string.h>

enum { TASKS = 200, IN_FLIGHT = 16, PEERS = 2 };

typedef struct game {
    p2c2r_client* client;
    unsigned submitted;
    unsigned ended;
    unsigned right; /* answers that are what was sent */
    unsigned by_peer;
} game;

/* Called from p2c2r_runtime_poll, on this thread: no lock is needed. */
static void P2C2R_CALL on_done(void* user, p2c2r_task task, p2c2r_result* result) {
    game* it = user;
    p2c2r_result_info info = {.struct_size = sizeof info};
    size_t size = 0;
    const void* answer = p2c2r_result_data(result, &size);
    (void)task;
    p2c2r_result_info_get(result, &info);
    it->ended += 1;
    it->right += info.status == P2C2R_OK && size == 4 && memcmp(answer, "ping", 4) == 0;
    it->by_peer += info.source == P2C2R_SOURCE_PEER;
    p2c2r_result_release(result);
}

static p2c2r_status refill(game* it, p2c2r_error* why) {
    static const p2c2r_bytes ping = {.data = "ping", .size = 4};
    p2c2r_task_desc task = {.struct_size = sizeof task,
                            .task_type = "echo",
                            .data = &ping,
                            .done = on_done,
                            .user = it};
    while (it->submitted < TASKS && it->submitted - it->ended < IN_FLIGHT) {
        p2c2r_task id = 0;
        const p2c2r_status status = p2c2r_client_submit(it->client, &task, &id, why);
        if (status != P2C2R_OK) return status;
        it->submitted += 1;
    }
    return P2C2R_OK;
}

int main(void) {
    p2c2r_error why = {0};
    p2c2r_runtime* runtime = NULL;
    p2c2r_coordinator* coordinator = NULL;
    p2c2r_peer* peers[PEERS] = {NULL};
    game it = {0};
    p2c2r_runtime_config config = {.struct_size = sizeof config,
                                   .abi_version = P2C2R_ABI_VERSION,
                                   .run_mode = P2C2R_RUN_MANUAL,
                                   .worker_threads = 2};
    p2c2r_coordinator_config here = {.struct_size = sizeof here, .listen_port = P2C2R_NONE};
    p2c2r_status status = p2c2r_runtime_create(&config, &runtime, &why);
    if (!status) status = p2c2r_coordinator_create(runtime, &here, &coordinator, &why);
    if (!status) status = p2c2r_coordinator_start(coordinator, &why);
    for (int index = 0; !status && index < PEERS; ++index) {
        p2c2r_peer_config peer = {.struct_size = sizeof peer,
                                  .local = coordinator,
                                  .peer_id = index == 0 ? "left" : "right"};
        status = p2c2r_peer_create(runtime, &peer, &peers[index], &why);
        if (!status) status = p2c2r_peer_start(peers[index], &why);
    }
    p2c2r_client_config client = {.struct_size = sizeof client, .local = coordinator};
    if (!status) status = p2c2r_client_create(runtime, &client, &it.client, &why);

    /* Helpers first, then work: otherwise the coordinator would compute it all itself. */
    p2c2r_client_stats stats = {.struct_size = sizeof stats};
    while (!status && stats.peers_total < PEERS) {
        status = p2c2r_runtime_poll(runtime, 10);
        p2c2r_client_stats_get(it.client, &stats);
    }
    while (!status && it.ended < TASKS) {
        status = refill(&it, &why);
        /* A game would draw its frame here and poll with timeout 0. */
        if (!status) status = p2c2r_runtime_poll(runtime, 5);
    }
    if (status) printf("failed: %s: %s\n", p2c2r_status_name(status), why.text);
    printf("%u of %d answers right, %u by peers\n", it.right, TASKS, it.by_peer);
    p2c2r_client_destroy(it.client);
    for (int index = 0; index < PEERS; ++index) p2c2r_peer_destroy(peers[index]);
    p2c2r_coordinator_destroy(coordinator);
    p2c2r_runtime_destroy(runtime);
    return status != P2C2R_OK || it.right != TASKS;
}
