#include "codec/zstd.h"

#ifdef P2C2R_HAS_ZSTD

#include <zstd.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "model/task.h"

namespace p2c2r::codec {

namespace {

constexpr int kLevel = 1;
// A block holds at most 128 KiB and takes at least four bytes: what claims more is a lie.
constexpr uint64_t kBlockPlainMax = 128 * 1024;
constexpr uint64_t kBlockCodedLeast = 4;
constexpr uint64_t kWindowMax = 8u << 20;
constexpr size_t kSpareMax = 4;

// Contexts are large, and of use again: as many are kept as threads are likely to work at once.
template <class Context>
class Spare {
  public:
    using Free = size_t (*)(Context*);
    Spare(Context* (*make)(), Free free) : make_(make), free_(free) { kept_.reserve(kSpareMax); }
    ~Spare() {
        for (Context* context : kept_) free_(context);
    }
    Spare(const Spare&) = delete;
    Spare& operator=(const Spare&) = delete;

    // One for as long as this lives.
    class Lent {
      public:
        explicit Lent(Spare& from) : from_(from), context_(from.take()) {}
        ~Lent() { from_.give(context_); }
        Lent(const Lent&) = delete;
        Lent& operator=(const Lent&) = delete;
        Context* get() const { return context_; }

      private:
        Spare& from_;
        Context* context_;
    };

  private:
    Context* take() {
        {
            const std::lock_guard lock(mutex_);
            if (!kept_.empty()) {
                Context* const context = kept_.back();
                kept_.pop_back();
                return context;
            }
        }
        if (Context* const made = make_()) return made;
        throw std::bad_alloc();
    }
    void give(Context* context) {
        {
            const std::lock_guard lock(mutex_);
            if (kept_.size() < kSpareMax) return kept_.push_back(context);
        }
        free_(context);
    }

    Context* (*const make_)();
    const Free free_;
    std::mutex mutex_;  // guards kept_
    std::vector<Context*> kept_;
};

Error bad(const std::string& what) {
    return make_error(Status::kContent, "a coded payload " + what);
}

// The window that a frame asks for, from its header (RFC 8878, section 3.1.1.1); the whole content
// where it is a single segment. 0: too short for a header.
uint64_t window_of(std::span<const uint8_t> coded, uint64_t plain_size) {
    if (coded.size() < 6) return 0;
    const uint8_t descriptor = coded[4];
    if (descriptor & 0x20) return std::max<uint64_t>(plain_size, 1);
    const uint64_t base = uint64_t{1} << (10 + (coded[5] >> 3));
    return base + base / 8 * (coded[5] & 7);
}

class ZstdCoder final : public PayloadCoder {
  public:
    Bytes code(std::span<const uint8_t> params, std::span<const uint8_t> data,
               size_t size_most) const override {
        const Spare<ZSTD_CCtx>::Lent lent(coders_);
        ZSTD_CCtx* const context = lent.get();
        const size_t plain_size = params.size() + data.size();
        Buffer out = Buffer::allocate(std::max<size_t>(size_most, 1));
        ZSTD_outBuffer to{out.data(), size_most, 0};
        ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kLevel);
        ZSTD_CCtx_setPledgedSrcSize(context, plain_size);
        ZSTD_inBuffer first{params.data(), params.size(), 0};
        ZSTD_inBuffer second{data.data(), data.size(), 0};
        while (first.pos < first.size) {
            const size_t left = ZSTD_compressStream2(context, &to, &first, ZSTD_e_continue);
            if (ZSTD_isError(left) || to.pos == to.size) return {};
        }
        const size_t left = ZSTD_compressStream2(context, &to, &second, ZSTD_e_end);
        if (left != 0) return {};  // an error, or what does not fit
        return shrunk(std::move(out), to.pos);
    }

    Result<Bytes> decode(std::span<const uint8_t> coded, uint64_t plain_size, uint64_t data_at,
                         const MemoryHook* memory) const override {
        const unsigned long long stated = ZSTD_getFrameContentSize(coded.data(), coded.size());
        if (stated == ZSTD_CONTENTSIZE_ERROR) return bad("is no Zstandard frame");
        if (stated != plain_size) return bad("is not of the size that was announced");
        if (plain_size > limits::kPayloadSizeMax ||
            plain_size > kBlockPlainMax * (coded.size() / kBlockCodedLeast)) {
            return bad("is too small for the size that was announced");
        }
        const uint64_t window = window_of(coded, plain_size);
        if (window == 0 || window > kWindowMax) return bad("asks for a window of more than 8 MiB");
        // One frame and nothing behind it; at once, so that no window is allocated beside it.
        const size_t frame_size = ZSTD_findFrameCompressedSize(coded.data(), coded.size());
        if (frame_size != coded.size()) return bad("is cut, or has something behind its end");
        const Spare<ZSTD_DCtx>::Lent lent(decoders_);
        const uint64_t lead = (kPayloadAlign - data_at % kPayloadAlign) % kPayloadAlign;
        Buffer out = Buffer::allocate(std::max<uint64_t>(lead + plain_size, 1), memory);
        const size_t size = ZSTD_decompressDCtx(lent.get(), out.data() + lead, plain_size,
                                                coded.data(), coded.size());
        if (ZSTD_isError(size)) return bad(std::string("is damaged: ") + ZSTD_getErrorName(size));
        if (size != plain_size) return bad("is not of the size that was announced");
        return std::move(out).freeze(lead + size).slice(lead, size);
    }

  private:
    // What is kept does not hold the memory that it might have needed.
    static Bytes shrunk(Buffer&& out, size_t size) {
        if (size * 2 >= out.capacity()) return std::move(out).freeze(size);
        return Bytes::copy({out.data(), size});
    }

    mutable Spare<ZSTD_CCtx> coders_{ZSTD_createCCtx, ZSTD_freeCCtx};
    mutable Spare<ZSTD_DCtx> decoders_{ZSTD_createDCtx, ZSTD_freeDCtx};
};

}  // namespace

std::unique_ptr<PayloadCoder> make_zstd_coder() {
    return std::make_unique<ZstdCoder>();
}

}  // namespace p2c2r::codec

#else

namespace p2c2r::codec {

std::unique_ptr<PayloadCoder> make_zstd_coder() {
    return nullptr;
}

}  // namespace p2c2r::codec

#endif
