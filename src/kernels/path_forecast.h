// How long slices of the flow field's shader will take: most tiles are skipped, and those at the
// front of what has been reached take turns of relaxing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace p2c2r::kernels {

// What the tiles of one colour in a row of them will cost, by what they cost last.
class RowForecast {
  public:
    explicit RowForecast(uint32_t tiles_y) : rows_(tiles_y) {}

    // Slices whose costs are not known yet are told apart by `place`.
    static constexpr size_t kPlaces = 2;

    // In turns. What changed above or below a row makes its tiles due.
    [[nodiscard]] uint64_t turns(uint32_t tile_y) const {
        const uint32_t above = tile_y > 0 ? tile_y - 1 : 0;
        const uint32_t below = std::min<uint32_t>(tile_y + 1, count() - 1);
        return std::max({rows_[above].turns, rows_[tile_y].turns, rows_[below].turns});
    }
    // The slice at `place` relaxes `part` (0..1) of the tiles of one colour once more.
    void visits(size_t place, uint32_t tile_y, double part) { rows_[tile_y].visits[place] += part; }
    // The slice at `place` has ended, and `turns`, a word a row, is what all have taken so far.
    // Returns its own.
    uint64_t learn(size_t place, const uint32_t* turns) {
        uint64_t all = 0;
        for (uint32_t y = 0; y < count(); ++y) {
            Row& row = rows_[y];
            const double visits = std::exchange(row.visits[place], 0);
            if (visits == 0) continue;
            const uint32_t now = turns[y] - row.seen;
            const double kept = std::max(0.0, 1 - visits) * static_cast<double>(row.turns);
            row.turns = static_cast<uint64_t>(now / std::max(visits, 1.0) + kept);
            row.seen = turns[y];
            all += now;
        }
        return all;
    }

  private:
    struct Row {
        uint32_t seen = 0;
        double visits[kPlaces] = {};  // by slices since then
        uint64_t turns = 0;           // of a visit
    };
    [[nodiscard]] uint32_t count() const { return static_cast<uint32_t>(rows_.size()); }

    std::vector<Row> rows_;
};

}  // namespace p2c2r::kernels
