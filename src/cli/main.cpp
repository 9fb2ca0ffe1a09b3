// p2c2r: the three roles, tasks, and measurements from the command line.
#include <cstdio>

#include "cli/commands.h"
#include "cli/standard_output.h"

int main(int argc, char** argv) {
    using namespace p2c2r::cli;
    Command root("p2c2r", "P2C2R: helpers' machines compute what a game asks for");
    add_host_command(root);
    add_join_command(root);
    add_people_commands(root);
    add_keys_command(root);
    add_coordinator_command(root);
    add_peer_command(root);
    add_peer_control_commands(root);
    add_submit_command(root);
    add_exec_command(root);
    add_status_command(root);
    add_devices_command(root);
    add_demo_command(root);
    add_bench_command(root);
    add_plan_command(root);
    root.set_footer(
        "Exit codes: 0 all succeeded, 1 some failed, 2 wrong usage, or a file that cannot be used "
        "(of settings, data, keys, tokens, certificates: missing, open to others, damaged), 3 no "
        "coordinator or device.");
    const int code = root.run_program(argc, argv);
    const Outcome lost = flush_standard_output();
    if (!lost) return code;
    std::fprintf(stderr, "p2c2r: %s\n", lost->text.c_str());
    return code == kExitOk ? lost->exit_code : code;
}
