#include "cli/contact.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "cli/files.h"
#include "cli/machine.h"
#include "cli/session.h"

namespace p2c2r::cli {

namespace {

constexpr size_t kPinSize = 32;
constexpr size_t kTokenSize = 32;
const std::string kEncrypted = "p2c2r://";
const std::string kPlain = "p2c2r+plain://";

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
        text.pop_back();
    }
    return text;
}

}  // namespace

std::string host_port(const std::string& host, uint32_t port) {
    const bool is_six = host.find(':') != std::string::npos;
    return (is_six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string url_of(const std::string& host, uint32_t port, bool is_encrypted) {
    return (is_encrypted ? kEncrypted : kPlain) + host_port(host, port);
}

std::string host_of(const std::string& url) {
    const size_t begin = url.find("://");
    if (begin == std::string::npos) return {};
    const std::string rest = url.substr(begin + 3);
    if (rest.starts_with('[')) return rest.substr(1, rest.find(']') - 1);
    return rest.substr(0, rest.find_first_of(":/"));
}

bool read_hex(const std::string& text, std::vector<uint8_t>& out, size_t size) {
    out.clear();
    if (text.size() != 2 * size) return false;
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    };
    for (size_t i = 0; i < size; ++i) {
        const int high = digit(text[2 * i]);
        const int low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out.push_back(static_cast<uint8_t>(high << 4 | low));
    }
    return true;
}

void ContactOptions::add_to(Command& command) {
    command.add_text("--coordinator", coordinator,
                     std::string("p2c2r://host[:port] or p2c2r+plain://host[:port] "
                                 "(P2C2R_COORDINATOR_URL, else the one joined last, else ") +
                         kDefaultUrl + ")");
    command.add_text("--server-pin", server_pin,
                     "SHA-256 of the coordinator's public key, 64 hexadecimal digits");
    command.add_text("--ca-file", ca_file, "Authorities that vouch for the coordinator, PEM");
    command.add_text("--identity-file", identity_file, "Private key to log in with, PEM");
    command.add_text("--token-file", token_file,
                     "File with a token to log in with, 64 hexadecimal digits");
    command.add_flag("--plaintext-anywhere", plaintext_anywhere,
                     "Allow plaintext with an address that is not loopback");
}

Outcome Contact::take_pin(const std::string& hex) {
    std::vector<uint8_t> bytes;
    if (!read_hex(hex, bytes, kPinSize)) {
        return usage_failure("--server-pin: '" + hex.substr(0, 80) +
                             "' is not 64 hexadecimal digits");
    }
    std::copy(bytes.begin(), bytes.end(), pin_.begin());
    return std::nullopt;
}

std::string Contact::pin_hex() const {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const uint8_t byte : pin_) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

std::string Contact::urls() const {
    std::string all;
    for (const std::string& url : urls_) all += (all.empty() ? "" : ",") + url;
    return all;
}

std::vector<std::string> Contact::hosts_elsewhere() const {
    std::vector<std::string> hosts;
    for (const std::string& url : urls_) {
        const std::string host = host_of(url);
        if (is_loopback(host)) return {};
        hosts.push_back(host);
    }
    return hosts;
}

// What cannot be written down is tried in the old order: no reason to fail.
void Contact::remember(const std::string& answered) const {
    if (urls_.size() < 2 || answered.empty()) return;
    (void)remember_place(kEncrypted + answered, pin_hex());
}

void Contact::set_places(std::vector<std::string> urls, const std::array<uint8_t, 32>& pin,
                         std::string identity_file) {
    urls_ = std::move(urls);
    pin_ = pin;
    identity_file_ = std::move(identity_file);
}

Result<Contact> Contact::resolve(const ContactOptions& options) {
    Contact contact;
    contact.plaintext_anywhere_ = options.plaintext_anywhere;
    const char* from_environment = std::getenv("P2C2R_COORDINATOR_URL");
    std::optional<std::string> url = options.coordinator;
    if (!url && from_environment && *from_environment) url = from_environment;
    const Result<std::vector<Joined>> joined = joined_coordinators();
    if (!joined) return joined.failure();
    const auto known = std::find_if(joined->begin(), joined->end(), [&](const Joined& entry) {
        return !url || std::count(entry.urls.begin(), entry.urls.end(), *url) > 0;
    });
    if (known != joined->end()) {
        if (!url) contact.urls_ = known->urls;
        if (!known->pin.empty()) {
            if (Outcome bad = contact.take_pin(known->pin)) return *bad;
        }
        const Result<std::string> folder = machine_folder();
        if (!folder) return folder.failure();
        contact.identity_file_ = join_path(*folder, "identity.pem");
        contact.reach_ = known->reach;
        contact.may_send_ = known->gamer && !options.token_file && !options.identity_file;
    }
    if (url) contact.urls_ = {*url};
    if (contact.url().empty()) contact.urls_ = {kDefaultUrl};
    if (options.server_pin) {
        if (Outcome bad = contact.take_pin(*options.server_pin)) return *bad;
    }
    if (options.ca_file) {
        contact.ca_file_ = *options.ca_file;
        if (!options.server_pin) contact.pin_ = {};
    }
    if (options.identity_file) contact.identity_file_ = *options.identity_file;
    if (options.token_file) {
        const Result<std::string> text = read_private_file(*options.token_file);
        if (!text) return usage_failure(text.failure().text);
        if (!read_hex(trimmed(*text), contact.token_, kTokenSize)) {
            return usage_failure("'" + *options.token_file + "' is not 64 hexadecimal digits");
        }
    }
    return contact;
}

const p2c2r_credentials* Contact::credentials() {
    const bool has_pin =
        std::any_of(pin_.begin(), pin_.end(), [](uint8_t byte) { return byte != 0; });
    if (!has_pin && ca_file_.empty() && identity_file_.empty() && token_.empty()) return nullptr;
    credentials_ = {};
    credentials_.struct_size = sizeof credentials_;
    std::memcpy(credentials_.server_pin, pin_.data(), pin_.size());
    credentials_.ca_file = ca_file_.empty() ? nullptr : ca_file_.c_str();
    credentials_.identity_file = identity_file_.empty() ? nullptr : identity_file_.c_str();
    credentials_.token = token_.empty() ? nullptr : token_.data();
    credentials_.token_size = token_.size();
    credentials_.invite = invite_.empty() ? nullptr : invite_.data();
    credentials_.invite_size = invite_.size();
    return &credentials_;
}

}  // namespace p2c2r::cli
