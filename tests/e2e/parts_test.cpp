// The parts of the program, without a process: settings, lines, numbers, pictures.
#include <doctest/doctest.h>

#include <array>
#include <nlohmann/json.hpp>

#include "cli/device_choice.h"
#include "cli/failure.h"
#include "cli/log_writer.h"
#include "cli/pan_zoom.h"
#include "cli/printable.h"
#include "cli/result_output.h"
#include "cli/settings.h"
#include "cli/statistics.h"
#include "cli/task_request.h"
#include "cli/text_table.h"
#include "core/utf8.h"

using namespace p2c2r::cli;
using nlohmann::json;

namespace {

std::string failure_of(const Outcome& outcome) {
    return outcome ? outcome->text : "";
}

bool mentions(const std::string& text, const std::string& word) {
    return text.find(word) != std::string::npos;
}

}  // namespace

TEST_CASE("settings: tables and flat names of a TOML file mean the same keys") {
    Settings settings(Daemon::kCoordinator);
    CHECK(failure_of(settings.add_toml("listen_port = 7000\nlog.format = \"json\"\n"
                                       "[monitoring]\nprometheus_port = 0\n",
                                       "file")) == "");
    CHECK(settings.port("listen_port") == 7000u);
    CHECK(settings.port("monitoring.prometheus_port") == P2C2R_ANY);
    CHECK(settings.text("log.format") == "json");
    CHECK_FALSE(settings.integer("max_peers").has_value());
}

TEST_CASE("settings: the command line beats the environment which beats the file") {
    Settings settings(Daemon::kCoordinator);
    CHECK_FALSE(
        settings.add_toml("max_peers = 1\ntask_timeout_ms = 1\nlog_level = \"error\"", "f"));
    CHECK_FALSE(settings.add_environment({"P2C2R_MAX_PEERS=2", "P2C2R_TASK_TIMEOUT_MS=2"}));
    CHECK_FALSE(settings.add_text("max_peers", "3", "command line"));
    CHECK(settings.integer("max_peers") == 3u);
    CHECK(settings.integer("task_timeout_ms") == 2u);
    CHECK(settings.text("log.level") == "error");
}

TEST_CASE("settings: an empty table is refused by its name unless keys are in it") {
    const auto said = [](Daemon daemon, const char* toml) {
        return failure_of(Settings(daemon).add_toml(toml, "f"));
    };
    for (const char* toml : {"[sandbox]", "[ledger]", "sandbox = {}", "[ledger.rates]"}) {
        CAPTURE(toml);
        CHECK(mentions(said(Daemon::kPeer, toml), "is not built"));
    }
    CHECK(mentions(said(Daemon::kPeer, "[sandbox]"), "'sandbox'"));
    CHECK(mentions(said(Daemon::kPeer, "[foo]"), "'foo' (f): unknown"));
    CHECK(mentions(said(Daemon::kPeer, "[log.deep]"), "'log.deep' (f): unknown"));
    CHECK(mentions(said(Daemon::kPeer, "[peer_id]"), "is not a text"));
    CHECK(said(Daemon::kPeer, "[log]\n[capabilities]\n[monitoring]\n") == "");
    CHECK(said(Daemon::kCoordinator, "[log]\n[capabilities]\n[monitoring]\n") == "");
}

TEST_CASE("settings: sizes that no machine has are refused") {
    for (const char* value : {"inf", "-inf", "nan", "1e300", "-1", "1000001"}) {
        for (const char* key : {"ram_gb", "gpu_vram_gb", "network_mbps"}) {
            CAPTURE(value);
            Settings settings(Daemon::kPeer);
            const std::string toml = std::string("capabilities.") + key + " = " + value;
            CHECK(mentions(failure_of(settings.add_toml(toml, "f")), key));
        }
    }
    Settings settings(Daemon::kPeer);
    CHECK_FALSE(
        settings.add_toml("capabilities.ram_gb = 1000000\ncapabilities.gpu_vram_gb = 0.5", "f"));
}

TEST_CASE("settings: variables that scripts around the program use are no settings") {
    Settings settings(Daemon::kPeer);
    CHECK_FALSE(settings.add_environment({"P2C2R_BENCH=x", "P2C2R_OUT=x", "P2C2R_DATA=x",
                                          "P2C2R_BUILD_DIR=x", "P2C2R_LIBRARY=x", "P2C2R_LIB_DIR=x",
                                          "P2C2R_ANCHORS=x"}));
    CHECK(settings.add_environment({"P2C2R_BENCHES=x"}));
}

TEST_CASE("settings: two underscores in the environment are a dot") {
    Settings settings(Daemon::kPeer);
    CHECK_FALSE(settings.add_environment(
        {"P2C2R_LOG__LEVEL=debug", "P2C2R_CAPABILITIES__CPU_CORES=3", "HOME=/root"}));
    CHECK(settings.text("log.level") == "debug");
    CHECK(settings.integer("capabilities.cpu_cores") == 3u);
}

TEST_CASE("settings: a key whose feature is not built is refused by name") {
    for (const char* key :
         {"database", "sandbox.memory", "monitoring.dashboard", "price", "ledger.file"}) {
        CAPTURE(key);
        Settings settings(Daemon::kPeer);
        const std::string text = failure_of(settings.add_text(key, "x", "test"));
        CHECK(mentions(text, key));
        CHECK(mentions(text, "not built"));
    }
}

TEST_CASE("settings: unknown keys are refused by name in every place") {
    Settings settings(Daemon::kPeer);
    CHECK(
        mentions(failure_of(settings.add_toml("colour = 1", "peer.toml")), "'colour' (peer.toml)"));
    CHECK(mentions(failure_of(settings.add_environment({"P2C2R_COLOUR=1"})),
                   "'colour' (environment P2C2R_COLOUR)"));
}

TEST_CASE("settings: the other daemon's key is refused in a file and ignored in the environment") {
    Settings settings(Daemon::kPeer);
    CHECK(mentions(failure_of(settings.add_toml("max_peers = 3", "f")),
                   "belongs to the coordinator"));
    CHECK_FALSE(settings.add_environment({"P2C2R_MAX_PEERS=3"}));
    CHECK_FALSE(settings.has("max_peers"));
}

TEST_CASE("settings: values of a wrong kind or out of range say what would fit") {
    const std::vector<std::array<const char*, 3>> wrong = {
        {"max_concurrent_tasks", "0", "1 to 1024"},
        {"max_concurrent_tasks", "many", "1 to 1024"},
        {"max_concurrent_tasks", "2.5", "1 to 1024"},
        {"use_gpu", "perhaps", "true or false"},
        {"log.level", "loud", "error, warn, info"},
        {"log.format", "xml", "text or json"},
        {"capabilities.ram_gb", "-1", "from 0 to 1000000"}};
    for (const auto& row : wrong) {
        const char* const key = row[0];
        const char* const value = row[1];
        const char* const expected = row[2];
        CAPTURE(key);
        CAPTURE(value);
        Settings settings(Daemon::kPeer);
        CHECK(mentions(failure_of(settings.add_text(key, value, "test")), expected));
    }
}

TEST_CASE("settings: a TOML error names file and line") {
    Settings settings(Daemon::kPeer);
    const std::string text =
        failure_of(settings.add_toml("peer_id = \"a\"\nlog = = 1\n", "x.toml"));
    CHECK(mentions(text, "x.toml, line 2"));
}

TEST_CASE("settings: task types are a list in a file and commas in a text") {
    Settings file(Daemon::kPeer);
    CHECK_FALSE(file.add_toml("task_types = [\"upscale\", \"echo\"]", "f"));
    Settings line(Daemon::kPeer);
    CHECK_FALSE(line.add_text("task_types", "upscale,echo", "t"));
    CHECK(file.text("task_types") == "upscale,echo");
    CHECK(line.text("task_types") == file.text("task_types"));
}

TEST_CASE("log lines: text holds time and level and room and ids and shows control characters") {
    CHECK(log_line(LogFormat::kText, "T", P2C2R_LOG_WARN, "roles", "bad\nname",
                   {{"peer_id", "a\x1b"}}) == "T warn roles: bad\\x0aname peer_id=a\\x1b");
}

TEST_CASE("printable: what would steer a terminal is written out and everything else kept") {
    const std::string fine =
        "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x8e\xae \xc2\xa0 \xef\xbf\xbd \xf4\x8f\xbf\xbf";
    CHECK(printable(fine) == fine);
    CHECK(printable("") == "");
    CHECK(printable("a\x1b[31mb\r\n\t\x7f") == "a\\x1b[31mb\\x0d\\x0a\\x09\\x7f");
    CHECK(printable(std::string_view("\0x", 2)) == "\\x00x");
    // The one-byte forms of escape sequences, as UTF-8 and as they are.
    CHECK(printable("\xc2\x9b"
                    "31m") ==
          "\\xc2\\x9b"
          "31m");
    CHECK(printable("\x9b"
                    "31m") ==
          "\\x9b"
          "31m");
    // Long forms, surrogates, cut characters, what is above U+10FFFF.
    for (const char* bad : {"\xc0\x9b", "\xe0\x82\x9b", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3",
                            "\xe2\x82", "\xf0\x80\x82\x9b", "\xff"}) {
        for (const char letter : printable(bad)) CHECK((letter >= 0x20 && letter < 0x7f));
    }
}

TEST_CASE("printable: what is kept as it came is what a name may consist of, to the byte") {
    // All first and second bytes, with third and fourth ones at and beside the ends of what
    // follows.
    constexpr std::string_view kNext = "\x7f\x80\xbf\xc0";
    size_t differ = 0;
    const auto look = [&](std::string_view text) {
        differ += (printable(text) == text) != p2c2r::is_name_text(text) ? 1 : 0;
    };
    for (int i = 0; i < 65536; ++i) {
        char text[4] = {static_cast<char>(i >> 8), static_cast<char>(i)};
        look({text, 1});
        look({text, 2});
        for (const char third : kNext) {
            text[2] = third;
            look({text, 3});
            for (const char fourth : kNext) {
                text[3] = fourth;
                look({text, 4});
            }
        }
    }
    CHECK(differ == 0);
}

TEST_CASE("printable: tables and failures show nothing as it came") {
    TextTable table({"peer_id", "why"});
    table.add({"p\x1b]0;owned\x07", "\x1b[2J"});
    CHECK(table.text().find('\x1b') == std::string::npos);
    CHECK(table.text().find("p\\x1b]0;owned\\x07  \\x1b[2J\n") != std::string::npos);
    CHECK(rows_text({{"mode", "\x1b[1m"}}) == "mode  \\x1b[1m\n");
    const std::string line =
        log_line(LogFormat::kJson, "T", P2C2R_LOG_INFO, "net", "x\xc2\x9b\x7f", {});
    CHECK(line.find('\xc2') == std::string::npos);
    CHECK(line.find('\x7f') == std::string::npos);
}

TEST_CASE("log lines: JSON is one object a line even with broken UTF-8") {
    const std::string line =
        log_line(LogFormat::kJson, "T", P2C2R_LOG_INFO, "net", "x\xff\"y\n", {{"peer_id", "p"}});
    CHECK(line.find('\n') == std::string::npos);
    const json parsed = json::parse(line);
    CHECK(parsed["level"] == "info");
    CHECK(parsed["room"] == "net");
    CHECK(parsed["peer_id"] == "p");
}

TEST_CASE("request lines: id and data are taken out and the rest is params") {
    const TaskRequest request = parse_request_line(R"({"id": [1], "data": "a.jpg", "x": 1.5})", 4);
    CHECK(request.error.empty());
    CHECK(request.id == json::array({1}));
    CHECK(request.data_path == "a.jpg");
    CHECK(request.params == json({{"x", 1.5}}));
}

TEST_CASE("request lines: an input map is the params and any other input is a param") {
    CHECK(parse_request_line(R"({"id": 7, "input": {"a": 1}})", 1).params == json({{"a", 1}}));
    CHECK(parse_request_line(R"({"id": 7, "input": 3})", 1).params == json({{"input", 3}}));
}

TEST_CASE("request lines: what is no object fails by its line number") {
    CHECK(mentions(parse_request_line("[1]", 9).error, "line 9"));
    CHECK(mentions(parse_request_line("{oops", 2).error, "line 2"));
    CHECK(mentions(parse_request_line(R"({"data": 5})", 3).error, "data"));
}

TEST_CASE("results: one that has no digest is an error where a digest was asked for") {
    p2c2r_runtime_config config = {};
    config.struct_size = sizeof config;
    config.abi_version = P2C2R_ABI_VERSION;
    config.gpu = P2C2R_GPU_OFF;
    p2c2r_runtime* runtime = nullptr;
    REQUIRE(p2c2r_runtime_create(&config, &runtime, nullptr) == P2C2R_OK);
    // By its fields a picture, by its bytes the start of one.
    p2c2r_executor_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.task_type = "broken";
    desc.run = [](void*, p2c2r_job* job) -> p2c2r_status {
        static const char fields[] = R"({"output_format": "png"})";
        p2c2r_job_output_fields(job, P2C2R_FORMAT_JSON, fields, sizeof fields - 1);
        const p2c2r_bytes data = {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x04\0\0\0\x04\x08\x02\0\0\0",
                                  29, nullptr, nullptr};
        return p2c2r_job_output_adopt(job, &data);
    };
    REQUIRE(p2c2r_runtime_add_executor(runtime, &desc, nullptr) == P2C2R_OK);
    p2c2r_result* result = nullptr;
    REQUIRE(p2c2r_runtime_call(runtime, "exec", R"({"task_type": "broken"})", nullptr, 60'000,
                               &result, nullptr) == P2C2R_OK);
    REQUIRE(p2c2r_result_status(result) == P2C2R_OK);
    for (const bool wanted : {true, false}) {
        TaskOptions options;
        options.type = "broken";
        options.digest = wanted;
        TaskInput input;
        input.requests.emplace_back();
        auto output = ResultOutput::prepare(options, input);
        REQUIRE(output);
        TaskRecord record;
        record.status = P2C2R_OK;
        CHECK(output->take(0, record, result) == !wanted);
    }
    p2c2r_result_release(result);
    CHECK(p2c2r_runtime_destroy(runtime) == P2C2R_OK);
}

TEST_CASE("failures: only what is refused for want of encryption is told how to do without") {
    p2c2r_error why = {};
    why.status = P2C2R_E_DENIED;
    const auto text_of = [&](const char* field) {
        std::snprintf(why.field, sizeof why.field, "%s", field);
        return library_failure(kExitUsage, "cannot join", why).text;
    };
    const auto tells = [](const std::string& text) {
        return text.find("--plaintext-anywhere") != std::string::npos;
    };
    CHECK(tells(text_of("listen_address")));
    CHECK(tells(text_of("coordinator_url")));
    CHECK_FALSE(tells(text_of("identity_file")));
    CHECK_FALSE(tells(text_of("")));
}

TEST_CASE("devices: the words of --device and nothing else") {
    CHECK(parse_device("auto")->kind == DeviceChoice::Kind::kAuto);
    CHECK(parse_device("native")->kind == DeviceChoice::Kind::kNative);
    CHECK_FALSE(parse_device("vulkan")->index.has_value());
    CHECK(parse_device("vulkan:2")->index == 2u);
    for (const char* wrong : {"", "gpu", "vulkan:", "vulkan:-1", "vulkan:x", "vulkan:300"}) {
        CAPTURE(wrong);
        const auto device = parse_device(wrong);
        REQUIRE_FALSE(device);
        CHECK(device.failure().exit_code == kExitUsage);
    }
}

TEST_CASE("percentile: nearest rank never understates") {
    CHECK(percentile({}, 0.99) == 0);
    CHECK(percentile({5}, 0.5) == 5);
    CHECK(percentile({4, 1, 3, 2}, 0.5) == 2);
    CHECK(percentile({4, 1, 3, 2}, 0.75) == 3);
    CHECK(percentile({4, 1, 3, 2}, 0.99) == 4);
    CHECK(percentile({4, 1, 3, 2}, 1.0) == 4);
}

TEST_CASE("base64: the examples of its standard") {
    CHECK(base64("", 0) == "");
    CHECK(base64("f", 1) == "Zg==");
    CHECK(base64("fo", 2) == "Zm8=");
    CHECK(base64("foobar", 6) == "Zm9vYmFy");
    CHECK(base64("\xfb\xff", 2) == "+/8=");
}

TEST_CASE("pan and zoom: every window lies inside the picture and has the shape of the frame") {
    for (const PictureSize size : {PictureSize{1920, 1080}, {1000, 3000}, {64, 64}, {3, 2}}) {
        for (int step = 0; step <= 20; ++step) {
            const Window window = pan_zoom_window(size, {1280, 720}, step / 20.0);
            CAPTURE(size.width);
            CAPTURE(step);
            CHECK(window.width >= 1);
            CHECK(window.height >= 1);
            CHECK(window.x + window.width <= size.width);
            CHECK(window.y + window.height <= size.height);
            if (size.width > 100) {
                CHECK(window.width * 9.0 / (window.height * 16.0) ==
                      doctest::Approx(1).epsilon(0.02));
            }
        }
    }
}

TEST_CASE("picture sizes are read from headers and other bytes are refused") {
    using namespace std::string_literals;
    const auto png = picture_size("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x05\0\0\0\x02\xd0"s);
    REQUIRE(png);
    CHECK(png->width == 1280);
    CHECK(png->height == 720);
    CHECK_FALSE(picture_size("GIF89a"));
    CHECK_FALSE(picture_size("\xff\xd8\xff\xe0\0\x10"s));
    CHECK_FALSE(picture_size(""));
}

TEST_CASE("tables: numbers stand to the right and words to the left") {
    TextTable table({"name", "n"});
    table.add({"a", "10"});
    table.add({"long", "2"});
    CHECK(table.text() == "name  n\na     10\nlong   2\n");
}
