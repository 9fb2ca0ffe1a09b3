// The proxy with real sockets: each fault shows at its ends, and the program says what is wrong.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "proxy/fault_proxy_posix.h"

using namespace p2c2r::test;

namespace {

constexpr int kPatienceMs = 30'000;  // a limit for a broken run

// One end of a connection of this test.
class End {
  public:
    explicit End(int descriptor) : descriptor_(descriptor) { REQUIRE(descriptor >= 0); }
    ~End() { close(descriptor_); }
    End(const End&) = delete;
    End& operator=(const End&) = delete;

    void say(const std::string& bytes) const {
        REQUIRE(send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
    }
    // Until there are so many bytes, or the end.
    std::string hear(size_t size) {
        std::string all;
        while (all.size() < size && wait(kPatienceMs)) {
            char block[4096];
            const ssize_t got =
                recv(descriptor_, block, std::min(sizeof block, size - all.size()), 0);
            if (got <= 0) {
                over_ = true;
                reset_ = got < 0;
                break;
            }
            ++reads_;
            all.append(block, static_cast<size_t>(got));
        }
        return all;
    }
    [[nodiscard]] bool wait(int ms) const {
        pollfd one = {descriptor_, POLLIN, 0};
        return poll(&one, 1, ms) > 0;
    }
    void finish() const { shutdown(descriptor_, SHUT_WR); }
    [[nodiscard]] bool over() const { return over_; }
    [[nodiscard]] bool reset() const { return reset_; }
    [[nodiscard]] size_t reads() const { return reads_; }

  private:
    const int descriptor_;
    bool over_ = false;
    bool reset_ = false;
    size_t reads_ = 0;
};

sockaddr_in here_at(uint32_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int connected_to(uint32_t port) {
    const int end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = here_at(port);
    REQUIRE(connect(end, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return end;
}

struct Target {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint32_t port = 0;
    Target() {
        sockaddr_in address = here_at(0);
        socklen_t size = sizeof address;
        auto* const plain = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(bind(listener, plain, size) == 0);
        REQUIRE(listen(listener, 8) == 0);
        REQUIRE(getsockname(listener, plain, &size) == 0);
        port = ntohs(address.sin_port);
    }
    ~Target() { close(listener); }
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;
};

// A connection through a proxy: both ends are in this test's hands.
struct Through {
    Target target;
    FaultProxy proxy;
    End near;
    End far;
    explicit Through(const std::string& plan)
        : proxy(target.port, plan, 1),
          near(connected_to(proxy.port())),
          far(accept4(target.listener, nullptr, nullptr, SOCK_CLOEXEC)) {}
};

struct Said {
    int exit_code = -1;
    std::string text;
};

Said run_shell(const std::string& script) {
    const std::string quoted = [&] {
        std::string text = "'";
        for (const char letter : script) text += letter == '\'' ? "'\\''" : std::string(1, letter);
        return text + "'";
    }();
    FILE* const pipe = popen(("bash -c " + quoted + " 2>&1").c_str(), "r");
    REQUIRE(pipe);
    Said said;
    std::array<char, 512> block{};
    while (const size_t got = fread(block.data(), 1, block.size(), pipe)) {
        said.text.append(block.data(), got);
    }
    said.exit_code = WEXITSTATUS(pclose(pipe));
    return said;
}

// What the program says, and how it ends.
Said run_program(const std::string& arguments) {
    return run_shell("exec " P2C2R_FAULT_PROXY " " + arguments);
}

}  // namespace

TEST_CASE("fault proxy: bytes go both ways and the end of each side is told to the other") {
    Through through("");
    through.near.say("there");
    CHECK(through.far.hear(5) == "there");
    through.far.say("and back");
    CHECK(through.near.hear(8) == "and back");
    through.near.finish();
    CHECK(through.far.hear(1).empty());
    CHECK(through.far.over());
    through.far.say("more");
    through.far.finish();
    CHECK(through.near.hear(5) == "more");
    CHECK(through.near.over());
    CHECK_FALSE(through.near.reset());
    CHECK(through.proxy.connections() == 1);
    CHECK(through.proxy.passed(Way::kUp) == 5);
    CHECK(through.proxy.passed(Way::kDown) == 12);
}

TEST_CASE("fault proxy: a reset behind a byte shows as one at both ends") {
    Through through("after 4 up cut");
    through.near.say("0123456789");
    CHECK(through.far.hear(10).size() <= 4);
    CHECK(through.far.reset());
    CHECK(through.near.hear(1).empty());
    CHECK(through.near.reset());
}

TEST_CASE("fault proxy: a cut by FIN ends both sides without a reset") {
    Through through("");
    through.near.say("here");
    CHECK(through.far.hear(4) == "here");
    through.proxy.apply("cut fin");
    CHECK(through.far.hear(1).empty());
    CHECK(through.near.hear(1).empty());
    CHECK(through.near.over());
    CHECK_FALSE(through.near.reset());
    CHECK_FALSE(through.far.reset());
}

TEST_CASE("fault proxy: a reset at one end goes on to the other") {
    Target target;
    FaultProxy proxy(target.port, "", 1);
    auto near = std::make_unique<End>(connected_to(proxy.port()));
    End far(accept4(target.listener, nullptr, nullptr, SOCK_CLOEXEC));
    far.say("never read, so that closing resets");
    REQUIRE(near->wait(kPatienceMs));
    near.reset();
    CHECK(far.hear(1).empty());
    CHECK(far.over());
}

TEST_CASE("fault proxy: silence of one way leaves the sockets and the other way") {
    for (const char* way : {"up", "down"}) {
        CAPTURE(way);
        Through through("");
        End& mute = *way == 'u' ? through.near : through.far;
        End& heard = *way == 'u' ? through.far : through.near;
        mute.say("before");
        CHECK(heard.hear(6) == "before");
        through.proxy.apply(std::string("silence ") + way);
        heard.say("behind");  // shows that the fault has come, since it is applied first
        CHECK(mute.hear(6) == "behind");
        mute.say(std::string(1000, 'x'));
        heard.say("again");
        CHECK(mute.hear(5) == "again");
        CHECK_FALSE(heard.wait(0));
        CHECK(through.proxy.passed(*way == 'u' ? Way::kUp : Way::kDown) == 6);
    }
}

TEST_CASE("fault proxy: sliced bytes come all, in order, in many pieces") {
    Through through("slice 3");
    std::string sent;
    for (int i = 0; i < 1000; ++i) sent += std::to_string(i);
    through.near.say(sent);
    CHECK(through.far.hear(sent.size()) == sent);
    // A piece a turn: the system may join some of them, not nearly all.
    CHECK(through.far.reads() > 10);
}

TEST_CASE("fault proxy: delay, stall and throttle let everything through in order") {
    Through through("delay 3ms jitter 1ms; at 5ms stall 10ms; throttle 400kB up");
    std::string sent;
    for (int i = 0; i < 3000; ++i) sent += std::to_string(i);
    through.near.say(sent);
    CHECK(through.far.hear(sent.size()) == sent);
    through.far.say(sent);
    CHECK(through.near.hear(sent.size()) == sent);
}

TEST_CASE("fault proxy: a plan is for each connection by its number") {
    Target target;
    FaultProxy proxy(target.port, "connection 1 cut", 1);
    End first(connected_to(proxy.port()));
    CHECK(first.hear(1).empty());
    CHECK(first.over());
    End second(connected_to(proxy.port()));
    // The first one may or may not have been seen at the target.
    second.say("works");
    std::string heard;
    for (int tries = 0; tries < 2 && heard.empty(); ++tries) {
        End far(accept4(target.listener, nullptr, nullptr, SOCK_CLOEXEC));
        heard = far.hear(5);
    }
    CHECK(heard == "works");
    CHECK(proxy.connections() == 2);
}

TEST_CASE("fault proxy: where nobody listens a connection is reset") {
    uint32_t port = 0;
    {
        const Target gone;
        port = gone.port;
    }
    FaultProxy proxy(port, "", 1);
    End near(connected_to(proxy.port()));
    CHECK(near.hear(1).empty());
    CHECK(near.over());
}

TEST_CASE("fault proxy: the program tells its port, has help, and names what is wrong") {
    const Said help = run_program("--help");
    CHECK(help.exit_code == 0);
    for (const char* word : {"delay", "jitter", "stall", "cut", "slice", "throttle", "silence"}) {
        CHECK(help.text.find(word) != std::string::npos);
    }
    const std::pair<const char*, const char*> wrong[] = {
        {"", "--listen and --to are needed"},
        {"--listen 0 --to 127.0.0.1", "is no HOST:PORT"},
        {"--listen x --to 127.0.0.1:1", "--listen 'x' is no number"},
        {"--listen 0 --to 127.0.0.1:1 --plan 'cut; dely 2ms'", "--plan: clause 2: 'dely'"},
        {"--listen 0 --to 127.0.0.1:1 --sead 3", "'--sead' is no option"},
    };
    for (const auto& row : wrong) {
        CAPTURE(row.first);
        const Said said = run_program(row.first);
        CHECK(said.exit_code == 2);
        CHECK_MESSAGE(said.text.find(row.second) != std::string::npos, said.text);
    }
}

TEST_CASE("fault proxy: the program serves until a signal ends it") {
    const Said said =
        run_shell("coproc P { exec " P2C2R_FAULT_PROXY
                  " --listen 0 --to 127.0.0.1:1 --seed 9 --plan 'delay 1ms'; }; "
                  "pid=$P_PID; read -r line <&${P[0]}; echo \"$line\"; kill $pid; wait $pid");
    CHECK_MESSAGE(said.text.find("listening on 127.0.0.1:") != std::string::npos, said.text);
    CHECK(said.exit_code == 128 + SIGTERM);
}
