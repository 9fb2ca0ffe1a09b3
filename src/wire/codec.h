// Envelopes <-> bytes. Pure functions, written by hand: an envelope is a small map with integer
// keys, and the hot ones must cost nanoseconds. Decoding is bounded by limits of model/task.h,
// skips fields it does not know, and refuses duplicates, wrong types and trailing bytes with a text
// that names the field. Encoding cuts a text that is over its limit at a character boundary and
// writes bytes that are no UTF-8 as '?', so that the other side can always read it; lists that are
// over their limit are our own mistake.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/status.h"
#include "wire/messages.h"

namespace p2c2r::wire {

// Where an envelope is built: keeps its memory from one message to the next.
class EnvelopeBuffer {
  public:
    [[nodiscard]] std::span<const uint8_t> span() const { return {bytes_.data(), size_}; }
    // Start anew; `reserve` bytes can then be written without a check.
    uint8_t* begin(size_t reserve) {
        if (bytes_.size() < reserve) bytes_.resize(reserve);
        return bytes_.data();
    }
    void end(const uint8_t* end) { size_ = static_cast<size_t>(end - bytes_.data()); }

  private:
    std::vector<uint8_t> bytes_ = std::vector<uint8_t>(256);
    size_t size_ = 0;
};

void encode(const Hello&, EnvelopeBuffer& out);
void encode(const HelloResponse&, EnvelopeBuffer& out);
void encode(const Goodbye&, EnvelopeBuffer& out);
void encode(const PeerDisconnect&, EnvelopeBuffer& out);
void encode(const PeerRegister&, EnvelopeBuffer& out);
void encode(const GamerRegister&, EnvelopeBuffer& out);
void encode_peer_response(const RegisterResponse&, EnvelopeBuffer& out);
void encode_gamer_response(const RegisterResponse&, EnvelopeBuffer& out);
void encode(const TaskSubmit&, EnvelopeBuffer& out);
void encode(const TaskAssign&, EnvelopeBuffer& out);
void encode(const TaskResult&, EnvelopeBuffer& out);
void encode(const ResultDelivery&, EnvelopeBuffer& out);
void encode(const TaskTimeout&, EnvelopeBuffer& out);
void encode(const TaskCancel&, EnvelopeBuffer& out);
void encode(const TaskRefuse&, EnvelopeBuffer& out);
void encode(const Heartbeat&, EnvelopeBuffer& out);
void encode(const PeerCountUpdate&, EnvelopeBuffer& out);
void encode(const Call&, EnvelopeBuffer& out);
void encode(const CallResponse&, EnvelopeBuffer& out);
void encode(const ContentPut&, EnvelopeBuffer& out);
void encode(const ContentWant&, EnvelopeBuffer& out);
void encode(const ContentDrop&, EnvelopeBuffer& out);

// NULL on success, else a static text that says what is wrong. `out` starts from its defaults.
const char* decode(std::span<const uint8_t> envelope, Hello& out);
const char* decode(std::span<const uint8_t> envelope, HelloResponse& out);
const char* decode(std::span<const uint8_t> envelope, Goodbye& out);
const char* decode(std::span<const uint8_t> envelope, PeerDisconnect& out);
const char* decode(std::span<const uint8_t> envelope, PeerRegister& out);
const char* decode(std::span<const uint8_t> envelope, GamerRegister& out);
const char* decode(std::span<const uint8_t> envelope, RegisterResponse& out);
const char* decode(std::span<const uint8_t> envelope, TaskSubmit& out);
const char* decode(std::span<const uint8_t> envelope, TaskAssign& out);
const char* decode(std::span<const uint8_t> envelope, TaskResult& out);
const char* decode(std::span<const uint8_t> envelope, ResultDelivery& out);
const char* decode(std::span<const uint8_t> envelope, TaskTimeout& out);
const char* decode(std::span<const uint8_t> envelope, TaskCancel& out);
const char* decode(std::span<const uint8_t> envelope, TaskRefuse& out);
const char* decode(std::span<const uint8_t> envelope, Heartbeat& out);
const char* decode(std::span<const uint8_t> envelope, PeerCountUpdate& out);
const char* decode(std::span<const uint8_t> envelope, Call& out);
const char* decode(std::span<const uint8_t> envelope, CallResponse& out);
const char* decode(std::span<const uint8_t> envelope, ContentPut& out);
const char* decode(std::span<const uint8_t> envelope, ContentWant& out);
const char* decode(std::span<const uint8_t> envelope, ContentDrop& out);

}  // namespace p2c2r::wire
