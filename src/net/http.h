// A small HTTP/1.1 server for GET: /metrics and /healthz. No request body, 8 KiB of head at most,
// one answer a connection. Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "net/uv_loop.h"

namespace p2c2r::net {

struct HttpAnswer {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

class HttpServer {
  public:
    using Handler = std::function<HttpAnswer(const std::string& path)>;
    // Port 0: any free one.
    static Result<std::unique_ptr<HttpServer>> listen(UvLoop& loop, const std::string& address,
                                                      uint32_t port, Handler handler);
    virtual ~HttpServer() = default;
    [[nodiscard]] virtual uint32_t port() const = 0;
};

}  // namespace p2c2r::net
