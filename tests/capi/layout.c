/* The layout of every struct of the interface, pinned: what was compiled against an earlier header
 * must find each field where it was. A new field goes to the end and gets a line here; no line that
 * is here ever changes. PIN names offsets with 64-bit and with 32-bit pointers, which are the same
 * on all machines of a size, since there is no padding. */
#include <p2c2r/p2c2r.h>

#define AT(with_64, with_32) (sizeof(void*) == 8 ? (with_64) : (with_32))
#define PIN(type, field, with_64, with_32) \
    typedef char pin_##type##_##field[offsetof(type, field) == AT(with_64, with_32) ? 1 : -1]
#define SIZE(type, with_64, with_32) \
    typedef char size_##type[sizeof(type) == AT(with_64, with_32) ? 1 : -1]

PIN(p2c2r_bytes, data, 0, 0);
PIN(p2c2r_bytes, size, 8, 4);
PIN(p2c2r_bytes, release, 16, 8);
PIN(p2c2r_bytes, user, 24, 12);
SIZE(p2c2r_bytes, 32, 16);

PIN(p2c2r_error, status, 0, 0);
PIN(p2c2r_error, retry_after_ms, 4, 4);
PIN(p2c2r_error, field, 8, 8);
PIN(p2c2r_error, text, 64, 64);
SIZE(p2c2r_error, 256, 256);

PIN(p2c2r_allocator, allocate, 0, 0);
PIN(p2c2r_allocator, deallocate, 8, 4);
PIN(p2c2r_allocator, user, 16, 8);
PIN(p2c2r_allocator, reserved, 24, 12);
SIZE(p2c2r_allocator, 32, 16);

PIN(p2c2r_event, struct_size, 0, 0);
PIN(p2c2r_event, type, 4, 4);
PIN(p2c2r_event, status, 8, 8);
PIN(p2c2r_event, flags, 12, 12);
PIN(p2c2r_event, number, 16, 16);
PIN(p2c2r_event, subject, 24, 24);
PIN(p2c2r_event, text, 32, 28);
SIZE(p2c2r_event, 40, 32);

PIN(p2c2r_runtime_config, struct_size, 0, 0);
PIN(p2c2r_runtime_config, abi_version, 4, 4);
PIN(p2c2r_runtime_config, run_mode, 8, 8);
PIN(p2c2r_runtime_config, deliver, 12, 12);
PIN(p2c2r_runtime_config, log_level, 16, 16);
PIN(p2c2r_runtime_config, gpu, 20, 20);
PIN(p2c2r_runtime_config, gpu_index, 24, 24);
PIN(p2c2r_runtime_config, worker_threads, 28, 28);
PIN(p2c2r_runtime_config, memory_max, 32, 32);
PIN(p2c2r_runtime_config, cache_dir, 40, 40);
PIN(p2c2r_runtime_config, options, 48, 44);
PIN(p2c2r_runtime_config, allocator, 56, 48);
PIN(p2c2r_runtime_config, log, 64, 52);
PIN(p2c2r_runtime_config, notify, 72, 56);
PIN(p2c2r_runtime_config, thread, 80, 60);
PIN(p2c2r_runtime_config, user, 88, 64);
PIN(p2c2r_runtime_config, reserved, 96, 68);
PIN(p2c2r_runtime_config, vulkan, 104, 72);
PIN(p2c2r_runtime_config, reserved1, 112, 76);
SIZE(p2c2r_runtime_config, 120, 80);

PIN(p2c2r_vulkan_host, struct_size, 0, 0);
PIN(p2c2r_vulkan_host, api_version, 4, 4);
PIN(p2c2r_vulkan_host, queue_family, 8, 8);
PIN(p2c2r_vulkan_host, reserved0, 12, 12);
PIN(p2c2r_vulkan_host, instance, 16, 16);
PIN(p2c2r_vulkan_host, physical_device, 24, 20);
PIN(p2c2r_vulkan_host, device, 32, 24);
PIN(p2c2r_vulkan_host, queue, 40, 28);
PIN(p2c2r_vulkan_host, get_instance_proc_addr, 48, 32);
PIN(p2c2r_vulkan_host, queue_lock, 56, 36);
PIN(p2c2r_vulkan_host, user, 64, 40);
PIN(p2c2r_vulkan_host, reserved, 72, 44);
SIZE(p2c2r_vulkan_host, 80, 48);

PIN(p2c2r_executor_desc, struct_size, 0, 0);
PIN(p2c2r_executor_desc, flags, 4, 4);
PIN(p2c2r_executor_desc, parallel_max, 8, 8);
PIN(p2c2r_executor_desc, reserved0, 12, 12);
PIN(p2c2r_executor_desc, task_type, 16, 16);
PIN(p2c2r_executor_desc, run, 24, 20);
PIN(p2c2r_executor_desc, cancel, 32, 24);
PIN(p2c2r_executor_desc, destroy, 40, 28);
PIN(p2c2r_executor_desc, user, 48, 32);
PIN(p2c2r_executor_desc, reserved, 56, 36);
SIZE(p2c2r_executor_desc, 64, 40);

PIN(p2c2r_client_config, struct_size, 0, 0);
PIN(p2c2r_client_config, tasks_max, 4, 4);
PIN(p2c2r_client_config, bytes_max, 8, 8);
PIN(p2c2r_client_config, deliver, 16, 16);
PIN(p2c2r_client_config, connect_timeout_ms, 20, 20);
PIN(p2c2r_client_config, reconnect_attempts, 24, 24);
PIN(p2c2r_client_config, flags, 28, 28);
PIN(p2c2r_client_config, local, 32, 32);
PIN(p2c2r_client_config, coordinator_url, 40, 36);
PIN(p2c2r_client_config, client_id, 48, 40);
PIN(p2c2r_client_config, options, 56, 44);
PIN(p2c2r_client_config, event, 64, 48);
PIN(p2c2r_client_config, user, 72, 52);
PIN(p2c2r_client_config, credentials, 80, 56);
PIN(p2c2r_client_config, reserved, 88, 60);
SIZE(p2c2r_client_config, 96, 64);

PIN(p2c2r_credentials, struct_size, 0, 0);
PIN(p2c2r_credentials, reserved0, 4, 4);
PIN(p2c2r_credentials, server_pin, 8, 8);
PIN(p2c2r_credentials, ca_file, 40, 40);
PIN(p2c2r_credentials, identity_file, 48, 44);
PIN(p2c2r_credentials, token, 56, 48);
PIN(p2c2r_credentials, token_size, 64, 52);
PIN(p2c2r_credentials, invite, 72, 56);
PIN(p2c2r_credentials, invite_size, 80, 60);
SIZE(p2c2r_credentials, 88, 64);

PIN(p2c2r_task_desc, struct_size, 0, 0);
PIN(p2c2r_task_desc, flags, 4, 4);
PIN(p2c2r_task_desc, deadline_us, 8, 8);
PIN(p2c2r_task_desc, priority, 16, 16);
PIN(p2c2r_task_desc, verify, 20, 20);
PIN(p2c2r_task_desc, place, 24, 24);
PIN(p2c2r_task_desc, circle, 28, 28);
PIN(p2c2r_task_desc, params_format, 32, 32);
PIN(p2c2r_task_desc, depends_count, 36, 36);
PIN(p2c2r_task_desc, task_type, 40, 40);
PIN(p2c2r_task_desc, params, 48, 44);
PIN(p2c2r_task_desc, params_size, 56, 48);
PIN(p2c2r_task_desc, data, 64, 52);
PIN(p2c2r_task_desc, output, 72, 56);
PIN(p2c2r_task_desc, output_size, 80, 60);
PIN(p2c2r_task_desc, done, 88, 64);
PIN(p2c2r_task_desc, user, 96, 68);
PIN(p2c2r_task_desc, depends_on, 104, 72);
PIN(p2c2r_task_desc, reserved, 112, 76);
PIN(p2c2r_task_desc, content, 120, 80);
PIN(p2c2r_task_desc, patches, 128, 88);
PIN(p2c2r_task_desc, patch_count, 136, 92);
PIN(p2c2r_task_desc, split, 144, 96);
PIN(p2c2r_task_desc, reserved1, 148, 100);
PIN(p2c2r_task_desc, split_by, 152, 104);
PIN(p2c2r_task_desc, part, 160, 108);
SIZE(p2c2r_task_desc, 168, 112);

PIN(p2c2r_part, struct_size, 0, 0);
PIN(p2c2r_part, index, 4, 4);
PIN(p2c2r_part, count, 8, 8);
PIN(p2c2r_part, flags, 12, 12);
PIN(p2c2r_part, first_unit, 16, 16);
PIN(p2c2r_part, unit_count, 24, 24);
PIN(p2c2r_part, units, 32, 32);
PIN(p2c2r_part, unit_name, 40, 40);
PIN(p2c2r_part, reserved, 48, 44);
SIZE(p2c2r_part, 56, 48);

PIN(p2c2r_patch, offset, 0, 0);
PIN(p2c2r_patch, data, 8, 8);
PIN(p2c2r_patch, size, 16, 12);
SIZE(p2c2r_patch, 24, 16);

PIN(p2c2r_client_stats, struct_size, 0, 0);
PIN(p2c2r_client_stats, state, 4, 4);
PIN(p2c2r_client_stats, peers_available, 8, 8);
PIN(p2c2r_client_stats, peers_total, 12, 12);
PIN(p2c2r_client_stats, tasks_pending, 16, 16);
PIN(p2c2r_client_stats, results_waiting, 20, 20);
PIN(p2c2r_client_stats, submitted, 24, 24);
PIN(p2c2r_client_stats, completed, 32, 32);
PIN(p2c2r_client_stats, failed, 40, 40);
PIN(p2c2r_client_stats, cancelled, 48, 48);
PIN(p2c2r_client_stats, local, 56, 56);
PIN(p2c2r_client_stats, reconnects, 64, 64);
PIN(p2c2r_client_stats, bytes_sent, 72, 72);
PIN(p2c2r_client_stats, bytes_received, 80, 80);
PIN(p2c2r_client_stats, p50_us, 88, 88);
PIN(p2c2r_client_stats, p95_us, 96, 96);
PIN(p2c2r_client_stats, p99_us, 104, 104);
PIN(p2c2r_client_stats, kept_here, 112, 112);
PIN(p2c2r_client_stats, trials, 120, 120);
PIN(p2c2r_client_stats, cut, 128, 128);
PIN(p2c2r_client_stats, parts, 136, 136);
PIN(p2c2r_client_stats, held_back, 144, 144);
SIZE(p2c2r_client_stats, 152, 152);

PIN(p2c2r_result_info, struct_size, 0, 0);
PIN(p2c2r_result_info, status, 4, 4);
PIN(p2c2r_result_info, source, 8, 8);
PIN(p2c2r_result_info, attempts, 12, 12);
PIN(p2c2r_result_info, total_us, 16, 16);
PIN(p2c2r_result_info, queue_us, 24, 24);
PIN(p2c2r_result_info, processing_us, 32, 32);
PIN(p2c2r_result_info, network_us, 40, 40);
PIN(p2c2r_result_info, retry_after_ms, 48, 48);
PIN(p2c2r_result_info, flags, 52, 52);
PIN(p2c2r_result_info, bytes_received, 56, 56);
PIN(p2c2r_result_info, resident_size, 64, 64);
SIZE(p2c2r_result_info, 72, 72);

PIN(p2c2r_image, struct_size, 0, 0);
PIN(p2c2r_image, format, 4, 4);
PIN(p2c2r_image, width, 8, 8);
PIN(p2c2r_image, height, 12, 12);
PIN(p2c2r_image, stride, 16, 16);
PIN(p2c2r_image, flags, 20, 20);
PIN(p2c2r_image, bytes, 24, 24);
SIZE(p2c2r_image, 56, 40);

PIN(p2c2r_answer, struct_size, 0, 0);
PIN(p2c2r_answer, source, 4, 4);
PIN(p2c2r_answer, quality, 8, 8);
PIN(p2c2r_answer, quality_next, 12, 12);
PIN(p2c2r_answer, frame, 16, 16);
PIN(p2c2r_answer, answers_frame, 24, 24);
PIN(p2c2r_answer, used_us, 32, 32);
PIN(p2c2r_answer, late_count, 36, 36);
PIN(p2c2r_answer, result, 40, 40);
PIN(p2c2r_answer, reserved, 48, 44);
PIN(p2c2r_answer, age_us, 56, 48);
PIN(p2c2r_answer, parts, 64, 56);
PIN(p2c2r_answer, parts_came, 68, 60);
SIZE(p2c2r_answer, 72, 64);

PIN(p2c2r_frame_form, struct_size, 0, 0);
PIN(p2c2r_frame_form, quality, 4, 4);
PIN(p2c2r_frame_form, params, 8, 8);
PIN(p2c2r_frame_form, params_size, 16, 12);
SIZE(p2c2r_frame_form, 24, 16);

PIN(p2c2r_frames_config, struct_size, 0, 0);
PIN(p2c2r_frames_config, budget_us, 4, 4);
PIN(p2c2r_frames_config, pipeline_max, 8, 8);
PIN(p2c2r_frames_config, window, 12, 12);
PIN(p2c2r_frames_config, age_max, 16, 16);
PIN(p2c2r_frames_config, quality, 20, 20);
PIN(p2c2r_frames_config, flags, 24, 24);
PIN(p2c2r_frames_config, output_width, 28, 28);
PIN(p2c2r_frames_config, output_height, 32, 32);
PIN(p2c2r_frames_config, reserved0, 36, 36);
PIN(p2c2r_frames_config, capture, 40, 40);
PIN(p2c2r_frames_config, display, 48, 44);
PIN(p2c2r_frames_config, fallback, 56, 48);
PIN(p2c2r_frames_config, user, 64, 52);
SIZE(p2c2r_frames_config, 72, 56);

PIN(p2c2r_capabilities, struct_size, 0, 0);
PIN(p2c2r_capabilities, cpu_cores, 4, 4);
PIN(p2c2r_capabilities, ram_mb, 8, 8);
PIN(p2c2r_capabilities, gpu_vram_mb, 12, 12);
PIN(p2c2r_capabilities, gpu, 16, 16);
PIN(p2c2r_capabilities, network_kbps, 20, 20);
PIN(p2c2r_capabilities, gpu_model, 24, 24);
PIN(p2c2r_capabilities, task_types, 32, 28);
PIN(p2c2r_capabilities, location, 40, 32);
PIN(p2c2r_capabilities, reserved, 48, 36);
PIN(p2c2r_capabilities, speed_milli, 56, 40);
PIN(p2c2r_capabilities, reserved0, 60, 44);
SIZE(p2c2r_capabilities, 64, 48);

PIN(p2c2r_peer_config, struct_size, 0, 0);
PIN(p2c2r_peer_config, max_concurrent_tasks, 4, 4);
PIN(p2c2r_peer_config, deliver, 8, 8);
PIN(p2c2r_peer_config, reconnect_attempts, 12, 12);
PIN(p2c2r_peer_config, prefetch_tasks, 16, 16);
PIN(p2c2r_peer_config, flags, 20, 20);
PIN(p2c2r_peer_config, local, 24, 24);
PIN(p2c2r_peer_config, coordinator_url, 32, 28);
PIN(p2c2r_peer_config, peer_id, 40, 32);
PIN(p2c2r_peer_config, options, 48, 36);
PIN(p2c2r_peer_config, capabilities, 56, 40);
PIN(p2c2r_peer_config, event, 64, 44);
PIN(p2c2r_peer_config, user, 72, 48);
PIN(p2c2r_peer_config, credentials, 80, 52);
SIZE(p2c2r_peer_config, 88, 56);

PIN(p2c2r_peer_stats, struct_size, 0, 0);
PIN(p2c2r_peer_stats, state, 4, 4);
PIN(p2c2r_peer_stats, running, 8, 8);
PIN(p2c2r_peer_stats, waiting, 12, 12);
PIN(p2c2r_peer_stats, slots_free, 16, 16);
PIN(p2c2r_peer_stats, load_permille, 20, 20);
PIN(p2c2r_peer_stats, paused, 24, 24);
PIN(p2c2r_peer_stats, reserved0, 28, 28);
PIN(p2c2r_peer_stats, completed, 32, 32);
PIN(p2c2r_peer_stats, failed, 40, 40);
PIN(p2c2r_peer_stats, compute_us, 48, 48);
PIN(p2c2r_peer_stats, bytes_in, 56, 56);
PIN(p2c2r_peer_stats, bytes_out, 64, 64);
PIN(p2c2r_peer_stats, reconnects, 72, 72);
PIN(p2c2r_peer_stats, accepts, 80, 80);
PIN(p2c2r_peer_stats, mode, 84, 84);
PIN(p2c2r_peer_stats, duty_cap_permille, 88, 88);
PIN(p2c2r_peer_stats, duty_used_permille, 92, 92);
PIN(p2c2r_peer_stats, worked_us, 96, 96);
PIN(p2c2r_peer_stats, data_day_bytes, 104, 104);
PIN(p2c2r_peer_stats, data_month_bytes, 112, 112);
PIN(p2c2r_peer_stats, handed_back, 120, 120);
SIZE(p2c2r_peer_stats, 128, 128);

PIN(p2c2r_coordinator_config, struct_size, 0, 0);
PIN(p2c2r_coordinator_config, listen_port, 4, 4);
PIN(p2c2r_coordinator_config, max_peers, 8, 8);
PIN(p2c2r_coordinator_config, task_timeout_ms, 12, 12);
PIN(p2c2r_coordinator_config, heartbeat_interval_ms, 16, 16);
PIN(p2c2r_coordinator_config, prometheus_port, 20, 20);
PIN(p2c2r_coordinator_config, memory_max, 24, 24);
PIN(p2c2r_coordinator_config, deliver, 32, 32);
PIN(p2c2r_coordinator_config, flags, 36, 36);
PIN(p2c2r_coordinator_config, listen_address, 40, 40);
PIN(p2c2r_coordinator_config, options, 48, 44);
PIN(p2c2r_coordinator_config, event, 56, 48);
PIN(p2c2r_coordinator_config, user, 64, 52);
PIN(p2c2r_coordinator_config, certificate_file, 72, 56);
PIN(p2c2r_coordinator_config, key_file, 80, 60);
PIN(p2c2r_coordinator_config, access_file, 88, 64);
PIN(p2c2r_coordinator_config, audit_file, 96, 68);
SIZE(p2c2r_coordinator_config, 104, 72);

PIN(p2c2r_coordinator_stats, struct_size, 0, 0);
PIN(p2c2r_coordinator_stats, active_peers, 4, 4);
PIN(p2c2r_coordinator_stats, clients, 8, 8);
PIN(p2c2r_coordinator_stats, pending_tasks, 12, 12);
PIN(p2c2r_coordinator_stats, completed_tasks, 16, 16);
PIN(p2c2r_coordinator_stats, failed_tasks, 24, 24);
PIN(p2c2r_coordinator_stats, cancelled_tasks, 32, 32);
PIN(p2c2r_coordinator_stats, retries, 40, 40);
PIN(p2c2r_coordinator_stats, timeouts, 48, 48);
PIN(p2c2r_coordinator_stats, peer_failures, 56, 56);
PIN(p2c2r_coordinator_stats, local_tasks, 64, 64);
PIN(p2c2r_coordinator_stats, p50_us, 72, 72);
PIN(p2c2r_coordinator_stats, p95_us, 80, 80);
PIN(p2c2r_coordinator_stats, p99_us, 88, 88);
PIN(p2c2r_coordinator_stats, queue_p99_us, 96, 96);
PIN(p2c2r_coordinator_stats, bytes_in, 104, 104);
PIN(p2c2r_coordinator_stats, bytes_out, 112, 112);
PIN(p2c2r_coordinator_stats, payload_bytes_copied, 120, 120);
PIN(p2c2r_coordinator_stats, utilisation_permille, 128, 128);
PIN(p2c2r_coordinator_stats, flags, 132, 132);
PIN(p2c2r_coordinator_stats, audit_lost, 136, 136);
SIZE(p2c2r_coordinator_stats, 144, 144);
