#include "program.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <stdexcept>

#include "cli/files.h"
#include "cli/pan_zoom.h"

namespace p2c2r::test {

namespace {

constexpr uint64_t kLookAgainUs = 2000;

template <class T>
T need(cli::Result<T> result) {
    if (!result) throw std::runtime_error(result.failure().text);
    return std::move(*result);
}

}  // namespace

Workplace::Workplace() : directory_(need(cli::TemporaryDirectory::make())) {}

std::string Workplace::path(const std::string& name) const {
    return cli::join_path(directory_.path(), name);
}

std::string Workplace::write(const std::string& name, const std::string& bytes) const {
    const cli::Outcome failure = cli::write_file(path(name), bytes);
    if (failure) throw std::runtime_error(failure->text);
    return path(name);
}

std::string Workplace::read(const std::string& name) const {
    return need(cli::read_file(path(name)));
}

bool Workplace::has(const std::string& name) const {
    return std::filesystem::exists(path(name));
}

Ran Workplace::run_other(const std::string& program, const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment) const {
    static int counter = 0;
    const std::string name = "run" + std::to_string(counter++);
    cli::Process::Options options;
    options.output_file = path(name + ".out");
    options.error_file = path(name + ".err");
    options.environment = environment;
    // Whatever the screen of this machine shows.
    options.environment.emplace_back("P2C2R_MODE=always");
    options.without = "P2C2R_";
    cli::Process process = need(cli::Process::start(program, arguments, options));
    Ran ran;
    ran.exit_code = process.wait(kPatienceUs);
    ran.out = read(name + ".out");
    ran.error = read(name + ".err");
    return ran;
}

Ran Workplace::run(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& environment) const {
    return run_other(P2C2R_PROGRAM, arguments, environment);
}

cli::Process Workplace::start(const std::vector<std::string>& arguments,
                              const std::string& error_file,
                              const std::vector<std::string>& environment) const {
    cli::Process::Options options;
    options.error_file = path(error_file);
    options.environment = environment;
    // Whatever the screen of this machine shows.
    options.environment.emplace_back("P2C2R_MODE=always");
    options.without = "P2C2R_";
    return need(cli::Process::start(P2C2R_PROGRAM, arguments, options));
}

cli::CoordinatorProcess Workplace::coordinator(const std::vector<std::string>& arguments) const {
    return need(cli::start_coordinator_process(path("coordinator.log"), arguments, P2C2R_PROGRAM));
}

cli::Process Workplace::peer(const std::string& url, const std::string& peer_id,
                             const std::vector<std::string>& arguments) const {
    return need(
        cli::start_peer_process(url, peer_id, path(peer_id + ".log"), arguments, P2C2R_PROGRAM));
}

std::string text_behind(const std::string& text, const std::string& start) {
    const size_t at = text.find(start);
    REQUIRE_MESSAGE(at != std::string::npos, text);
    const size_t from = at + start.size();
    return text.substr(from, text.find('\n', from) - from);
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (size_t begin = 0; begin < text.size();) {
        const size_t end = std::min(text.find('\n', begin), text.size());
        if (end > begin) lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return lines;
}

bool has_vulkan_device(const Workplace& workplace) {
    const Ran ran = workplace.run({"devices", "--json"});
    const auto found = nlohmann::json::parse(ran.out, nullptr, false);
    return found.is_object() && !found.value("devices", nlohmann::json::array()).empty();
}

nlohmann::json status_of(const Workplace& workplace, const std::string& url) {
    const Ran ran = workplace.run({"status", "--json", "--coordinator", url});
    if (ran.exit_code != 0) return {};
    return nlohmann::json::parse(ran.out);
}

bool wait_until(const std::function<bool()>& done) {
    const uint64_t until_us = p2c2r_now_us() + kPatienceUs;
    cli::Waker nobody;  // a pause between two looks leaves the cores to those who are watched
    while (!done()) {
        if (p2c2r_now_us() > until_us) return false;
        nobody.wait(kLookAgainUs, nullptr);
    }
    return true;
}

bool wait_for_peers(const Workplace& workplace, const std::string& url, size_t count) {
    return wait_until([&] {
        const nlohmann::json status = status_of(workplace, url);
        return status.is_object() && status.at("peers").size() == count;
    });
}

std::string photograph() {
    return std::string(P2C2R_SOURCE_DIR) + "/examples/media/seeding.jpg";
}

std::vector<std::pair<std::string, std::string>> pictures_broken_and_whole() {
    const std::string whole = need(cli::read_file(photograph()));
    std::string huge = whole.substr(0, 4096);
    const size_t frame =
        huge.find("\xff\xc0") != std::string::npos ? huge.find("\xff\xc0") : huge.find("\xff\xc2");
    REQUIRE(frame != std::string::npos);
    huge.replace(frame + 5, 4, "\x4e\x20\x4e\x20");
    std::string zero = whole;
    zero.replace(frame + 5, 4, std::string(4, '\0'));
    return {{"cut.jpg", whole.substr(0, whole.size() / 2)},
            {"huge.jpg", huge},
            {"zero.jpg", zero},
            {"nothing.jpg", ""},
            {"noise.png", "\x89PNG\r\n\x1a\n, and no more"},
            {"whole.jpg", whole}};
}

std::string make_frames(const Workplace& workplace, const std::string& name, size_t count,
                        uint32_t width, uint32_t height) {
    const std::string directory = workplace.path(name);
    REQUIRE(!cli::make_directories(directory));
    cli::SessionOptions options;
    options.device.kind = cli::DeviceChoice::Kind::kNative;
    auto session = need(cli::Session::open(options));
    const cli::Picture picture =
        need(cli::decode_picture(*session, need(cli::read_file(photograph()))));
    cli::PanZoom frames;
    frames.count = count;
    frames.size = {width, height};
    const cli::Outcome failure = cli::write_pan_zoom(*session, picture, frames, directory);
    if (failure) throw std::runtime_error(failure->text);
    return directory;
}

}  // namespace p2c2r::test
