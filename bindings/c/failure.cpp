#include "bindings/c/failure.h"

#include <cstring>
#include <exception>
#include <system_error>

namespace p2c2r::capi {

namespace {

// Copies as much as fits, never half a UTF-8 character, and a zero behind it.
void copy_text(char* out, size_t room, std::string_view text) noexcept {
    size_t size = text.size();
    if (size >= room) {
        size = room - 1;
        while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
    }
    if (size > 0) std::memcpy(out, text.data(), size);
    std::memset(out + size, 0, room - size);
}

}  // namespace

p2c2r_status fail(p2c2r_error* why, Status status, std::string_view field, std::string_view text,
                  uint32_t retry_after_ms) noexcept {
    if (why) {
        why->status = number_of(status);
        why->retry_after_ms = retry_after_ms;
        copy_text(why->field, sizeof why->field, field);
        copy_text(why->text, sizeof why->text, text);
    }
    return number_of(status);
}

p2c2r_status fail(p2c2r_error* why, const Error& error) noexcept {
    return fail(why, error.status, error.field,
                error.text.empty() ? std::string_view(status_text(error.status))
                                   : std::string_view(error.text),
                error.retry_after_ms);
}

p2c2r_status fail(p2c2r_error* why, Status status) noexcept {
    return fail(why, status, {}, status_text(status));
}

p2c2r_status fail_thrown(p2c2r_error* why) noexcept {
    try {
        throw;
    } catch (const std::bad_alloc&) {
        return fail(why, Status::kMemory);
    } catch (const std::system_error& error) {
        // The system refused a thread or a lock: a limit of the machine, and it may pass.
        return fail(why, Status::kLimit, {}, error.what());
    } catch (const std::exception& error) {
        return fail(why, Status::kInternal, {}, error.what());
    } catch (...) {
        return fail(why, Status::kInternal);
    }
}

Status thrown_status() noexcept {
    return static_cast<Status>(fail_thrown(nullptr));
}

}  // namespace p2c2r::capi
