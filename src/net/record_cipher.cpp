#include "net/record_cipher.h"

#include <atomic>

namespace p2c2r::net {

namespace {

std::atomic<RecordCipher::Library> wanted{RecordCipher::Library::kIpsecMb};

}  // namespace

std::unique_ptr<RecordCipher> RecordCipher::create(Algorithm algorithm, bool seals) {
    if (wanted.load(std::memory_order_relaxed) == Library::kIpsecMb && has(Library::kIpsecMb)) {
        if (std::unique_ptr<RecordCipher> wide = new_ipsec_mb_cipher(algorithm, seals)) return wide;
    }
    return new_openssl_cipher(algorithm, seals);
}

bool RecordCipher::has(Library library) {
    return library == Library::kOpenssl || can_use_ipsec_mb();
}

void RecordCipher::use(Library library) {
    wanted.store(library, std::memory_order_relaxed);
}

}  // namespace p2c2r::net
