// What the configs say of keys, certificates and logins: files read, TLS settings made.
#pragma once

#include <memory>
#include <string>

#include "core/status.h"
#include "identity/access_list.h"
#include "identity/login.h"
#include "identity/secret_file.h"
#include "model/params_reader.h"
#include "net/tls.h"

namespace p2c2r::capi {

// Errors name the field of the config. kState: the certificate's time is over.
Result<std::shared_ptr<net::TlsContext>> load_server_tls(const std::string& certificate_file,
                                                         const std::string& key_file,
                                                         uint64_t unix_seconds);
// The same files once more, for connections to come.
Result<Done> reload_server_tls(net::TlsContext& tls, const std::string& certificate_file,
                               const std::string& key_file, uint64_t unix_seconds);

// A coordinator's access list with the files that it is kept in.
struct AccessGuard {
    // Read, or made empty when it is not there; field "access_file".
    static Result<std::unique_ptr<AccessGuard>> open(const std::string& access_file,
                                                     const std::string& audit_file);
    AccessGuard(const std::string& access_file, const std::string& audit_file)
        : file(access_file),
          audit(audit_file),
          list(&file, audit_file.empty() ? nullptr : &audit) {}

    std::unique_ptr<identity::FileLock> lock;  // so long as this lives
    identity::AccessFile file;
    identity::AuditFile audit;
    identity::AccessList list;
};

struct CoordinatorSecurity {
    std::string certificate_file;
    std::string key_file;
    std::unique_ptr<AccessGuard> guard;
};

// The calls "keys.new", "keys.certificate" and "keys.show": {"public_key", "pin"}; "keys.renew"
// says "renewed" and "valid_until_s" as well.
Result<Bytes> keys_new(ParamsReader& reader, uint64_t unix_seconds);
Result<Bytes> keys_certificate(ParamsReader& reader, uint64_t unix_seconds);
Result<Bytes> keys_renew(ParamsReader& reader, uint64_t unix_seconds);
Result<Bytes> keys_show(ParamsReader& reader);

}  // namespace p2c2r::capi
