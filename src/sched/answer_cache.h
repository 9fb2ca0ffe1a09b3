// AnswerCache: the same question is computed once. A question is all that an answer depends on
// (type, params, data, content) and who may share it (account, circle). While one task is computed,
// others that ask the same follow it; afterwards its answer is kept for those to come, the one used
// longest ago going first.
//
// For types whose answers are the same bytes wherever they are computed, and worth looking up: that
// is for whoever asks to know. Decides nothing by a hash alone: questions are compared byte by
// byte, and two that share a hash do not share an entry.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/crypto.h"
#include "core/flat_map.h"
#include "core/slot_map.h"
#include "model/payload_coder.h"
#include "model/task.h"
#include "sched/content_store.h"
#include "sched/use_order.h"

namespace p2c2r::sched {

class AnswerCache {
  public:
    // Larger inputs are looked up as contents, whose digest stands for them.
    static constexpr size_t kQuestionSizeMax = 16 * 1024;
    static constexpr uint32_t kEntriesMax = 1u << 16;

    struct Question {
        uint16_t type = 0;
        Circle circle = Circle::kInvited;
        ContentStore::Scope scope = 0;
        const Digest256* content = nullptr;  // NULL: none
        std::span<const uint8_t> params;
        std::span<const uint8_t> data;
        bool may_be_coded = false;  // the answer: who cannot decode does not share with who can
        [[nodiscard]] size_t size() const { return params.size() + data.size(); }
    };
    struct Answer {
        Bytes info;
        Bytes data;
        uint64_t processing_us = 0;
        ContentStore::Scope by = 0;  // whose machine has computed it; 0: nobody's of an account
        Coding coding = Coding::kNone;
        uint64_t plain_info_size = 0;  // of what was coded
        uint64_t plain_data_size = 0;
    };
    struct Stats {
        uint64_t hits = 0;      // answers from here
        uint64_t followed = 0;  // questions that were being answered already
        uint64_t misses = 0;
        uint64_t evicted = 0;
    };

    // Keys are mixed with chance, so that nobody can choose them. bytes_max 0: off.
    AnswerCache(uint64_t bytes_max, RandomSource& random);

    [[nodiscard]] uint64_t bytes_max() const { return bytes_max_; }
    [[nodiscard]] bool is_on() const { return bytes_max_ > 0; }
    // Larger ones are not kept; those who follow are told all the same.
    [[nodiscard]] uint64_t answer_size_max() const { return bytes_max_ / 4; }

    struct Found {
        uint64_t entry = 0;              // 0: nobody asks this
        const Answer* answer = nullptr;  // NULL: it is being computed
    };
    Found find(const Question& question);
    // `task` computes this question, which nobody else does. The entry, or 0: it cannot be shared.
    // Throws std::bad_alloc, and then there is none.
    uint64_t lead(const Question& question, uint64_t task);
    // `task` gets what the leader of this entry gets.
    void follow(uint64_t entry, uint64_t task);
    void unfollow(uint64_t entry, uint64_t task);
    [[nodiscard]] uint64_t leader(uint64_t entry) const { return at(entry).leader; }
    [[nodiscard]] bool has_followers(uint64_t entry) const { return !at(entry).followers.empty(); }

    // The leader has its answer, whose bytes have memory of their own. Who followed it, in order.
    // The entry stays if the answer is small enough, else it is gone.
    std::vector<uint64_t> answered(uint64_t entry, const Answer& answer);
    // The leader has ended without an answer that can be shared: the first that followed it leads
    // now, and is returned; 0: nobody did, and the entry is gone.
    uint64_t give_up(uint64_t entry);
    // What this account has asked, and what its machines have answered.
    void forget_scope(ContentStore::Scope scope);
    // Evicts known answers, the one used longest ago first, until at most so many bytes are left.
    void shrink_to(uint64_t bytes_max);

    [[nodiscard]] uint64_t bytes_held() const { return bytes_; }
    [[nodiscard]] size_t size() const { return entries_.size(); }
    [[nodiscard]] const Stats& stats() const { return stats_; }

  private:
    struct Entry {
        uint64_t key = 0;
        uint16_t type = 0;
        Circle circle = Circle::kInvited;
        bool is_known = false;  // `answer` is there
        bool has_content = false;
        bool may_be_coded = false;
        ContentStore::Scope scope = 0;
        Digest256 content{};
        std::vector<uint8_t> question;  // params, then data
        size_t params_size = 0;
        Answer answer;
        uint64_t leader = 0;
        std::vector<uint64_t> followers;
        uint64_t newer = 0;  // among the known ones
        uint64_t older = 0;
    };
    [[nodiscard]] const Entry& at(uint64_t entry) const;
    [[nodiscard]] Entry& at(uint64_t entry) {
        return const_cast<Entry&>(std::as_const(*this).at(entry));
    }
    [[nodiscard]] uint64_t key_of(const Question& question) const;
    static bool is_same(const Entry& entry, const Question& question);
    static uint64_t weight_of(const Entry& entry);
    void erase(uint64_t id, Entry& entry);

    const uint64_t bytes_max_;
    uint64_t salt_[2] = {};
    SlotMap<Entry> entries_{kEntriesMax};
    FlatMap<uint64_t> by_key_;
    UseOrder order_;
    uint64_t bytes_ = 0;
    Stats stats_;
};

}  // namespace p2c2r::sched
