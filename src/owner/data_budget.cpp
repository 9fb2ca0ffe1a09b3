#include "owner/data_budget.h"

#include <charconv>

namespace p2c2r::owner {

namespace {

constexpr std::string_view kHead = "p2c2r data 1";

// "NAME NUMBER\n" at the start of `text`, which it is taken from.
bool take_line(std::string_view& text, std::string_view name, uint64_t& out) {
    if (!text.starts_with(name)) return false;
    text.remove_prefix(name.size());
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc() || end == text.data() + text.size() || *end != '\n') return false;
    text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
    return true;
}

}  // namespace

Result<DataBudget> DataBudget::parse(std::string_view text) {
    DataBudget budget;
    uint64_t date = 0;
    const bool good = text.starts_with(kHead) && (text.remove_prefix(kHead.size()), true) &&
                      take_line(text, "\ndate ", date) &&
                      take_line(text, "day ", budget.day_bytes_) &&
                      take_line(text, "month ", budget.month_bytes_) && text.empty();
    if (!good || date > 99991231 || budget.month_bytes_ < budget.day_bytes_) {
        return make_error(Status::kContent, "it does not hold counts of data");
    }
    budget.date_ = static_cast<uint32_t>(date);
    return budget;
}

std::string DataBudget::text() const {
    return std::string(kHead) + "\ndate " + std::to_string(date_) + "\nday " +
           std::to_string(day_bytes_) + "\nmonth " + std::to_string(month_bytes_) + "\n";
}

void DataBudget::count(uint64_t total, uint32_t date) {
    if (date > date_) {
        // What came before any day was known is of the first one.
        if (date_ != 0) {
            if (date / 100 > date_ / 100) month_bytes_ = 0;
            day_bytes_ = 0;
        }
        date_ = date;
    }
    const uint64_t more = total > counted_ ? total - counted_ : 0;
    counted_ = total;
    day_bytes_ += more;
    month_bytes_ += more;
}

}  // namespace p2c2r::owner
