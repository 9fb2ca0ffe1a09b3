// The commands of the program: each adds itself below the root, with its options and what it does.
// Options live as long as the program; one command runs per process.
#pragma once

#include "cli/command.h"

namespace p2c2r::cli {

void add_coordinator_command(Command& root);
void add_peer_command(Command& root);
void add_submit_command(Command& root);
void add_exec_command(Command& root);
void add_status_command(Command& root);
void add_devices_command(Command& root);
void add_demo_command(Command& root);
void add_bench_command(Command& root);
void add_plan_command(Command& root);
void add_keys_command(Command& root);
void add_host_command(Command& root);
void add_join_command(Command& root);
void add_peer_control_commands(Command& root);  // pause, resume, drain
void add_people_commands(Command& root);        // invite, token, accounts, revoke

}  // namespace p2c2r::cli
