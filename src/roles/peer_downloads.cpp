// Contents on their way to a peer, and the tasks that wait for them.
#include "core/plant.h"
#include "model/patches.h"
#include "roles/peer_impl.h"

namespace p2c2r::roles {

void Peer::Impl::await_content(uint64_t slot, Job& job) {
    job.state = Job::State::kLacking;
    job.payload.own();
    contents_.wait_for(job.digest, slot);
    ask_contents();
}

// Not while tasks are handed back: those that wait for contents are among them.
void Peer::Impl::ask_contents() {
    if (!link_->ready() || !takes()) return;
    while (const uint64_t slot = contents_.next_asker()) {
        const Job& job = *jobs_.find(slot);
        encode(wire::ContentWant{digest_text(job.digest)}, envelope_);
        link_->connection().send_copy(wire::Message::kContentWant, 0, job.id, envelope_.span(), {},
                                      {});
    }
}

void Peer::Impl::release_content(uint64_t slot, Job& job) {
    job.has_content = false;
    if (job.content != 0) {
        contents_.let_go(std::exchange(job.content, 0));
    } else {
        contents_.leave(job.digest, slot);
    }
    ask_contents();
}

bool Peer::Impl::change_content(uint64_t slot, Job& job) {
    const Bytes& content = contents_.bytes(job.content);
    if (job.payload.data.empty() || P2C2R_PLANT("delta_not_applied")) {
        job.payload.data = content;
        return true;
    }
    Result<Bytes> changed = apply_patches(content.span(), job.payload.data.span(), options_.memory);
    if (changed) {
        job.payload.data = std::move(*changed);
        return true;
    }
    const Error& why = changed.error();
    answer(job, why.status, why.field, why.text, 0, 0);
    ++stats_.failed;
    forget(slot);
    return false;
}

bool Peer::Impl::on_content(const wire::Frame& frame, const char*& why) {
    const ContentInbox::Taken taken = contents_.take(frame);
    switch (taken.state) {
        case ContentInbox::State::kMore:
        case ContentInbox::State::kIgnored:
            owner_->data_moved();
            return true;
        case ContentInbox::State::kBroken:
            why = contents_.why();
            return false;
        case ContentInbox::State::kWhole:
        case ContentInbox::State::kForged:
        case ContentInbox::State::kRefused:
            break;
    }
    const std::vector<uint64_t> slots = contents_.take_waiting(taken.stated);
    // All of them pin it before the first one runs, and perhaps ends.
    for (const uint64_t slot : slots) {
        if (taken.state != ContentInbox::State::kWhole) break;
        jobs_.find(slot)->content = contents_.use(taken.stated);
    }
    for (const uint64_t slot : slots) {
        // The end of a short one may be where the owner wants the machine back: the others went.
        Job* const job = jobs_.find(slot);
        if (!job) continue;
        if (job->content != 0) {
            (void)ready(slot, *job);
            continue;
        }
        const bool forged = taken.state == ContentInbox::State::kForged;
        answer_error(*job, forged ? Status::kContent : Status::kBusy,
                     forged ? "the content's bytes are not of its digest"
                            : "this peer has no room for the content of the task");
        ++stats_.failed;
        forget(slot);
    }
    owner_->data_moved();
    ask_contents();
    return true;
}

}  // namespace p2c2r::roles
