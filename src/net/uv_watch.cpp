#include "net/uv_watch.h"

#include <uv.h>

#include <new>

namespace p2c2r::net {

struct SocketWatch::Node {
    uv_poll_t handle{};
    UvLoop* loop = nullptr;
    WatchEvents* events = nullptr;  // NULL: closed
    int wanted = 0;
};

bool SocketWatch::open(UvLoop& loop, const Socket& socket, WatchEvents& events) {
    close();
    Node* node = new (std::nothrow) Node;
    if (!node) return false;
    if (uv_poll_init_socket(loop.raw(), &node->handle, socket.descriptor()) != 0) {
        delete node;
        return false;
    }
    node->handle.data = node;
    node->loop = &loop;
    node->events = &events;
    node_ = node;
    return true;
}

void SocketWatch::want(bool readable, bool writable) {
    if (!node_) return;
    const int wanted = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    if (wanted == node_->wanted) return;
    node_->wanted = wanted;
    node_->loop->note_watch_change();
    if (wanted == 0) {
        uv_poll_stop(&node_->handle);
        return;
    }
    uv_poll_start(&node_->handle, wanted, [](uv_poll_t* handle, int status, int ready) {
        Node* node = static_cast<Node*>(handle->data);
        if (!node->events) return;
        node->loop->note_event();
        // libuv stops watching a socket that has an error.
        if (status < 0) node->wanted = 0;
        node->events->on_ready(status < 0 || (ready & UV_READABLE),
                               status < 0 || (ready & UV_WRITABLE));
    });
}

void SocketWatch::close() {
    if (!node_) return;
    node_->events = nullptr;
    node_->loop->note_watch_change();
    uv_close(reinterpret_cast<uv_handle_t*>(&node_->handle),
             [](uv_handle_t* handle) { delete static_cast<Node*>(handle->data); });
    node_ = nullptr;
}

}  // namespace p2c2r::net
