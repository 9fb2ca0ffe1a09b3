// codec_bench: what the envelopes of the hot messages cost to encode and decode, beside msgpack-c
// doing the same maps in the same run, and what a frame's head costs.
//
// Both sides write the same bytes and read the same fields into the same structs; that is checked
// first. msgpack-c is used as fast as it can be: one buffer and one memory zone, kept from message
// to message. Figures are nanoseconds a message, the median of 15 rounds; every 64th message is
// another one. Usage: codec_bench [--json FILE]
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <msgpack.h>

#include "core/prng.h"
#include "wire/codec.h"
#include "wire/fields.h"
#include "wire/frame.h"

using namespace p2c2r;
using namespace p2c2r::wire;

namespace {

constexpr size_t kVariants = 64;
constexpr int kRounds = 15;
constexpr int kPerRound = 200'000;

uint64_t now_ns() {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                     std::chrono::steady_clock::now().time_since_epoch())
                                     .count());
}

// Keeps a value alive for the optimiser without costing a store a field.
template <class T>
void keep(const T& value) {
    asm volatile("" : : "r"(&value) : "memory");
}

double median_ns(const std::function<void(size_t)>& round_of) {
    std::vector<double> rounds;
    for (int round = 0; round < kRounds; ++round) {
        const uint64_t start = now_ns();
        round_of(kPerRound);
        rounds.push_back(static_cast<double>(now_ns() - start) / kPerRound);
    }
    std::nth_element(rounds.begin(), rounds.begin() + kRounds / 2, rounds.end());
    return rounds[kRounds / 2];
}

// ---- msgpack-c writing the same maps ------------------------------------------------------------

class Packer {
  public:
    Packer() {
        msgpack_sbuffer_init(&buffer_);
        msgpack_packer_init(&packer_, &buffer_, msgpack_sbuffer_write);
    }
    ~Packer() { msgpack_sbuffer_destroy(&buffer_); }
    Packer(const Packer&) = delete;
    Packer& operator=(const Packer&) = delete;

    void begin(size_t fields) {
        msgpack_sbuffer_clear(&buffer_);
        msgpack_pack_map(&packer_, fields);
    }
    void number(uint8_t key, uint64_t value) {
        msgpack_pack_uint8(&packer_, key);
        msgpack_pack_uint64(&packer_, value);
    }
    void text(uint8_t key, std::string_view value) {
        msgpack_pack_uint8(&packer_, key);
        msgpack_pack_str(&packer_, value.size());
        msgpack_pack_str_body(&packer_, value.data(), value.size());
    }
    void binary(uint8_t key, const Nonce& value) {
        msgpack_pack_uint8(&packer_, key);
        msgpack_pack_bin(&packer_, value.size());
        msgpack_pack_bin_body(&packer_, value.data(), value.size());
    }
    [[nodiscard]] std::span<const uint8_t> span() const {
        return {reinterpret_cast<const uint8_t*>(buffer_.data), buffer_.size};
    }

  private:
    msgpack_sbuffer buffer_;
    msgpack_packer packer_;
};

void pack(const TaskSubmit& submit, Packer& out) {
    out.begin(submit.priority != 0 ? 3 : 2);
    out.text(field::kTaskType, submit.task_type);
    if (submit.priority != 0) {
        out.number(field::kPriority, static_cast<uint64_t>(submit.priority));
    }
    out.number(field::kDeadline, *submit.deadline_us);
}
void pack(const TaskAssign& assign, Packer& out) {
    out.begin(3);
    out.text(field::kTaskType, assign.task_type);
    out.number(field::kDeadline, *assign.deadline_us);
    out.binary(field::kAttempt, assign.attempt);
}
void pack(const wire::TaskResult& result, Packer& out) {
    out.begin(3);
    out.number(field::kSlotsFree, *result.slots_free);
    out.binary(field::kAttempt, result.attempt);
    out.number(field::kProcessingTime, result.processing_us);
}
void pack(const ResultDelivery& delivery, Packer& out) {
    out.begin(4);
    out.number(field::kProcessingTime, delivery.processing_us);
    out.number(field::kNetworkLatency, delivery.network_latency_us);
    out.number(field::kQueueTime, delivery.queue_us);
    out.number(field::kAttempts, delivery.attempts);
}

// ---- msgpack-c reading them ---------------------------------------------------------------------

class Unpacker {
  public:
    Unpacker() { msgpack_zone_init(&zone_, MSGPACK_ZONE_CHUNK_SIZE); }
    ~Unpacker() { msgpack_zone_destroy(&zone_); }
    Unpacker(const Unpacker&) = delete;
    Unpacker& operator=(const Unpacker&) = delete;

    // Calls f(key, value) for each field; false when it is no map.
    template <class F>
    bool each(std::span<const uint8_t> bytes, F&& f) {
        msgpack_zone_clear(&zone_);
        size_t offset = 0;
        msgpack_object object;
        if (msgpack_unpack(reinterpret_cast<const char*>(bytes.data()), bytes.size(), &offset,
                           &zone_, &object) != MSGPACK_UNPACK_SUCCESS ||
            object.type != MSGPACK_OBJECT_MAP) {
            return false;
        }
        for (uint32_t i = 0; i < object.via.map.size; ++i) {
            const msgpack_object_kv& pair = object.via.map.ptr[i];
            f(pair.key.via.u64, pair.val);
        }
        return true;
    }

  private:
    msgpack_zone zone_;
};

std::string_view text_of(const msgpack_object& value) {
    return {value.via.str.ptr, value.via.str.size};
}
void copy_nonce(const msgpack_object& value, Nonce& nonce) {
    if (value.via.bin.size == nonce.size()) std::memcpy(nonce.data(), value.via.bin.ptr, 16);
}

bool unpack(Unpacker& in, std::span<const uint8_t> bytes, TaskSubmit& out) {
    out = TaskSubmit{};
    return in.each(bytes, [&](uint64_t key, const msgpack_object& value) {
        if (key == field::kTaskType) out.task_type = text_of(value);
        if (key == field::kPriority) out.priority = static_cast<int32_t>(value.via.i64);
        if (key == field::kDeadline) out.deadline_us = value.via.u64;
    });
}
bool unpack(Unpacker& in, std::span<const uint8_t> bytes, TaskAssign& out) {
    out = TaskAssign{};
    return in.each(bytes, [&](uint64_t key, const msgpack_object& value) {
        if (key == field::kTaskType) out.task_type = text_of(value);
        if (key == field::kDeadline) out.deadline_us = value.via.u64;
        if (key == field::kAttempt) copy_nonce(value, out.attempt);
    });
}
bool unpack(Unpacker& in, std::span<const uint8_t> bytes, wire::TaskResult& out) {
    out = wire::TaskResult{};
    return in.each(bytes, [&](uint64_t key, const msgpack_object& value) {
        if (key == field::kSlotsFree) out.slots_free = static_cast<uint32_t>(value.via.u64);
        if (key == field::kAttempt) copy_nonce(value, out.attempt);
        if (key == field::kProcessingTime) out.processing_us = value.via.u64;
    });
}
bool unpack(Unpacker& in, std::span<const uint8_t> bytes, ResultDelivery& out) {
    out = ResultDelivery{};
    return in.each(bytes, [&](uint64_t key, const msgpack_object& value) {
        if (key == field::kProcessingTime) out.processing_us = value.via.u64;
        if (key == field::kNetworkLatency) out.network_latency_us = value.via.u64;
        if (key == field::kQueueTime) out.queue_us = value.via.u64;
        if (key == field::kAttempts) out.attempts = static_cast<uint32_t>(value.via.u64);
    });
}

// ---- the messages -------------------------------------------------------------------------------

Nonce random_nonce(Prng& prng) {
    Nonce nonce;
    for (uint8_t& byte : nonce) byte = static_cast<uint8_t>(prng.next());
    return nonce;
}

void vary(TaskSubmit& submit, Prng& prng) {
    submit.task_type = prng.chance(0.5) ? "echo" : "upscale";
    submit.priority = static_cast<int32_t>(prng.below(4));
    submit.deadline_us = 1'000 + prng.below(500'000);
}
void vary(TaskAssign& assign, Prng& prng) {
    assign.task_type = prng.chance(0.5) ? "echo" : "upscale";
    assign.deadline_us = 1'000 + prng.below(500'000);
    assign.attempt = random_nonce(prng);
}
void vary(wire::TaskResult& result, Prng& prng) {
    result.attempt = random_nonce(prng);
    result.slots_free = static_cast<uint32_t>(prng.below(8));
    result.processing_us = 1 + prng.below(20'000);
}
void vary(ResultDelivery& delivery, Prng& prng) {
    delivery.processing_us = 1 + prng.below(20'000);
    delivery.network_latency_us = 1 + prng.below(20'000);
    delivery.queue_us = 1 + prng.below(1'000);
    delivery.attempts = 1 + static_cast<uint32_t>(prng.below(3));
}

struct Row {
    std::string what;
    double ours_ns;
    double other_ns;  // 0: nothing to compare with
    double bytes;
};

bool equal(std::span<const uint8_t> a, std::span<const uint8_t> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// False when the two sides do not agree.
template <class Envelope>
bool measure(const char* name, std::vector<Row>& rows) {
    Prng prng(7);
    std::array<Envelope, kVariants> messages;
    std::array<std::vector<uint8_t>, kVariants> encoded;
    EnvelopeBuffer buffer, again;
    Packer packer;
    Unpacker unpacker;
    size_t bytes = 0;
    for (size_t i = 0; i < kVariants; ++i) {
        vary(messages[i], prng);
        encode(messages[i], buffer);
        pack(messages[i], packer);
        if (!equal(buffer.span(), packer.span())) return false;
        encoded[i].assign(buffer.span().begin(), buffer.span().end());
        bytes += encoded[i].size();
        Envelope ours, other;
        if (decode(encoded[i], ours) || !unpack(unpacker, encoded[i], other)) return false;
        encode(ours, buffer);
        encode(other, again);
        if (!equal(buffer.span(), encoded[i]) || !equal(again.span(), encoded[i])) return false;
    }
    const double size = static_cast<double>(bytes) / kVariants;
    rows.push_back({std::string(name) + " encode", median_ns([&](size_t count) {
                        for (size_t i = 0; i < count; ++i) {
                            encode(messages[i % kVariants], buffer);
                            keep(buffer);
                        }
                    }),
                    median_ns([&](size_t count) {
                        for (size_t i = 0; i < count; ++i) {
                            pack(messages[i % kVariants], packer);
                            keep(packer);
                        }
                    }),
                    size});
    Envelope into;
    rows.push_back({std::string(name) + " decode", median_ns([&](size_t count) {
                        for (size_t i = 0; i < count; ++i) {
                            keep(decode(encoded[i % kVariants], into));
                            keep(into);
                        }
                    }),
                    median_ns([&](size_t count) {
                        for (size_t i = 0; i < count; ++i) {
                            keep(unpack(unpacker, encoded[i % kVariants], into));
                            keep(into);
                        }
                    }),
                    size});
    return true;
}

// Head, envelope and 64 bytes of data: written, and found again in a stream of such frames.
void measure_frames(std::vector<Row>& rows) {
    Prng prng(9);
    TaskSubmit submit;
    vary(submit, prng);
    EnvelopeBuffer envelope;
    encode(submit, envelope);
    std::vector<uint8_t> stream(kVariants * 256);
    const auto write_one = [&](uint8_t* out, uint64_t id) {
        size_t size = write_frame_start(out, Message::kTaskSubmit, 0, id, envelope.span(), 0);
        size += write_bin_header(out + size, 64);
        return size + 64;
    };
    size_t used = 0;
    for (size_t i = 0; i < kVariants; ++i) used += write_one(stream.data() + used, prng.next());
    const double size = static_cast<double>(used) / kVariants;
    std::vector<uint8_t> out(512);
    rows.push_back({"frame head write", median_ns([&](size_t count) {
                        for (size_t i = 0; i < count; ++i) {
                            keep(write_one(out.data(), i));
                            keep(out);
                        }
                    }),
                    0, size});
    rows.push_back({"frame head parse", median_ns([&](size_t count) {
                        size_t at = 0;
                        for (size_t i = 0; i < count; ++i) {
                            const FrameParse parse =
                                parse_frame({stream.data() + at, used - at}, kLimitsAfterLogin);
                            keep(parse);
                            at += parse.size;
                            if (at == used) at = 0;
                        }
                    }),
                    0, size});
}

bool write_json(const char* path, const std::vector<Row>& rows) {
    FILE* file = std::fopen(path, "w");
    if (!file) {
        std::fprintf(stderr, "codec_bench: cannot write %s\n", path);
        return false;
    }
    std::fprintf(file, "{\"bench\":\"codec\",\"rows\":[");
    for (size_t i = 0; i < rows.size(); ++i) {
        const Row& row = rows[i];
        std::fprintf(file, "%s{\"what\":\"%s\",\"ns\":%.2f,\"bytes\":%.1f", i ? "," : "",
                     row.what.c_str(), row.ours_ns, row.bytes);
        if (row.other_ns > 0) {
            std::fprintf(file, ",\"msgpack_c_ns\":%.2f,\"ratio\":%.3f", row.other_ns,
                         row.ours_ns / row.other_ns);
        }
        std::fprintf(file, "}");
    }
    std::fprintf(file, "]}\n");
    return std::fclose(file) == 0;
}

}  // namespace

int main(int argc, char** argv) {
    const char* json_path = nullptr;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            json_path = argv[++i];
        } else {
            std::fprintf(stderr, "usage: codec_bench [--json FILE]\n");
            return 2;
        }
    }
    std::vector<Row> rows;
    const bool agreed = measure<TaskSubmit>("task_submit", rows) &&
                        measure<TaskAssign>("task_assign", rows) &&
                        measure<wire::TaskResult>("task_result", rows) &&
                        measure<ResultDelivery>("result_delivery", rows);
    if (!agreed) {
        std::fprintf(stderr, "codec_bench: the two sides do not write or read the same\n");
        return 1;
    }
    measure_frames(rows);
    std::printf("%-24s %7s %9s %14s %7s\n", "ns a message", "bytes", "ours", "msgpack-c", "ratio");
    for (const Row& row : rows) {
        std::printf("%-24s %7.1f %9.2f", row.what.c_str(), row.bytes, row.ours_ns);
        if (row.other_ns > 0) {
            std::printf(" %14.2f %7.3f\n", row.other_ns, row.ours_ns / row.other_ns);
        } else {
            std::printf(" %14s %7s\n", "-", "-");
        }
    }
    return json_path && !write_json(json_path, rows) ? 1 : 0;
}
