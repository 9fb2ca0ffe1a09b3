// Plaintext goes to this machine without being asked; what is this machine is judged here.
#include "net/loopback.h"

#include <doctest/doctest.h>

using p2c2r::net::is_loopback_host;

TEST_CASE("loopback: addresses of this machine and no names that look like one") {
    for (const char* host : {"localhost", "::1", "127.0.0.1", "127.255.0.9", "127.1.2.3"}) {
        CAPTURE(host);
        CHECK(is_loopback_host(host));
    }
    for (const char* host :
         {"", "127.", "127.0.0", "127.0.0.", "127.0.0.1.", "127.0.0.1.2", "127.0.0.256",
          "127.0.0.1000", "127.0..1", "127.0.0.x", "127.example.org", "127.0.0.1.example.org",
          "0.0.0.0", "192.0.2.1", "127", "1127.0.0.1", "localhost.example.org", "::", "::2"}) {
        CAPTURE(host);
        CHECK_FALSE(is_loopback_host(host));
    }
}
