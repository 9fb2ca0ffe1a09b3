// Contents on their way from a client to its coordinator, and tasks that are computed from one
// here.
#include "model/patches.h"
#include "roles/client_impl.h"
#include "roles/content_inbox.h"

namespace p2c2r::roles {

void Client::Impl::put(std::shared_ptr<const Content> content) {
    contents_.put(std::move(content));
    send_contents();
}

void Client::Impl::drop(const Digest256& digest) {
    const bool is_new = dropped_.insert(digest).second;
    if (contents_.drop(digest)) {
        tell_dropped();
    } else if (is_new) {
        dropped_.erase(digest);
    }
}

// Tasks that refer to one go on, also those that wait here: the coordinator hears of it when they
// have ended. Nobody else has what stayed there.
void Client::Impl::tell_dropped() {
    if (!link_ || !link_->ready()) return;  // then it hears of it when it is there again
    std::erase_if(dropped_, [this](const Digest256& digest) {
        bool is_used = false;
        tasks_.for_each([&](uint64_t, const Task& task) {
            is_used |= task.spec->content && task.spec->content->digest == digest;
        });
        if (is_used) return false;
        if (contents_.is_put(digest)) return true;
        encode(wire::ContentDrop{digest_text(digest)}, envelope_);
        link_->connection().send_copy(wire::Message::kContentDrop, 0, 0, envelope_.span(), {}, {});
        return true;
    });
}

// One at a time, between the tasks. Throws std::bad_alloc; then that one goes when it is asked for.
void Client::Impl::send_contents() {
    if (!link_ || !link_->ready()) return;
    if (contents_.is_sending() && !out_.has(content_stream_)) contents_.sent();
    while (const std::shared_ptr<const Content> content = contents_.next()) {
        ++stats_.contents_sent;
        content_stream_ = kContentIdBit | stats_.contents_sent;
        const Bytes& bytes = content->bytes;
        wire::ContentPut put;
        put.digest = digest_text(content->digest);
        if (needs_chunks(0, bytes.size())) put.sizes = wire::PayloadSizes{0, bytes.size()};
        encode(put, envelope_);
        try {
            out_.send(link_->connection(), wire::Message::kContentPut, 0, content_stream_,
                      envelope_.span(), {}, bytes);
        } catch (const std::bad_alloc&) {
            out_.drop(content_stream_);
            contents_.sent();
            throw;
        }
        if (!out_.has(content_stream_)) contents_.sent();
    }
}

// What the task is computed from, in one piece.
Result<Bytes> Client::Impl::whole_data(const TaskSpec& spec) const {
    if (!spec.content) return spec.data;
    if (spec.data.empty()) return spec.content->bytes;
    return apply_patches(spec.content->bytes.span(), spec.data.span(), options_.memory);
}

bool Client::Impl::on_content_want(const wire::Frame& frame, const char*& why) {
    wire::ContentWant message;
    if ((why = decode(frame.envelope, message))) return false;
    if (!contents_.wanted(digest_of(message.digest))) content_gone(digest_of(message.digest));
    send_contents();
    return true;
}

// A result that stayed had to give way. Nobody has its bytes: the tasks that name it cannot go on.
void Client::Impl::content_gone(const Digest256& digest) {
    for (const uint64_t id : slots_.sorted_keys()) {
        Task* const task = find(id);
        if (!task || !task->sent || !task->spec->content) continue;
        if (!task->spec->content->is_away || task->spec->content->digest != digest) continue;
        send_cancel(*task);
        end_error(*task, Status::kContent, "content", kWhyGone);
    }
}

}  // namespace p2c2r::roles
