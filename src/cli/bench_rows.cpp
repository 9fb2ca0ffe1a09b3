#include "cli/bench_rows.h"

#include <cstdio>

#include "cli/failure.h"
#include "cli/text_table.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

const char* word_of(BenchRow::Verdict verdict) {
    switch (verdict) {
        case BenchRow::Verdict::kHolds:
            return "holds";
        case BenchRow::Verdict::kMissed:
            return "missed";
        case BenchRow::Verdict::kSkipped:
            break;
    }
    return "skipped";
}

}  // namespace

BenchRow skipped_row(const std::string& name, const std::string& why) {
    return {name, "", "", BenchRow::Verdict::kSkipped, why, json::object()};
}

int finish_rows(const char* bench, const std::vector<BenchRow>& rows, bool as_json) {
    bool pass = true;
    TextTable table({"row", "measured", "bar", "verdict"});
    json list = json::array();
    std::string notes;
    for (const BenchRow& row : rows) {
        pass = pass && row.verdict != BenchRow::Verdict::kMissed;
        table.add({row.name, row.measured, row.bar, word_of(row.verdict)});
        if (!row.why.empty()) notes += row.name + ": " + row.why + "\n";
        json entry = row.figures;
        entry["row"] = row.name;
        entry["verdict"] = word_of(row.verdict);
        if (!row.why.empty()) entry["why"] = row.why;
        list.push_back(std::move(entry));
    }
    std::printf("%s%s", table.text().c_str(), notes.c_str());
    if (as_json) {
        const json summary = {{"bench", bench}, {"pass", pass}, {"rows", std::move(list)}};
        std::printf("%s\n", summary.dump().c_str());
    }
    return pass ? kExitOk : kExitSomeFailed;
}

}  // namespace p2c2r::cli
