// `p2c2r keys`: makes and shows keys and certificates, and renews these.
#include <cstdio>

#include "cli/commands.h"
#include "cli/device_choice.h"
#include "cli/machine.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

struct KeysOptions {
    std::optional<std::string> file;
    std::optional<std::string> certificate_file;
    std::optional<std::string> name;
    bool json = false;
};

Result<OpenedRuntime> small_runtime() {
    RuntimeOptions options;
    options.device.kind = DeviceChoice::Kind::kNative;
    options.worker_threads = 1;
    return open_runtime(options);
}

void print_key(const json& key, const std::string& file, bool as_json) {
    if (as_json) {
        json line = key;
        line["file"] = file;
        std::printf("%s\n", line.dump().c_str());
        return;
    }
    std::printf("file        %s\npublic_key  %s\npin         %s\n", file.c_str(),
                key.value("public_key", "").c_str(), key.value("pin", "").c_str());
}

int run_new(const KeysOptions& options) {
    if (!options.file)
        return report("keys new", usage_failure("the file for the new private key is missing: "
                                                "p2c2r keys new FILE"));
    Result<OpenedRuntime> runtime = small_runtime();
    if (!runtime) return report("keys new", runtime.failure());
    json arguments = {{"file", *options.file}};
    if (options.certificate_file) arguments["certificate_file"] = *options.certificate_file;
    if (options.name) arguments["name"] = *options.name;
    const Result<json> key = ask_runtime(runtime->handle.get(), "keys.new", arguments);
    if (!key) return report("keys new", key.failure());
    print_key(*key, *options.file, options.json);
    return kExitOk;
}

int run_renew(const KeysOptions& options) {
    if (!options.file || !options.certificate_file) {
        return report("keys renew",
                      usage_failure(std::string(options.file ? "--certificate-file, the certificate"
                                                             : "FILE, the private key") +
                                    " is missing: p2c2r keys renew FILE --certificate-file FILE"));
    }
    Result<OpenedRuntime> runtime = small_runtime();
    if (!runtime) return report("keys renew", runtime.failure());
    json arguments = {{"file", *options.file}, {"certificate_file", *options.certificate_file}};
    if (options.name) arguments["name"] = *options.name;
    const Result<json> key = ask_runtime(runtime->handle.get(), "keys.renew", arguments);
    if (!key) return report("keys renew", key.failure());
    print_key(*key, *options.file, options.json);
    if (!options.json) {
        std::printf("valid until %s; a coordinator that runs reads it after SIGHUP\n",
                    day_text(key->value("valid_until_s", uint64_t{0})).c_str());
    }
    return kExitOk;
}

int run_show(const KeysOptions& options) {
    Result<OpenedRuntime> runtime = small_runtime();
    if (!runtime) return report("keys show", runtime.failure());
    if (options.file) {
        const Result<json> key =
            ask_runtime(runtime->handle.get(), "keys.show", {{"file", *options.file}});
        if (!key) return report("keys show", key.failure());
        print_key(*key, *options.file, options.json);
        return kExitOk;
    }
    const Result<Identity> identity = machine_identity(runtime->handle.get());
    if (!identity) return report("keys show", identity.failure());
    print_key({{"public_key", identity->public_key}, {"pin", identity->pin}}, identity->file,
              options.json);
    return kExitOk;
}

}  // namespace

void add_keys_command(Command& root) {
    static KeysOptions options;
    Command keys = root.add_command("keys", "Make, show and renew keys and certificates");
    Command make = keys.add_command("new", "Make an Ed25519 key, and a certificate for it",
                                    [] { return run_new(options); });
    make.add_text("file,--file", options.file,
                  "Where the private key goes; never over another file");
    make.add_text("--certificate-file", options.certificate_file,
                  "Where a self-signed certificate goes (none)");
    make.add_text("--name", options.name, "Name in the certificate (p2c2r)");
    make.add_flag("--json", options.json, "One line of JSON");
    Command renew = keys.add_command("renew", "Make a certificate anew: same key, same pin",
                                     [] { return run_renew(options); });
    renew.add_text("file,--file", options.file, "The private key");
    renew.add_text("--certificate-file", options.certificate_file,
                   "The self-signed certificate that is replaced");
    renew.add_text("--name", options.name, "Another name in it");
    renew.add_flag("--json", options.json, "One line of JSON");
    Command show = keys.add_command("show", "Show a key's public half and pin",
                                    [] { return run_show(options); });
    show.add_text("file,--file", options.file,
                  "A private key (this machine's own, made if need be)");
    show.add_flag("--json", options.json, "One line of JSON");
}

}  // namespace p2c2r::cli
