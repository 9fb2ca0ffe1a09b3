// A host in C++ on the owning handles of p2c2r.hpp: an echo on this machine.
#include <p2c2r/p2c2r.hpp>

#include <cstdio>
#include <string_view>

int main() {
    auto host = p2c2r::sized<p2c2r_runtime_config>();
    host.abi_version = P2C2R_ABI_VERSION;
    auto game = p2c2r::sized<p2c2r_client_config>();
    auto task = p2c2r::sized<p2c2r_task_desc>();
    const std::string_view said = "who is there?";
    const p2c2r_bytes data = {said.data(), said.size(), nullptr, nullptr};
    task.task_type = "echo";
    task.data = &data;
    p2c2r::Runtime runtime;
    p2c2r::Client client;
    p2c2r::Result result;
    p2c2r_error why = {};
    if (p2c2r_runtime_create(&host, runtime.receive(), &why) != P2C2R_OK ||
        p2c2r_client_create(runtime.get(), &game, client.receive(), &why) != P2C2R_OK ||
        p2c2r_client_submit_and_wait(client.get(), &task, result.receive(), &why) != P2C2R_OK) {
        std::printf("%s\n", why.text);
        return 1;
    }
    std::size_t size = 0;
    const void* answer = p2c2r_result_data(result.get(), &size);
    const bool good = std::string_view(static_cast<const char*>(answer), size) == said;
    std::printf("%s %s\n", p2c2r_version_text(), good ? "works" : "failed");
    return good ? 0 : 1;
}
