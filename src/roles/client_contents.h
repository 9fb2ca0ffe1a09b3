// ClientContents: the contents of one client, and which of them are to go to the coordinator next.
// They go one after the other, so that the first is there early; each goes when it was put, and
// again whenever the coordinator asks for it.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "core/crypto.h"
#include "model/task.h"

namespace p2c2r::roles {

class ClientContents {
  public:
    // The coordinator of this connection keeps so many bytes of contents; 0: none, or no
    // connection. What was on its way is lost; what has never gone is next.
    void connected(uint64_t bytes_max);
    void disconnected() { connected(0); }
    // Whether tasks refer to this one rather than bringing its bytes along.
    [[nodiscard]] bool is_kept_there(const Content& content) const {
        return content.is_away || (bytes_max_ > 0 && content.bytes.size() <= bytes_max_);
    }

    void put(std::shared_ptr<const Content> content);
    // True: that was the last put of it, and a coordinator knows of it.
    bool drop(const Digest256& digest);
    // Again, since then.
    [[nodiscard]] bool is_put(const Digest256& digest) const {
        const auto found = known_.find(digest);
        return found != known_.end() && found->second.puts > 0;
    }
    // A task refers to it: whatever else happens, it can be asked for until that has ended.
    void refer(const std::shared_ptr<const Content>& content);
    // The coordinator asks for it. False: its bytes lay there alone, and it is gone.
    bool wanted(const Digest256& digest);

    // What is to be sent now, or NULL. It counts as on its way until sent() is called.
    std::shared_ptr<const Content> next();
    void sent() { on_its_way_.reset(); }
    [[nodiscard]] bool is_sending() const { return on_its_way_ != nullptr; }

  private:
    struct Known {
        std::weak_ptr<const Content> content;
        std::shared_ptr<const Content> kept;  // while it is put
        uint32_t puts = 0;
        bool offered = false;  // has gone to a coordinator, or begun to
    };
    void enqueue(const std::shared_ptr<const Content>& content);
    void forget_unused();

    std::map<Digest256, Known> known_;
    std::deque<std::shared_ptr<const Content>> queue_;
    std::shared_ptr<const Content> on_its_way_;
    uint64_t bytes_max_ = 0;
    size_t looked_through_at_ = 16;  // when there are so many, unused ones are forgotten
};

}  // namespace p2c2r::roles
