// Reads the named fields of a task's params. The first thing that is wrong sticks: reading goes on
// with stand-ins, and finish() tells what it was, which field and how much, so an executor reads
// all its fields in a row and asks once.
//
//   ParamsReader reader(job.params.span());
//   const uint32_t passes = uint32_t(reader.integer("passes", 1, 64, 8));      // 8 if absent
//   const double step = reader.number("timestep", 0, 1);                       // required
//   const std::string_view quality = reader.choice("quality", {"fast", "balanced"}, "balanced");
//   for (ParamsReader sphere : reader.maps("spheres", 1000)) { ... sphere.done(); }
//   if (Result<Done> good = reader.finish(); !good) return job.fail(good.error());
//
// An integer is accepted for a float and a whole float for an integer. Views point into the params,
// which MUST outlive them. Nothing is allocated unless something is wrong. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/status.h"
#include "model/value.h"

namespace p2c2r {

class ParamsReader {
  public:
    class Maps;
    static constexpr uint32_t kFieldsMax = 64;

    // Scans `params` (no bytes: an empty map) with kParamsScan. `whole` is what errors call them.
    // Params may be large: `looks` (may be NULL) MUST outlive this, and when they say so reading
    // ends with kCancelled.
    explicit ParamsReader(std::span<const uint8_t> params, StopLooks* looks = nullptr,
                          std::string_view whole = "params");
    // A map inside already scanned params; `parent` MUST outlive it and gets its errors. `name` is
    // the field it was found in, `index` its place if that field is an array.
    ParamsReader(const Value& map, ParamsReader& parent, std::string_view name, int64_t index = -1);

    [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }

    // ---- one field each. Without `fallback` the field must be there. The stand-in after an error
    // is `fallback`, else the lowest allowed value, else empty.
    int64_t integer(std::string_view name, int64_t low, int64_t high,
                    std::optional<int64_t> fallback = std::nullopt);
    double number(std::string_view name, double low, double high,
                  std::optional<double> fallback = std::nullopt);
    bool boolean(std::string_view name, std::optional<bool> fallback = std::nullopt);
    std::string_view text(std::string_view name, size_t size_max,
                          std::optional<std::string_view> fallback = std::nullopt);
    // One of `choices`; the error lists them.
    std::string_view choice(std::string_view name, std::initializer_list<std::string_view> choices,
                            std::optional<std::string_view> fallback = std::nullopt);
    // Absent and not required: an empty span.
    std::span<const uint8_t> bytes(std::string_view name, size_t size_max, bool required = true);

    // An array of exactly out.size() numbers, each within [low, high]. False when absent (`out`
    // keeps what it held) or wrong.
    bool integers(std::string_view name, std::span<int64_t> out, int64_t low, int64_t high,
                  bool required = true);
    bool numbers(std::string_view name, std::span<double> out, double low, double high,
                 bool required = true);

    // ---- parts that the caller walks itself
    // Any kind; nothing when absent. Marks the field as known.
    std::optional<Value> value(std::string_view name);
    // The same of one kind; an array has at most count_max items.
    std::optional<Value> array(std::string_view name, uint32_t count_max, bool required = true);
    std::optional<Value> map(std::string_view name, bool required = true);
    // The bytes of a field's value alone, which are found without a walk; none when it is absent.
    [[nodiscard]] std::span<const uint8_t> encoded(std::string_view name) const;
    // Readers over an array of maps.
    Maps maps(std::string_view name, uint32_t count_max, bool required = true);

    // ---- errors
    // Reports one of the caller's own: field `name` of this map. The first one sticks.
    void fail(std::string_view name, std::string text, Status status = Status::kParams);
    [[nodiscard]] bool ok() const { return !root_->error_; }
    // For what the caller walks itself: so much work was done. True when reading shall end; the
    // error is kCancelled then.
    bool stop_after(uint64_t work_ns) {
        if (!root_->looks_ || !root_->looks_->after(work_ns)) return false;
        cancel();
        return true;
    }
    // Reports fields that nobody asked for, by name. Call it when all fields of this map are read;
    // finish() does it for the outermost one.
    void done();
    // The first error of this reader and those inside it.
    [[nodiscard]] Result<Done> finish();

  private:
    struct Entry {
        const char* key;
        const uint8_t* value;
        uint32_t key_size;
        uint32_t value_size;
    };

    void index_fields(const Value& map);
    // Where the value at `at` ends; NULL when reading shall end.
    const uint8_t* end_of(const uint8_t* at);
    void cancel();
    const Entry* find(std::string_view name) const;
    // A field that nobody has asked for, and whose name is nearly this one; NULL: none.
    [[nodiscard]] const Entry* misspelt(std::string_view name) const;
    // Marks it as known; reports it when it is required and absent.
    const Entry* take(std::string_view name, bool required);
    [[nodiscard]] Value value_of(const Entry& entry) const { return Value({entry.value, end_}); }
    template <class T>
    bool read_array(std::string_view name, std::span<T> out, T low, T high, bool required);
    void wrong_kind(std::string_view name, const char* expected, const Value& found);
    [[nodiscard]] std::string path_of(std::string_view name) const;

    ParamsReader* root_;
    ParamsReader* parent_ = nullptr;
    std::string_view name_;
    int64_t index_ = -1;
    const uint8_t* end_ = nullptr;
    uint64_t known_ = 0;  // bits of entries_
    uint32_t count_ = 0;
    StopLooks* looks_ = nullptr;  // of the root; may be NULL
    bool error_ = false;          // of the root: first_error_ is set
    Error first_error_;           // of the root
    Entry entries_[kFieldsMax];

  public:
    ParamsReader(const ParamsReader&) = delete;
    ParamsReader& operator=(const ParamsReader&) = delete;
};

class ParamsReader::Maps {
  public:
    class Iterator {
      public:
        Iterator(ParamsReader* parent, std::string_view name, std::span<const uint8_t> rest,
                 uint32_t left)
            : parent_(parent), name_(name), rest_(rest), left_(left) {}
        ParamsReader operator*() const { return {Value(rest_), *parent_, name_, index_}; }
        Iterator& operator++() {
            const uint8_t* const end = parent_->end_of(rest_.data());
            if (end) rest_ = rest_.subspan(static_cast<size_t>(end - rest_.data()));
            left_ = end ? left_ - 1 : 0;
            ++index_;
            return *this;
        }
        bool operator==(std::default_sentinel_t) const { return left_ == 0; }

      private:
        ParamsReader* parent_;
        std::string_view name_;
        std::span<const uint8_t> rest_;  // from the map on
        uint32_t left_;
        int64_t index_ = 0;
    };

    Maps(ParamsReader* parent, std::string_view name, Value::Items items)
        : parent_(parent), name_(name), items_(items) {}
    [[nodiscard]] Iterator begin() const {
        const std::span<const uint8_t> none;
        return {parent_, name_, size() > 0 ? (*items_.begin()).rest() : none, size()};
    }
    [[nodiscard]] std::default_sentinel_t end() const { return {}; }
    [[nodiscard]] uint32_t size() const { return items_.size(); }

  private:
    ParamsReader* parent_;
    std::string_view name_;
    Value::Items items_;
};

}  // namespace p2c2r
