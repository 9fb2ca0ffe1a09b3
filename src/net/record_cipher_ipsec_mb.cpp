// AES-GCM of Intel's Multi-Buffer Crypto library: its "direct" functions, which take a key, the
// state of one record and bytes, and are done when they return. They write to nothing else but one
// error word of the process, to which they all set zero and which nobody here reads, so any number
// of threads may be in them; the multi-buffer manager they come from is only needed to choose them.
//
// Only their forms for AVX-512 are used: those for narrower vectors gain a tenth over OpenSSL's.
#include "net/record_cipher.h"

#ifndef P2C2R_HAS_IPSEC_MB

namespace p2c2r::net {

bool can_use_ipsec_mb() {
    return false;
}
std::unique_ptr<RecordCipher> new_ipsec_mb_cipher(RecordCipher::Algorithm, bool) {
    return nullptr;
}

}  // namespace p2c2r::net

#else

#define NO_COMPAT_IMB_API_053  // its old names are those of OpenSSL's functions
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

#include <new>

#include "core/crypto.h"

namespace p2c2r::net {

namespace {

using Algorithm = RecordCipher::Algorithm;

struct Functions {
    decltype(IMB_MGR::gcm128_pre) expand_key = nullptr;
    decltype(IMB_MGR::gcm128_init) begin = nullptr;
    decltype(IMB_MGR::gcm128_enc_update) seal = nullptr;
    decltype(IMB_MGR::gcm128_dec_update) open = nullptr;
    decltype(IMB_MGR::gcm128_enc_finalize) finish_seal = nullptr;
    decltype(IMB_MGR::gcm128_dec_finalize) finish_open = nullptr;
};

// The library looks at the processor only. The system has to keep the wide registers, too.
bool system_keeps_wide_registers() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") != 0;
}

struct Choice {
    bool usable = false;
    Functions aes128;
    Functions aes256;

    Choice() {
        if (!system_keeps_wide_registers()) return;
        const std::unique_ptr<IMB_MGR, decltype(&free_mb_mgr)> manager(alloc_mb_mgr(0),
                                                                       free_mb_mgr);
        if (!manager) throw std::bad_alloc();
        constexpr uint64_t kNeeded = IMB_CPUFLAGS_AVX512_T2;
        if ((manager->features & kNeeded) != kNeeded) return;
        init_mb_mgr_avx512(manager.get());
        usable = imb_get_errno(manager.get()) == 0 &&
                 (manager->features & IMB_FEATURE_SELF_TEST_PASS) != 0;
        aes128 = {manager->gcm128_pre,          manager->gcm128_init,
                  manager->gcm128_enc_update,   manager->gcm128_dec_update,
                  manager->gcm128_enc_finalize, manager->gcm128_dec_finalize};
        aes256 = {manager->gcm256_pre,          manager->gcm256_init,
                  manager->gcm256_enc_update,   manager->gcm256_dec_update,
                  manager->gcm256_enc_finalize, manager->gcm256_dec_finalize};
    }
};

const Choice& choice() {
    static const Choice made;
    return made;
}

class IpsecMbCipher final : public RecordCipher {
  public:
    IpsecMbCipher(const Functions& functions, bool seals)
        : functions_(functions), update_(seals ? functions.seal : functions.open) {}
    ~IpsecMbCipher() override {
        OPENSSL_cleanse(&key_, sizeof key_);
        OPENSSL_cleanse(&record_, sizeof record_);
    }

    void set_key(const uint8_t* key) override { functions_.expand_key(key, &key_); }

    bool begin(const uint8_t* nonce, std::span<const uint8_t> head) override {
        functions_.begin(&key_, &record_, nonce, head.data(), head.size());
        return true;
    }

    bool update(const uint8_t* from, uint8_t* to, size_t size) override {
        if (size > 0) update_(&key_, &record_, to, from, size);
        return true;
    }

    bool finish_seal(uint8_t* tag) override {
        functions_.finish_seal(&key_, &record_, tag, kTagSize);
        return true;
    }

    bool finish_open(const uint8_t* tag) override {
        uint8_t expected[kTagSize];
        functions_.finish_open(&key_, &record_, expected, kTagSize);
        return equal_constant_time(expected, {tag, kTagSize});
    }

  private:
    const Functions& functions_;
    const decltype(Functions::seal) update_;
    alignas(64) gcm_key_data key_{};  // which the library's header says to its own build only
    gcm_context_data record_{};
};

}  // namespace

bool can_use_ipsec_mb() {
    return choice().usable;
}

std::unique_ptr<RecordCipher> new_ipsec_mb_cipher(Algorithm algorithm, bool seals) {
    if (algorithm == Algorithm::kChacha20Poly1305) return nullptr;
    const Choice& made = choice();
    return std::make_unique<IpsecMbCipher>(
        algorithm == Algorithm::kAes128Gcm ? made.aes128 : made.aes256, seals);
}

}  // namespace p2c2r::net

#endif
