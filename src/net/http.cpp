#include "net/http.h"
#include "net/host_port.h"

#include <algorithm>
#include <list>
#include <new>
#include <string_view>
#include <utility>

#include "net/socket.h"
#include "net/uv_watch.h"

namespace p2c2r::net {

namespace {

constexpr size_t kRequestHeadMax = 8 * 1024;
constexpr size_t kConnectionsMax = 64;
constexpr uint64_t kTimeUs = 5'000'000;  // from the first byte to the last
constexpr uint64_t kAcceptPauseUs = 100'000;
constexpr size_t kDiscardMax = 64 * 1024;  // of what comes behind the request

const char* reason_of(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 400:
            return "Bad Request";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 503:
            return "Service Unavailable";
        default:
            return "Status";
    }
}

struct Request {
    int refused = 0;  // status of the refusal; 0: fine
    bool head_only = false;
    std::string path;
};

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
    });
}

// Where the empty line ends that ends a head, or npos.
size_t end_of_head(std::string_view received) {
    const size_t with_return = received.find("\r\n\r\n");
    const size_t without = received.find("\n\n");
    const size_t end = std::min(with_return == received.npos ? with_return : with_return + 4,
                                without == received.npos ? without : without + 2);
    return end;
}

Request parse_request(std::string_view head) {
    Request request;
    std::string_view line = head.substr(0, head.find('\n'));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const size_t first = line.find(' ');
    const size_t second = first == line.npos ? line.npos : line.find(' ', first + 1);
    if (second == line.npos) {
        request.refused = 400;
        return request;
    }
    const std::string_view method = line.substr(0, first);
    std::string_view target = line.substr(first + 1, second - first - 1);
    const std::string_view version = line.substr(second + 1);
    const bool printable =
        std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    if (!is_token(method) || target.empty() || target.front() != '/' || !printable ||
        (version != "HTTP/1.1" && version != "HTTP/1.0")) {
        request.refused = 400;
        return request;
    }
    if (method != "GET" && method != "HEAD") {
        request.refused = 405;
        return request;
    }
    request.head_only = method == "HEAD";
    request.path = std::string(target.substr(0, target.find('?')));
    return request;
}

std::string answer_text(const HttpAnswer& answer, bool head_only) {
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " " +
                       reason_of(answer.status) + "\r\nContent-Type: " + answer.content_type +
                       "\r\nContent-Length: " + std::to_string(answer.body.size()) +
                       "\r\nCache-Control: no-store\r\nConnection: close\r\n";
    if (answer.status == 405) text += "Allow: GET, HEAD\r\n";
    text += "\r\n";
    if (!head_only) text += answer.body;
    return text;
}

HttpAnswer refusal(int status) {
    HttpAnswer answer;
    answer.status = status;
    answer.body = std::string(reason_of(status)) + "\n";
    return answer;
}

class UvHttpServer;

// One connection: a head comes in, one answer goes out.
class HttpConnection final : private WatchEvents {
  public:
    HttpConnection(UvHttpServer& server, Socket socket);
    ~HttpConnection();
    [[nodiscard]] bool start();

    std::list<std::unique_ptr<HttpConnection>>::iterator self;

  private:
    void on_ready(bool readable, bool writable) noexcept override;
    // Each returns false when the connection is done with.
    bool read();
    bool write();

    UvHttpServer& server_;
    Socket socket_;
    SocketWatch watch_;
    Timer limit_;
    std::string head_;
    std::string answer_;
    size_t sent_ = 0;
    size_t discarded_ = 0;
    bool answered_ = false;
};

class UvHttpServer final : public HttpServer, private WatchEvents {
  public:
    UvHttpServer(UvLoop& on, Socket socket, Handler answer)
        : loop(on), handler(std::move(answer)), socket_(std::move(socket)) {
        port_ = local_address(socket_).port();
        pause_.fire = [this] { watch_.want(true, false); };
    }
    ~UvHttpServer() override {
        loop.disarm(pause_);
        watch_.close();
    }
    [[nodiscard]] bool start() {
        if (!watch_.open(loop, socket_, *this)) return false;
        watch_.want(true, false);
        return true;
    }
    [[nodiscard]] uint32_t port() const override { return port_; }
    void remove(HttpConnection& connection) { connections_.erase(connection.self); }

    UvLoop& loop;
    Handler handler;

  private:
    void on_ready(bool, bool) noexcept override {
        bool rests = false;
        try {
            for (size_t i = 0; i < kConnectionsMax; ++i) {
                Address from;
                SocketFailure taken = accept_one(socket_, from);
                if (!taken.socket.valid()) {
                    if (is_nobody_waiting(taken.error)) break;
                    if (!is_out_of_descriptors(taken.error)) continue;
                    loop.arm(pause_, loop.now_us() + kAcceptPauseUs);
                    rests = true;
                    break;
                }
                if (connections_.size() >= kConnectionsMax) continue;  // closes it
                connections_.push_back(
                    std::make_unique<HttpConnection>(*this, std::move(taken.socket)));
                connections_.back()->self = std::prev(connections_.end());
                if (!connections_.back()->start()) connections_.pop_back();
            }
        } catch (const std::bad_alloc&) {
            // That connection is closed; the others go on.
        }
        watch_.want(!rests, false);
    }

    Socket socket_;
    SocketWatch watch_;
    Timer pause_;
    uint32_t port_ = 0;
    std::list<std::unique_ptr<HttpConnection>> connections_;
};

HttpConnection::HttpConnection(UvHttpServer& server, Socket socket)
    : server_(server), socket_(std::move(socket)) {
    limit_.fire = [this] { server_.remove(*this); };
    server_.loop.arm(limit_, server_.loop.now_us() + kTimeUs);
}

HttpConnection::~HttpConnection() {
    server_.loop.disarm(limit_);
    watch_.close();
}

bool HttpConnection::start() {
    if (!watch_.open(server_.loop, socket_, *this)) return false;
    watch_.want(true, false);
    return true;
}

void HttpConnection::on_ready(bool readable, bool) noexcept {
    bool goes_on = false;
    try {
        goes_on = (!readable || read()) && (!answered_ || write());
    } catch (const std::bad_alloc&) {
        // It is closed without an answer.
    }
    if (!goes_on) return server_.remove(*this);  // this object is gone now
    // Once the answer is out, the other side's end is waited for: closing with something unread
    // would reset the connection and could destroy the answer on its way.
    const bool all_sent = answered_ && sent_ == answer_.size();
    watch_.want(!answered_ || all_sent, answered_ && !all_sent);
}

bool HttpConnection::read() {
    uint8_t bytes[2048];
    const IoPiece piece{bytes, sizeof bytes};
    const IoResult result = receive(socket_, &piece, 1);
    if (result.kind == IoResult::Kind::kAgain) return true;
    if (result.kind != IoResult::Kind::kDone) return false;
    if (answered_) {
        discarded_ += result.size;
        return discarded_ <= kDiscardMax;
    }
    head_.append(reinterpret_cast<const char*>(bytes), result.size);
    const size_t end = end_of_head(head_);
    if (end == head_.npos && head_.size() < kRequestHeadMax) return true;
    Request request;
    if (end == head_.npos || end > kRequestHeadMax) {
        request.refused = 431;
    } else {
        request = parse_request(std::string_view(head_).substr(0, end));
    }
    HttpAnswer answer;
    if (request.refused != 0) {
        answer = refusal(request.refused);
    } else {
        try {
            answer = server_.handler(request.path);
        } catch (const std::exception&) {
            answer = refusal(500);
        }
    }
    answer_ = answer_text(answer, request.head_only);
    answered_ = true;
    return true;
}

bool HttpConnection::write() {
    while (sent_ < answer_.size()) {
        const IoPiece piece{reinterpret_cast<uint8_t*>(answer_.data()) + sent_,
                            answer_.size() - sent_};
        const IoResult result = send(socket_, &piece, 1);
        if (result.kind == IoResult::Kind::kAgain) return true;
        if (result.kind != IoResult::Kind::kDone) return false;
        sent_ += result.size;
        if (sent_ == answer_.size()) shut_down_sending(socket_);
    }
    return true;
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(UvLoop& loop, const std::string& address,
                                                       uint32_t port, Handler handler) {
    const std::string where = join_host_port(address, port);
    const auto numeric = Address::numeric(address == "localhost" ? "127.0.0.1" : address, port);
    if (!numeric) {
        return make_error(Status::kArgument,
                          "'" + where + "' is not an IP address with a port of 0 to 65535");
    }
    SocketFailure opened = open_listener(*numeric, SocketOptions{});
    if (!opened.socket.valid()) {
        if (is_address_in_use(opened.error)) return make_error(Status::kIo, where + " is in use");
        return make_error(
            Status::kIo, "cannot listen on " + where + ": " + system_error_text(opened.error).text);
    }
    auto server =
        std::make_unique<UvHttpServer>(loop, std::move(opened.socket), std::move(handler));
    if (!server->start()) {
        return make_error(Status::kIo, "cannot listen on " + where + ": the event loop refused");
    }
    return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace p2c2r::net
