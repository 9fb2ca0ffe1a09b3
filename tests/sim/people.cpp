#include "sim/people.h"

#include <algorithm>

#include "model/base64.h"

namespace p2c2r::sim {

namespace {

constexpr identity::Roles kBoth{true, true, false};
constexpr uint64_t kCodeMs = 24ull * 3'600'000;
// Owners of one machine only are counted from here.
constexpr uint32_t kAlone = 1'000'000;

// An Ed25519 key whose secret half is drawn (RFC 8410).
std::string pem_of(std::span<const uint8_t> secret) {
    std::vector<uint8_t> der = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
    der.insert(der.end(), secret.begin(), secret.end());
    std::string pem = "-----BEGIN PRIVATE KEY-----\n";
    append_base64(pem, der);
    return pem + "\n-----END PRIVATE KEY-----\n";
}

}  // namespace

People::People(const Options& options, Coverage& coverage)
    : options_(options),
      coverage_(coverage),
      prng_(options.seed ^ 0x0C1C'1E50),
      random_(prng_.fork(1)) {}

identity::AccessList* People::open() {
    if (options_.owners == 0) return nullptr;
    list_ = std::make_unique<identity::AccessList>(&store_, nullptr);
    const bool good = store_.text.empty() || list_->read(store_.text).ok();
    return good ? list_.get() : nullptr;
}

std::string People::owner_name(uint32_t owner) const {
    if (owner == 0) return identity::kOperator;
    return owner < kAlone ? "owner-" + std::to_string(owner) : std::string();
}

void People::settle(uint32_t number, const std::string& name, bool is_peer, bool may_limit,
                    const identity::Moment& now) {
    Host& host = hosts_[number];
    host.name = name;
    host.is_peer = is_peer;
    host.may_limit = may_limit;
    host.limited = may_limit && is_peer && prng_.chance(options_.limited_chance);
    if (options_.owners == 0) return;
    // The gaming PC that lends its idle hours and plays: one account, two connections.
    for (const auto& [other, known] : hosts_) {
        if (other == number || known.is_peer == is_peer || !prng_.chance(0.1)) continue;
        host.account = known.account;
        host.credentials = known.credentials;
        return;
    }
    make_account(host, now);
}

void People::settle_again(uint32_t number, const identity::Moment& now) {
    Host& host = hosts_.at(number);
    ++host.lives;
    host.limited = host.may_limit && host.is_peer && prng_.chance(options_.limited_chance);
    make_account(host, now);
}

void People::make_account(Host& host, const identity::Moment& now) {
    Account account;
    const auto owner = static_cast<uint32_t>(prng_.below(options_.owners + 2));
    account.is_alone = owner > options_.owners;
    account.owner = account.is_alone ? kAlone + owners_alone_++ : owner;
    const std::string owner_text = owner_name(account.owner);
    const std::string wish =
        host.lives == 0 ? host.name : host.name + "/" + std::to_string(host.lives);
    auto credentials = std::make_shared<identity::Credentials>();
    const uint64_t method = prng_.below(3);
    if (method == 0) {
        const auto token = list_->add_token(wish, owner_text, kBoth, random_, now);
        credentials->token = *token;
        account.name = wish;
        coverage_.hit(Sometimes::kLoginToken);
    } else {
        identity::SigningKey key = key_of_seed(account.pem);
        account.key = key.public_key();
        if (method == 1) {
            P2C2R_CHECK(list_->add_key(wish, owner_text, kBoth, account.key, now).ok());
            account.name = wish;
            coverage_.hit(Sometimes::kLoginKey);
        } else {
            const auto code = list_->invite(owner_text, kBoth, now.unix_ms + kCodeMs, random_, now);
            credentials->invite = *code;
            coverage_.hit(Sometimes::kLoginCode);
        }
        credentials->key = std::move(key);
    }
    host.account = static_cast<uint32_t>(accounts_.size());
    host.code.reset();
    host.credentials = std::move(credentials);
    accounts_.push_back(std::move(account));
}

identity::SigningKey People::key_of_seed(std::string& pem) {
    std::array<uint8_t, 32> secret;
    random_.fill(secret);
    pem = pem_of(secret);
    return std::move(*identity::SigningKey::from_pem(pem));
}

bool People::give_code(uint32_t number, const identity::Moment& now) {
    Host& host = hosts_.at(number);
    if (options_.owners == 0) return false;
    Account& account = accounts_[host.account];
    const bool may_move = account.is_alone && !account.revoked && !account.pem.empty() &&
                          account.pending_owner == kNobody && !account_name(number).empty();
    if (!may_move) return false;
    account.pending_owner = static_cast<uint32_t>(prng_.below(options_.owners + 1));
    const auto code = list_->invite(owner_name(account.pending_owner), kBoth, now.unix_ms + kCodeMs,
                                    random_, now);
    auto credentials = std::make_shared<identity::Credentials>();
    credentials->key = std::move(*identity::SigningKey::from_pem(account.pem));
    credentials->invite = *code;
    host.credentials = std::move(credentials);
    host.code = *code;
    return true;
}

std::string People::account_name(uint32_t number) const {
    if (options_.owners == 0) return {};
    const Account& account = account_of(number);
    if (!account.name.empty()) return account.name;
    // The list has named it, when its code was used.
    for (const auto& [name, known] : list_->accounts()) {
        if (known.key && *known.key == account.key) return name;
    }
    return {};
}

std::vector<uint32_t> People::hosts_of_account(uint32_t number) const {
    std::vector<uint32_t> hosts;
    for (const auto& [other, host] : hosts_) {
        if (host.account == hosts_.at(number).account) hosts.push_back(other);
    }
    return hosts;
}

void People::revoked(uint32_t number) {
    accounts_[hosts_.at(number).account].revoked = true;
}

void People::registered(uint32_t number, std::span<const uint8_t> token) {
    const auto found = hosts_.find(number);
    if (options_.owners == 0 || found == hosts_.end() || !found->second.code) return;
    // Not one that was on its way from an earlier life of the process.
    const identity::InviteSecret& code = *found->second.code;
    if (token.size() < code.size() || !std::equal(code.begin(), code.end(), token.begin())) return;
    found->second.code.reset();
    Account& account = accounts_[found->second.account];
    account.owner = account.pending_owner;
    account.pending_owner = kNobody;
    account.is_alone = false;
    coverage_.hit(Sometimes::kAccountMoved);
}

uint32_t People::owner_of(uint32_t number) const {
    const auto found = hosts_.find(number);
    if (found == hosts_.end()) return kNobody;
    if (options_.owners > 0) return account_of(number).owner;
    return !found->second.is_peer || found->second.limited ? 0 : kNobody;
}

bool People::share_account(uint32_t number, uint32_t other) const {
    if (number == other) return true;
    const bool known = hosts_.count(number) && hosts_.count(other);
    return options_.owners > 0 && known && &account_of(number) == &account_of(other);
}

bool People::is_revoked(uint32_t number) const {
    return options_.owners > 0 && hosts_.count(number) && account_of(number).revoked;
}

}  // namespace p2c2r::sim
