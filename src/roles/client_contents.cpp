#include "roles/client_contents.h"

#include <algorithm>

namespace p2c2r::roles {

void ClientContents::connected(uint64_t bytes_max) {
    bytes_max_ = bytes_max;
    queue_.clear();
    on_its_way_.reset();
    if (bytes_max == 0) return;
    for (const auto& [digest, known] : known_) {
        if (known.kept && !known.offered) enqueue(known.kept);
    }
}

void ClientContents::put(std::shared_ptr<const Content> content) {
    forget_unused();
    Known& known = known_[content->digest];
    ++known.puts;
    if (content->is_away) {
        // It is there. Whoever has the bytes as well can bring them again.
        known.offered = true;
        if (known.kept) return;
    }
    known.content = content;
    known.kept = content;
    if (!known.offered) enqueue(content);
}

bool ClientContents::drop(const Digest256& digest) {
    const auto found = known_.find(digest);
    if (found == known_.end() || found->second.puts == 0) return false;
    Known& known = found->second;
    if (--known.puts > 0) return false;
    std::erase(queue_, known.kept);
    known.kept.reset();
    const bool was_offered = known.offered;
    known.offered = false;
    if (known.content.expired()) known_.erase(found);
    return was_offered;
}

void ClientContents::refer(const std::shared_ptr<const Content>& content) {
    const auto found = known_.find(content->digest);
    if (found != known_.end() && !found->second.content.expired()) return;
    forget_unused();
    known_[content->digest].content = content;
}

bool ClientContents::wanted(const Digest256& digest) {
    const auto found = known_.find(digest);
    if (found == known_.end()) return true;
    if (const std::shared_ptr<const Content> content = found->second.content.lock()) {
        if (content->is_away) return false;
        enqueue(content);
    }
    return true;
}

void ClientContents::enqueue(const std::shared_ptr<const Content>& content) {
    if (!is_kept_there(*content)) return;
    const auto is_it = [&](const std::shared_ptr<const Content>& other) {
        return other && other->digest == content->digest;
    };
    if (is_it(on_its_way_) || std::any_of(queue_.begin(), queue_.end(), is_it)) return;
    queue_.push_back(content);
}

std::shared_ptr<const Content> ClientContents::next() {
    if (on_its_way_ || queue_.empty()) return nullptr;
    on_its_way_ = std::move(queue_.front());
    queue_.pop_front();
    known_[on_its_way_->digest].offered = true;
    return on_its_way_;
}

void ClientContents::forget_unused() {
    if (known_.size() < looked_through_at_) return;
    std::erase_if(known_, [](const auto& entry) { return entry.second.content.expired(); });
    looked_through_at_ = std::max<size_t>(16, 2 * known_.size());
}

}  // namespace p2c2r::roles
