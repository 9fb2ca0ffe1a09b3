// A PayloadCoder that a test can read: runs of one byte, behind the letters "RUNS".
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "model/payload_coder.h"

namespace p2c2r::test {

class FakeCoder final : public PayloadCoder {
  public:
    Bytes code(std::span<const uint8_t> params, std::span<const uint8_t> data,
               size_t size_most) const override {
        std::vector<uint8_t> out = {'R', 'U', 'N', 'S'};
        for (const auto part : {params, data}) {
            for (size_t at = 0; at < part.size();) {
                size_t end = at + 1;
                while (end < part.size() && end - at < 255 && part[end] == part[at]) ++end;
                out.push_back(static_cast<uint8_t>(end - at));
                out.push_back(part[at]);
                at = end;
            }
        }
        return out.size() > size_most ? Bytes() : Bytes::copy(out);
    }
    Result<Bytes> decode(std::span<const uint8_t> coded, uint64_t plain_size, uint64_t,
                         const MemoryHook* memory) const override {
        std::vector<uint8_t> out;
        const bool is_ours = coded.size() >= 4 && std::memcmp(coded.data(), "RUNS", 4) == 0;
        for (size_t at = 4; is_ours && at + 1 < coded.size(); at += 2) {
            out.insert(out.end(), coded[at], coded[at + 1]);
        }
        if (!is_ours || out.size() != plain_size) {
            return make_error(Status::kContent, "a coded payload is damaged");
        }
        return Bytes::copy(out, memory);
    }
};

}  // namespace p2c2r::test
