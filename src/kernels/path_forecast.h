// How long slices of the flow field's shader will take: most tiles are skipped, and those at the
// front of what has been reached take turns of relaxing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace p2c2r::kernels {

// What the tiles of one colour in a row of them will cost, by what they cost last.
class RowForecast {
  public:
    explicit RowForecast(uint32_t tiles_y) : rows_(tiles_y) {}

    // In turns. What changed above or below a row makes its tiles due.
    [[nodiscard]] uint64_t turns(uint32_t tile_y) const {
        const uint32_t above = tile_y > 0 ? tile_y - 1 : 0;
        const uint32_t below = std::min<uint32_t>(tile_y + 1, count() - 1);
        return std::max({rows_[above].turns, rows_[tile_y].turns, rows_[below].turns});
    }
    // `part` (0..1) of the tiles of one colour was relaxed once more.
    void visited(uint32_t tile_y, double part) { rows_[tile_y].visits += part; }
    // `turns`, a word a row, is the turns of all visits so far. Returns those of the new ones.
    uint64_t learn(const uint32_t* turns) {
        uint64_t all = 0;
        for (uint32_t y = 0; y < count(); ++y) {
            Row& row = rows_[y];
            if (row.visits == 0) continue;
            const uint32_t now = turns[y] - row.seen;
            const double kept = std::max(0.0, 1 - row.visits) * static_cast<double>(row.turns);
            row.turns = static_cast<uint64_t>(now / std::max(row.visits, 1.0) + kept);
            row.seen = turns[y];
            row.visits = 0;
            all += now;
        }
        return all;
    }

  private:
    struct Row {
        uint32_t seen = 0;
        double visits = 0;   // since then
        uint64_t turns = 0;  // of a visit
    };
    [[nodiscard]] uint32_t count() const { return static_cast<uint32_t>(rows_.size()); }

    std::vector<Row> rows_;
};

}  // namespace p2c2r::kernels
