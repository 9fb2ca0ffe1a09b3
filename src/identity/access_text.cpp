// The access list as JSON text, which people may read and back up: keys and hashes in hex, times in
// milliseconds of Unix time.
#include <algorithm>

#include "core/utf8.h"
#include "identity/access_list.h"
#include "model/params_reader.h"
#include "model/value_json.h"
#include "model/value_writer.h"

namespace p2c2r::identity {

namespace {

constexpr size_t kHexSize = 64;
constexpr size_t kTextMax = 64;

// Where the text is not 64 hex digits it is an error of `name`.
std::array<uint8_t, 32> read_hex(ParamsReader& reader, std::string_view name) {
    std::array<uint8_t, 32> bytes{};
    if (!from_hex(reader.text(name, kHexSize), bytes)) {
        reader.fail(name, "is not 64 hexadecimal digits");
    }
    return bytes;
}

Roles read_roles_of(ParamsReader& reader) {
    const std::string_view text = reader.text("roles", kTextMax);
    const std::optional<Roles> roles = read_roles(text);
    if (!roles) reader.fail("roles", "names other roles than gamer, peer and admin, or none");
    return roles.value_or(Roles{});
}

AddressRule read_from(ParamsReader& reader, std::string_view name) {
    const std::string_view text = reader.text(name, AddressRule::kTextMax, "first");
    const std::optional<AddressRule> rule = AddressRule::read(text);
    if (!rule) reader.fail(name, "is not any, first, or up to 16 address prefixes");
    return rule.value_or(AddressRule{});
}

std::vector<std::string> read_peer_ids(ParamsReader& reader) {
    std::vector<std::string> ids;
    const std::optional<Value> array =
        reader.array("peer_ids", static_cast<uint32_t>(AccessList::kPeerIdsMax), false);
    if (!array) return ids;
    for (const Value item : array->items()) {
        const std::optional<std::string_view> id = item.text();
        if (!id || id->empty() || id->size() > limits::kIdLengthMax || !is_name_text(*id)) {
            reader.fail("peer_ids", "holds what is no peer_id");
            break;
        }
        ids.emplace_back(*id);
    }
    return ids;
}

uint64_t read_time(ParamsReader& reader, std::string_view name, std::optional<int64_t> fallback) {
    return static_cast<uint64_t>(reader.integer(name, 0, int64_t{1} << 53, fallback));
}

}  // namespace

std::string AccessList::text() const {
    ValueWriter writer;
    writer.map(3).key("version").integer(1).key("accounts");
    writer.array(static_cast<uint32_t>(accounts_.size()));
    for (const auto& [name, account] : accounts_) {
        const bool ruled = account.token_hash && !account.from.is_first();
        const bool helps = !account.peer_ids.empty();
        writer.map(6u + (ruled ? 1u : 0u) + (helps ? 1u : 0u))
            .key("name")
            .text(name)
            .key("owner")
            .text(account.owner);
        writer.key("roles").text(roles_text(account.roles));
        if (account.key) {
            writer.key("key").text(to_hex(*account.key));
        } else {
            writer.key("token_sha256").text(to_hex(*account.token_hash));
        }
        writer.key("added_ms").unsigned_integer(account.added_ms);
        writer.key("revoked_ms").unsigned_integer(account.revoked_ms);
        if (ruled) writer.key("from").text(account.from.text());
        if (!helps) continue;
        writer.key("peer_ids").array(static_cast<uint32_t>(account.peer_ids.size()));
        for (const std::string& id : account.peer_ids) writer.text(id);
    }
    writer.key("invitations").array(static_cast<uint32_t>(invitations_.size()));
    for (const Invitation& open : invitations_) {
        const bool is_out = open.withdrawn_ms != 0;
        writer.map(7u + (is_out ? 1u : 0u)).key("secret_sha256").text(to_hex(open.secret_hash));
        writer.key("name").text(open.name).key("made_ms").unsigned_integer(open.made_ms);
        writer.key("by").text(open.by);
        writer.key("owner").text(open.owner).key("roles").text(roles_text(open.roles));
        writer.key("until_ms").unsigned_integer(open.until_ms);
        if (is_out) writer.key("withdrawn_ms").unsigned_integer(open.withdrawn_ms);
    }
    const Bytes encoded = writer.take();
    return *value_to_json(encoded.span()) + "\n";
}

Result<Done> AccessList::read(std::string_view text) {
    const Result<Bytes> encoded = json_to_value(text);
    if (!encoded) return make_error(Status::kArgument, encoded.error().text);
    ParamsReader reader(encoded->span());
    (void)reader.integer("version", 1, 1);
    AccessList fresh(nullptr, nullptr);
    for (ParamsReader entry : reader.maps("accounts", kAccountsMax)) {
        Account account;
        account.name = entry.text("name", kTextMax);
        account.owner = entry.text("owner", kTextMax);
        account.roles = read_roles_of(entry);
        if (entry.has("key")) {
            account.key = read_hex(entry, "key");
            if (fresh.by_key_.count(*account.key)) entry.fail("key", "is there twice");
        } else {
            account.token_hash = read_hex(entry, "token_sha256");
            account.from = read_from(entry, "from");
        }
        account.added_ms = read_time(entry, "added_ms", std::nullopt);
        account.revoked_ms = read_time(entry, "revoked_ms", 0);
        account.peer_ids = read_peer_ids(entry);
        for (const std::string& id : account.peer_ids) {
            if (account.revoked_ms == 0 && fresh.by_peer_id_.count(id)) {
                entry.fail("peer_ids", "holds an id of two accounts");
            }
        }
        entry.done();
        if (!reader.ok()) break;
        if (const Result<Done> added = fresh.add(std::move(account)); !added) {
            entry.fail(added.error().field, added.error().text);
        }
    }
    for (ParamsReader entry : reader.maps("invitations", kInvitationsMax, false)) {
        Invitation open;
        open.secret_hash = read_hex(entry, "secret_sha256");
        open.owner = entry.text("owner", kTextMax);
        open.roles = read_roles_of(entry);
        open.until_ms = read_time(entry, "until_ms", std::nullopt);
        open.by = entry.text("by", kTextMax, "");
        open.name = entry.text("name", kTextMax, "");
        if (open.name.empty()) open.name = invitation_name(open.secret_hash);
        open.made_ms = read_time(entry, "made_ms", 0);
        open.withdrawn_ms = read_time(entry, "withdrawn_ms", 0);
        entry.done();
        if (!reader.ok()) break;
        fresh.invitations_.push_back(std::move(open));
    }
    if (const Result<Done> good = reader.finish(); !good) {
        return field_error(Status::kArgument, good.error().field, good.error().text);
    }
    accounts_ = std::move(fresh.accounts_);
    by_key_ = std::move(fresh.by_key_);
    by_token_ = std::move(fresh.by_token_);
    by_peer_id_ = std::move(fresh.by_peer_id_);
    invitations_ = std::move(fresh.invitations_);
    return Done{};
}

}  // namespace p2c2r::identity
