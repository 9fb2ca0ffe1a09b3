// The HTTP server: good requests, bad ones, slow ones, many.
#include "net/http.h"

#include "unit/net_sockets.h"
#include "unit/net_support.h"

using namespace p2c2r;
using namespace p2c2r::test;

namespace {

struct Site {
    net::UvLoop& loop;
    std::unique_ptr<net::HttpServer> server;
    std::vector<std::string> asked;

    explicit Site(net::UvLoop& on) : loop(on) {
        auto listening =
            net::HttpServer::listen(on, "127.0.0.1", 0, [this](const std::string& path) {
                asked.push_back(path);
                net::HttpAnswer answer;
                if (path == "/metrics") {
                    answer.content_type = "text/plain; version=0.0.4";
                    answer.body = "p2c2r_tasks 1\n";
                } else if (path == "/large") {
                    answer.body = std::string(3'000'000, 'x');
                } else if (path == "/throws") {
                    throw std::runtime_error("a mistake of ours");
                } else {
                    answer.status = 404;
                    answer.body = "not here\n";
                }
                return answer;
            });
        REQUIRE(listening.ok());
        server = std::move(*listening);
    }
    std::string ask(const std::string& request) {
        RawSocket raw = RawSocket::connect(server->port());
        REQUIRE(raw.send(request));
        return answer(raw);
    }
    std::string answer(RawSocket& raw) {
        std::string text;
        bool end = false;
        const auto take = [&] {
            const auto more = raw.take(1 << 20, end);
            text.append(more.begin(), more.end());
            return end;
        };
        CHECK(turn_until(loop, take, 500));
        return text;
    }
};

std::string first_line(const std::string& text) {
    return text.substr(0, text.find("\r\n"));
}

std::string body_of(const std::string& text) {
    const size_t at = text.find("\r\n\r\n");
    return at == text.npos ? std::string() : text.substr(at + 4);
}

}  // namespace

TEST_CASE("a good request is answered with its page and closed") {
    auto loop = new_loop();
    Site site(*loop);
    const std::string got = site.ask("GET /metrics?a=b HTTP/1.1\r\nHost: here\r\nX: y\r\n\r\n");
    CHECK(first_line(got) == "HTTP/1.1 200 OK");
    CHECK(got.find("\r\nContent-Type: text/plain; version=0.0.4\r\n") != got.npos);
    CHECK(got.find("\r\nContent-Length: 14\r\n") != got.npos);
    CHECK(got.find("\r\nConnection: close\r\n") != got.npos);
    CHECK(body_of(got) == "p2c2r_tasks 1\n");
    CHECK(site.asked == std::vector<std::string>{"/metrics"});
    CHECK(first_line(site.ask("GET /metrics HTTP/1.0\n\n")) == "HTTP/1.1 200 OK");
    const std::string head = site.ask("HEAD /metrics HTTP/1.1\r\n\r\n");
    CHECK(head.find("\r\nContent-Length: 14\r\n") != head.npos);
    CHECK(body_of(head).empty());
    CHECK(first_line(site.ask("GET /other HTTP/1.1\r\n\r\n")) == "HTTP/1.1 404 Not Found");
}

TEST_CASE("a large page arrives whole") {
    auto loop = new_loop();
    Site site(*loop);
    CHECK(body_of(site.ask("GET /large HTTP/1.1\r\n\r\n")) == std::string(3'000'000, 'x'));
}

TEST_CASE("bad requests are refused and never reach the handler") {
    auto loop = new_loop();
    Site site(*loop);
    const auto status = [&](const std::string& request) {
        return first_line(site.ask(request)).substr(9);
    };
    CHECK(status("POST /metrics HTTP/1.1\r\n\r\n") == "405 Method Not Allowed");
    CHECK(site.ask("DELETE / HTTP/1.1\r\n\r\n").find("\r\nAllow: GET, HEAD\r\n") !=
          std::string::npos);
    for (const std::string request :
         {"\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2\r\n\r\n",
          "GET  HTTP/1.1\r\n\r\n", "GET metrics HTTP/1.1\r\n\r\n", "G=T / HTTP/1.1\r\n\r\n",
          "GET /\x01 HTTP/1.1\r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n", " GET / HTTP/1.1\r\n\r\n"}) {
        CAPTURE(request);
        CHECK(status(request) == "400 Bad Request");
    }
    CHECK(status("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n") ==
          "431 Request Header Fields Too Large");
    CHECK(status("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'a')) ==
          "431 Request Header Fields Too Large");
    CHECK(site.asked.empty());
    CHECK(status("GET /throws HTTP/1.1\r\n\r\n") == "500 Internal Server Error");
    CHECK(status("GET /metrics HTTP/1.1\r\n\r\n") == "200 OK");
}

TEST_CASE("a request in single bytes is understood and one that never ends is closed in its time") {
    auto loop = new_loop();
    Site site(*loop);
    RawSocket slow = RawSocket::connect(site.server->port());
    for (const char c : std::string("GET /metrics HTTP/1.1\r\nA: b\r\n\r\n")) {
        REQUIRE(slow.send(std::string(1, c)));
        loop->turn(0);
    }
    CHECK(body_of(site.answer(slow)) == "p2c2r_tasks 1\n");
    RawSocket stuck = RawSocket::connect(site.server->port());
    REQUIRE(stuck.send(std::string("GET /metrics HTT")));
    const uint64_t before = loop->now_us();
    CHECK(site.answer(stuck).empty());
    CHECK(loop->now_us() - before > 4'000'000);
}

TEST_CASE("connections above the limit are closed and those below are served") {
    auto loop = new_loop();
    Site site(*loop);
    std::vector<RawSocket> open;
    for (int i = 0; i < 64; ++i) open.push_back(RawSocket::connect(site.server->port()));
    for (int i = 0; i < 5; ++i) loop->turn(100);
    RawSocket extra = RawSocket::connect(site.server->port());
    CHECK(site.answer(extra).empty());
    for (RawSocket& raw : open) {
        REQUIRE(raw.send(std::string("GET /metrics HTTP/1.1\r\n\r\n")));
        CHECK(first_line(site.answer(raw)) == "HTTP/1.1 200 OK");
    }
}

TEST_CASE("a server that goes in the middle of requests leaves no descriptor behind") {
    auto loop = new_loop();
    const size_t before = open_descriptors();
    {
        Site site(*loop);
        RawSocket half = RawSocket::connect(site.server->port());
        REQUIRE(half.send(std::string("GET /metr")));
        RawSocket unread = RawSocket::connect(site.server->port());
        REQUIRE(unread.send(std::string("GET /large HTTP/1.1\r\n\r\n")));
        for (int i = 0; i < 5; ++i) loop->turn(500);
        CHECK(open_descriptors() == before + 5);
    }
    CHECK(open_descriptors() == before);
    auto taken = net::HttpServer::listen(*loop, "127.0.0.1", 0,
                                         [](const std::string&) { return net::HttpAnswer{}; });
    auto again = net::HttpServer::listen(*loop, "127.0.0.1", (*taken)->port(),
                                         [](const std::string&) { return net::HttpAnswer{}; });
    REQUIRE_FALSE(again.ok());
    CHECK(again.error().text.find("is in use") != std::string::npos);
    CHECK_FALSE(net::HttpServer::listen(*loop, "nowhere", 0, [](const std::string&) {
                    return net::HttpAnswer{};
                }).ok());
}
