// What a bench with several bars has measured: a table for whoever reads, a line of JSON, and the
// exit code.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace p2c2r::cli {

struct BenchRow {
    enum class Verdict { kHolds, kMissed, kSkipped };
    std::string name;
    std::string measured;
    std::string bar;
    Verdict verdict = Verdict::kMissed;
    std::string why;  // it was skipped; or what else there is to say
    nlohmann::json figures = nlohmann::json::object();
};

BenchRow skipped_row(const std::string& name, const std::string& why);
inline BenchRow::Verdict verdict_of(bool holds) {
    return holds ? BenchRow::Verdict::kHolds : BenchRow::Verdict::kMissed;
}

// Prints them; with `as_json` ends with one line of all figures. 0 when no bar was missed, which
// what was skipped is not.
int finish_rows(const char* bench, const std::vector<BenchRow>& rows, bool as_json);

}  // namespace p2c2r::cli
