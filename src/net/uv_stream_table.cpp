#include <iterator>
#include <new>
#include <utility>

#include "net/uv_stream.h"

namespace p2c2r::net {

namespace {

// What the owner of a connection holds.
class UvConnection final : public Connection {
  public:
    ~UvConnection() override {
        if (stream_) stream_->connection_gone();
    }
    void attach(Stream& stream) { stream_ = &stream; }

    void set_events(ConnectionEvents* events) override { stream_->set_events(events); }
    void set_limits(const wire::FrameLimits& limits) override { stream_->set_limits(limits); }
    void send(wire::Message message, uint8_t flags, uint64_t id, std::span<const uint8_t> envelope,
              const Bytes& params, const Bytes& data) override {
        stream_->send(message, flags, id, envelope, params, data);
    }
    void send_copy(wire::Message message, uint8_t flags, uint64_t id,
                   std::span<const uint8_t> envelope, std::span<const uint8_t> params,
                   std::span<const uint8_t> data) override {
        stream_->send_copy(message, flags, id, envelope, params, data);
    }
    [[nodiscard]] size_t queued_bytes() const override { return stream_->queued_bytes(); }
    [[nodiscard]] size_t unsent_bytes() const override { return stream_->unsent_bytes(); }
    void pause_reading(bool paused) override { stream_->pause_reading(paused); }
    void close() override { stream_->close(); }
    [[nodiscard]] std::string peer_address() const override { return stream_->peer().text(); }
    [[nodiscard]] bool is_loopback() const override { return stream_->peer().is_loopback(); }
    [[nodiscard]] uint64_t bytes_in() const override { return stream_->bytes_in(); }
    [[nodiscard]] uint64_t bytes_out() const override { return stream_->bytes_out(); }
    [[nodiscard]] PartialFrame partial_frame() const override { return stream_->partial_frame(); }
    [[nodiscard]] uint64_t last_words_us() const override { return stream_->last_words_us(); }
    [[nodiscard]] std::string peer_identity() const override { return stream_->peer_identity(); }
    [[nodiscard]] std::string channel_binding() const override {
        return stream_->channel_binding();
    }

  private:
    Stream* stream_ = nullptr;  // lives as long as this
};

}  // namespace

StreamTable::StreamTable(UvLoop& loop, const MemoryHook* memory)
    : loop_(loop), blocks_(memory), pieces_(std::make_unique<IoPiece[]>(kIoPiecesMax)) {
    linger_timer_.fire = [this] { end_overdue(); };
    loop_.add_part(*this);
}

StreamTable::~StreamTable() {
    loop_.disarm(linger_timer_);
    flush();
    while (!lingering_.empty()) {
        Stream& stream = *lingering_.front();
        // What has come meanwhile is taken, so that closing does not reset the connection.
        if (stream.state_ == Stream::State::kDraining) stream.discard();
        stream.finish();
    }
    dead_.clear();
    // Every connection is destroyed before the transport.
    P2C2R_CHECK(open_.empty());
    loop_.remove_part(*this);
}

std::unique_ptr<Connection> StreamTable::adopt(Socket socket, const Address& peer,
                                               std::shared_ptr<TlsContext> tls,
                                               const std::string& host) {
    try {
        auto connection = std::make_unique<UvConnection>();
        auto fresh = std::make_unique<Stream>(*this, std::move(socket), peer);
        if (tls) {
            if (!sealing_) sealing_ = std::make_unique<Sealing>();
            if (host.empty()) {
                fresh->called_with_ = std::move(tls);
            } else {
                fresh->tls_ = TlsSession::create(std::move(tls), host);
                if (!fresh->tls_) return nullptr;
                fresh->tls_->begin(fresh->unsent_);
            }
        }
        open_.push_back(std::move(fresh));
        Stream& stream = *open_.back();
        if (!stream.watch_.open(loop_, stream.socket_, stream)) {
            open_.pop_back();
            return nullptr;
        }
        if (!stream.unsent_.empty()) mark_dirty(stream);
        stream.self_ = std::prev(open_.end());
        stream.connection_ = connection.get();
        connection->attach(stream);
        return connection;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void StreamTable::mark_dirty(Stream& stream) {
    if (stream.dirty_) return;
    stream.dirty_ = true;
    stream.next_dirty_ = nullptr;
    (dirty_last_ ? dirty_last_->next_dirty_ : dirty_first_) = &stream;
    dirty_last_ = &stream;
}

void StreamTable::notify() {
    const size_t count = writable_.size();
    for (size_t i = 0; i < count; ++i) {
        if (Stream* stream = std::exchange(writable_[i], nullptr)) stream->notify_writable();
    }
    writable_.erase(writable_.begin(), writable_.begin() + static_cast<ptrdiff_t>(count));
}

void StreamTable::flush() noexcept {
    while (Stream* stream = dirty_first_) {
        dirty_first_ = stream->next_dirty_;
        if (!dirty_first_) dirty_last_ = nullptr;
        stream->dirty_ = false;
        if (stream->state_ != Stream::State::kClosed) stream->flush();
    }
    // Here no function of a stream is running, and no list refers to the dead.
    dead_.clear();
}

void StreamTable::begin_linger(Stream& stream) {
    lingering_.splice(lingering_.end(), open_, stream.self_);
    stream.linger_until_us_ = loop_.now_us() + kLingerUs;
    mark_dirty(stream);
    if (lingering_.size() > kLingeringMax) lingering_.front()->finish();
    if (lingering_.size() > 1) return;
    try {
        loop_.arm(linger_timer_, stream.linger_until_us_);
    } catch (const std::bad_alloc&) {
        stream.finish();  // without a limit nobody may linger
    }
}

void StreamTable::end_overdue() {
    const uint64_t now = loop_.now_us();
    while (!lingering_.empty() && lingering_.front()->linger_until_us_ <= now) {
        lingering_.front()->finish();
    }
    if (!lingering_.empty()) loop_.arm(linger_timer_, lingering_.front()->linger_until_us_);
}

void StreamTable::bury(Stream& stream, List& from) {
    dead_.splice(dead_.end(), from, stream.self_);
}

}  // namespace p2c2r::net
