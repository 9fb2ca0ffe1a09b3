// Results that stay: the data of a task's result become a content here, as if its gamer had put
// them, and he is told their digest and size. A later task of his names them as its data, and runs
// where they are: at the peer that made them, which keeps small ones too.
//
// They last as long as their gamer does, and no longer than there is room for them: like any
// content they give way, and a task that names one which is gone ends as E_CONTENT, since its gamer
// has no bytes to bring again.
#include <algorithm>

#include "core/plant.h"
#include "model/params_reader.h"
#include "model/value_writer.h"
#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

// ---- on its way --------------------------------------------------------------------------------

bool Coordinator::Impl::begin_staying(Relay& relay, const wire::PayloadSizes& sizes,
                                      const wire::Frame& frame) {
    const uint64_t size = sizes.params_size + sizes.data_size;
    const uint64_t enough = options_.memory_max / 10 * 9;
    if (sizes.data_size > contents_.scope_bytes_max()) return false;
    if (budget_bytes() + size > enough) give_way(enough - std::min(enough, size));
    if (budget_bytes() + size > enough) return false;
    auto staying = std::make_unique<Staying>();
    staying->data = Buffer::allocate(sizes.data_size);
    staying->size = size;
    add_staying(*staying, frame);
    relay.staying = std::move(staying);
    collecting_bytes_ += size;
    relay.result_open = false;
    return true;
}

void Coordinator::Impl::add_staying(Staying& staying, const wire::Frame& frame) {
    if (P2C2R_PLANT("stays_cut_short") && staying.data_size > 0) return;
    staying.info.insert(staying.info.end(), frame.params.begin(), frame.params.end());
    const size_t room = staying.data.capacity() - staying.data_size;
    const std::span<const uint8_t> piece = frame.data.first(std::min(room, frame.data.size()));
    copy_run(staying.data.data() + staying.data_size, piece.data(), piece.size());
    staying.digest.add(piece);
    staying.data_size += piece.size();
}

// ---- kept --------------------------------------------------------------------------------------

// 0: it finds no room.
uint64_t Coordinator::Impl::keep_result(Gamer& gamer, const Digest256& digest, const Bytes& data) {
    const uint64_t enough = options_.memory_max / 10 * 9;
    if (budget_bytes() + data.size() > enough) give_way(enough - std::min(enough, data.size()));
    if (budget_bytes() + data.size() > enough) return 0;
    // As many as the store has at most: of those it has evicted nothing need be known.
    if (gamer.residents.size() >= sched::ContentStore::kEntriesMax) forget_evicted(gamer);
    // Before it is there: without the memory for its name nobody would ever let it go.
    const bool is_new = note_resident(gamer, digest);
    const uint64_t entry = contents_.add(digest, data.owned(), gamer.scope);
    if (entry == 0 && is_new) forget_resident(gamer, digest);
    return entry;
}

// ---- whose they are ----------------------------------------------------------------------------

// Gamers of one account may have results of the same bytes, which are one content.
bool Coordinator::Impl::note_resident(Gamer& gamer, const Digest256& digest) {
    const auto use = resident_uses_.try_emplace({digest, gamer.scope}, 0).first;
    try {
        const bool is_new = gamer.residents.insert(digest).second;
        use->second += is_new;
        return is_new;
    } catch (...) {
        if (use->second == 0) resident_uses_.erase(use);
        throw;
    }
}

void Coordinator::Impl::forget_resident(Gamer& gamer, const Digest256& digest) noexcept {
    if (gamer.residents.erase(digest) == 0) return;
    const auto use = resident_uses_.find({digest, gamer.scope});
    if (--use->second == 0) resident_uses_.erase(use);
}

void Coordinator::Impl::forget_evicted(Gamer& gamer) {
    const std::vector<Digest256> all(gamer.residents.begin(), gamer.residents.end());
    for (const Digest256& digest : all) {
        if (!contents_.has(digest, gamer.scope)) forget_resident(gamer, digest);
    }
}

// What others of the account have as results of theirs stays: nobody could bring it again.
void Coordinator::Impl::let_content_go(Gamer& gamer, const Digest256& digest) noexcept {
    forget_resident(gamer, digest);
    if (!resident_uses_.count({digest, gamer.scope})) contents_.drop(digest, gamer.scope);
}

// ---- told --------------------------------------------------------------------------------------

void Coordinator::Impl::tell_resident(const Relay& relay, wire::ResultDelivery&& delivery,
                                      const Bytes& info, const Bytes& data, const Digest256& digest,
                                      uint64_t holder) {
    Gamer* const gamer = gamers_.find(relay.gamer);
    if (!gamer) return;
    // Here the coordinator is the last receiver.
    if (delivery.checksum && *delivery.checksum != payload_checksum(info, data)) {
        return answer_error(*gamer, relay.client_task, Status::kContent, {},
                            "the checksum of the result does not match its bytes");
    }
    delivery.checksum.reset();
    const uint64_t entry = keep_result(*gamer, digest, data);
    if (entry != 0) {
        const sched::PeerRecord* const peer = scheduler_.peers().find(holder);
        if (peer && data.size() <= std::min(peer->content_bytes, limits::kOwnResultKeptMax)) {
            contents_.note_holder(entry, holder);
        }
        delivery.digest = digest;
        delivery.content_size = data.size();
    }
    const Bytes none;
    const Bytes& told = entry != 0 ? none : data;
    delivery.sizes.reset();
    if (needs_chunks(info.size(), told.size())) {
        delivery.sizes = wire::PayloadSizes{info.size(), told.size()};
    }
    encode(delivery, envelope_);
    deliver(*gamer, relay.client_task, 0, info, told);
}

void Coordinator::Impl::tell_staying(const Relay& relay, wire::ResultDelivery&& delivery,
                                     Staying&& whole, uint64_t holder) {
    const Bytes data = std::move(whole.data).freeze(whole.data_size);
    tell_resident(relay, std::move(delivery), Bytes::copy(whole.info), data, whole.digest.finish(),
                  holder);
}

// ---- for who wants the bytes -------------------------------------------------------------------

Result<Bytes> Coordinator::Impl::call_content(ParamsReader& reader, std::string* text,
                                              const Session* asker) {
    const std::span<const uint8_t> name = reader.bytes("digest", sizeof(Digest256));
    if (auto good = reader.finish(); !good) return good.error();
    Digest256 digest{};
    if (name.size() != digest.size()) {
        return field_error(Status::kParams, "digest", "digest must be 32 bytes");
    }
    copy_run(digest.data(), name.data(), name.size());
    const Gamer* const gamer = asker ? gamers_.find(asker->gamer) : nullptr;
    if (!gamer) return make_error(Status::kDenied, "contents are their gamers' alone");
    const uint64_t entry = contents_.find(digest, gamer->scope);
    if (entry == 0) {
        return field_error(Status::kContent, "digest",
                           "this gamer has no such content here, or not any more");
    }
    const Bytes& bytes = contents_.bytes(entry);
    const uint64_t enough = options_.memory_max / 10 * 9;
    if (budget_bytes() + bytes.size() > enough) {
        // What nobody uses makes way, but not for a copy of itself.
        contents_.pin(entry);
        give_way(enough - std::min<uint64_t>(enough, bytes.size()));
        contents_.unpin(entry);
    }
    if (budget_bytes() + bytes.size() > enough) {
        Error busy = field_error(Status::kBusy, "memory",
                                 "the coordinator holds as many payload bytes as it may");
        busy.retry_after_ms = kRetryAfterMs;
        return busy;
    }
    if (text) text->assign(bytes.text());
    ValueWriter writer;
    writer.map(1).key("size").unsigned_integer(bytes.size());
    return writer.take();
}

}  // namespace p2c2r::roles
