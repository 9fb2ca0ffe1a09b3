// Top down with the surface area heuristic over 16 bins an axis; one primitive a leaf, because a
// primitive's own box must be met in any case. Where the heuristic finds nothing, or goes deep, the
// middle primitive divides: so no path is longer than kRtStackMax.
#include "kernels/raytrace_bvh.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "core/check.h"

namespace p2c2r::kernels {

namespace {

constexpr uint32_t kBins = 16;
// From here on halves: 2^20 primitives need 20 levels more.
constexpr uint32_t kHeuristicDepthMax = 40;
// Between two looks at whether to stop, and what one costs in each walk over them.
constexpr uint32_t kPrimsPerLook = 4096;
constexpr uint64_t kNsPerPrim = 20;
constexpr uint64_t kNsPerNode = 100;
constexpr uint64_t kNsPerWideNode = 1000;
constexpr float kHuge = std::numeric_limits<float>::max();
// A key of a primitive: the bits of a float over those of its number, read a digit at a time.
constexpr uint32_t kPrimBits = 20;
constexpr uint32_t kDigitBits = 13;
constexpr uint32_t kKeyBits = 32 + kPrimBits;
static_assert(kKeyBits % kDigitBits == 0 && kRtPrimsMax <= 1u << kPrimBits);
constexpr RtBounds kNothing{{kHuge, kHuge, kHuge}, {-kHuge, -kHuge, -kHuge}};
// So far away that every ray ends before; times kRtInverseOfZero it is still a number.
constexpr RtBounds kUnmet{{1e15f, 1e15f, 1e15f}, {1e15f, 1e15f, 1e15f}};

void include(RtBounds& box, const RtBounds& other) {
    for (int axis = 0; axis < 3; ++axis) {
        box.low[axis] = std::min(box.low[axis], other.low[axis]);
        box.high[axis] = std::max(box.high[axis], other.high[axis]);
    }
}

double half_area(const RtBounds& box) {
    const double x = double{box.high[0]} - box.low[0];
    const double y = double{box.high[1]} - box.low[1];
    const double z = double{box.high[2]} - box.low[2];
    return x < 0 ? 0 : x * y + y * z + z * x;
}

class Builder {
  public:
    Builder(RtScene& scene, StopLooks& looks) : scene_(scene), looks_(looks) {}

    void run() {
        std::vector<bool> is_plane(scene_.prims_count, false);
        for (const uint32_t plane : scene_.planes) is_plane[plane] = true;
        order_.reserve(scene_.prims_count);
        for (uint32_t i = 0; i < scene_.prims_count; ++i) {
            if (looks_.after(kNsPerPrim)) return;
            if (!is_plane[i]) order_.push_back(i);
        }
        if (order_.empty()) return;
        const auto count = static_cast<uint32_t>(order_.size());
        scene_.nodes.reserve(size_t{count} * kRtNodeWords);
        if (count == 1) {
            add_node();
            set_child(0, 0, scene_.bounds[order_[0]], order_[0] | kRtLeaf);
            set_child(0, 1, kUnmet, kRtNone);
        } else {
            RtBounds all;
            build(0, count, 0, all);
        }
        if (looks_.stopped()) return;
        // A node has eight children or only leaves, two at least: no more than that. All at once,
        // because growing would copy 60 MB, which nothing could end half way.
        scene_.wide.reserve(size_t{count} * 4 / 7 + 1);
        widen(0);
    }

  private:
    uint32_t add_node() {
        const uint32_t node = scene_.nodes_count();
        scene_.nodes.resize(scene_.nodes.size() + kRtNodeWords);
        return node;
    }

    void set_child(uint32_t node, uint32_t child, const RtBounds& box, uint32_t reference) {
        uint32_t* words = scene_.nodes.data() + size_t{node} * kRtNodeWords;
        std::memcpy(words + child * 6, &box, sizeof box);
        words[12 + child] = reference;
    }

    [[nodiscard]] float middle(uint32_t prim, int axis) const {
        const RtBounds& box = scene_.bounds[prim];
        return box.low[axis] * 0.5f + box.high[axis] * 0.5f;
    }

    // Calls take(prim) for primitives [first, end) of the order. False: the work shall stop, and
    // some were left out.
    template <class Take>
    bool each(uint32_t first, uint32_t end, const Take& take) const {
        while (first < end) {
            const uint32_t piece_end = std::min(end, first + kPrimsPerLook);
            if (looks_.after(uint64_t{piece_end - first} * kNsPerPrim)) return false;
            for (; first < piece_end; ++first) take(order_[first]);
        }
        return true;
    }

    // Moves those for which `is_low` to the front; where the others begin.
    template <class IsLow>
    uint32_t part(uint32_t first, uint32_t end, const IsLow& is_low) {
        uint32_t place = first;
        uint32_t at = first;
        each(first, end, [&](uint32_t prim) {
            if (is_low(prim)) std::swap(order_[place++], order_[at]);
            ++at;
        });
        return place;
    }

    // The reference and the box of primitives [first, end) of the order. When the work shall stop
    // it means nothing.
    uint32_t build(uint32_t first, uint32_t end, uint32_t depth, RtBounds& box) {
        P2C2R_CHECK(depth < kRtStackMax);
        if (end - first == 1) {
            box = scene_.bounds[order_[first]];
            return order_[first] | kRtLeaf;
        }
        const uint32_t node = add_node();
        const uint32_t split = divide(first, end, depth);
        if (looks_.after(kNsPerNode)) return kRtNone;
        RtBounds low;
        RtBounds high;
        const uint32_t low_reference = build(first, split, depth + 1, low);
        const uint32_t high_reference = build(split, end, depth + 1, high);
        set_child(node, 0, low, low_reference);
        set_child(node, 1, high, high_reference);
        box = low;
        include(box, high);
        return node;
    }

    struct Bin {
        RtBounds box = kNothing;
        uint32_t count = 0;
    };

    uint32_t divide(uint32_t first, uint32_t end, uint32_t depth) {
        float low[3] = {kHuge, kHuge, kHuge};
        float high[3] = {-kHuge, -kHuge, -kHuge};
        const bool whole = each(first, end, [&](uint32_t prim) {
            for (int axis = 0; axis < 3; ++axis) {
                const float place = middle(prim, axis);
                low[axis] = std::min(low[axis], place);
                high[axis] = std::max(high[axis], place);
            }
        });
        if (!whole) return first;
        int axis = 0;
        for (int other = 1; other < 3; ++other) {
            if (high[other] - low[other] > high[axis] - low[axis]) axis = other;
        }
        if (depth >= kHeuristicDepthMax) return halve(first, end, axis);

        double best = std::numeric_limits<double>::max();
        int best_axis = -1;
        uint32_t best_bin = 0;
        for (int tried = 0; tried < 3; ++tried) {
            if (!(high[tried] > low[tried])) continue;
            find_bin(first, end, tried, low[tried], high[tried], best, best_axis, best_bin);
        }
        if (best_axis < 0) return halve(first, end, axis);
        const float scale = kBins / (high[best_axis] - low[best_axis]);
        const uint32_t place = part(first, end, [&](uint32_t prim) {
            return bin_of(prim, best_axis, low[best_axis], scale) <= best_bin;
        });
        return place == first || place == end ? halve(first, end, axis) : place;
    }

    [[nodiscard]] uint32_t bin_of(uint32_t prim, int axis, float low, float scale) const {
        const float place = (middle(prim, axis) - low) * scale;
        return std::min(static_cast<uint32_t>(std::max(place, 0.0f)), kBins - 1);
    }

    void find_bin(uint32_t first, uint32_t end, int axis, float low, float high, double& best,
                  int& best_axis, uint32_t& best_bin) const {
        Bin bins[kBins];
        const float scale = kBins / (high - low);
        const bool whole = each(first, end, [&](uint32_t prim) {
            Bin& bin = bins[bin_of(prim, axis, low, scale)];
            include(bin.box, scene_.bounds[prim]);
            ++bin.count;
        });
        if (!whole) return;
        double above[kBins];  // cost of the bins from here on
        RtBounds box = kNothing;
        uint32_t count = 0;
        for (uint32_t i = kBins; i-- > 1;) {
            include(box, bins[i].box);
            count += bins[i].count;
            above[i] = count == 0 ? -1 : half_area(box) * count;
        }
        box = kNothing;
        count = 0;
        for (uint32_t i = 0; i + 1 < kBins; ++i) {
            include(box, bins[i].box);
            count += bins[i].count;
            if (count == 0 || above[i + 1] < 0) continue;
            const double cost = half_area(box) * count + above[i + 1];
            if (cost < best) {
                best = cost;
                best_axis = axis;
                best_bin = i;
            }
        }
    }

    uint32_t halve(uint32_t first, uint32_t end, int axis) {
        const uint32_t half = (end - first) / 2;
        const auto key = [&](uint32_t prim) { return sort_key(prim, axis); };
        if (end - first <= kPrimsPerLook) {
            const auto begin = order_.begin() + first;
            std::nth_element(begin, begin + half, order_.begin() + end,
                             [&](uint32_t a, uint32_t b) { return key(a) < key(b); });
            return first + half;
        }
        const uint64_t middle_key = key_of_rank(first, end, half, key);
        return part(first, end, [&](uint32_t prim) { return key(prim) < middle_key; });
    }

    // Orders primitives by their middles and then by their numbers: no two are equal.
    [[nodiscard]] uint64_t sort_key(uint32_t prim, int axis) const {
        const auto bits = std::bit_cast<uint32_t>(middle(prim, axis));
        const uint32_t ascending = bits & 1u << 31 ? ~bits : bits | 1u << 31;
        return uint64_t{ascending} << kPrimBits | prim;
    }

    // The key that `rank` others are below, found digit by digit: a library's selection cannot be
    // left half way.
    template <class Key>
    uint64_t key_of_rank(uint32_t first, uint32_t end, uint32_t rank, const Key& key) const {
        std::vector<uint32_t> counts(size_t{1} << kDigitBits);
        uint64_t found = 0;  // the digits that are known
        for (uint32_t shift = kKeyBits; shift > 0;) {
            shift -= kDigitBits;
            std::fill(counts.begin(), counts.end(), 0);
            each(first, end, [&](uint32_t prim) {
                const uint64_t digits = key(prim) >> shift;
                if (digits >> kDigitBits == found) ++counts[digits & (counts.size() - 1)];
            });
            if (looks_.stopped()) return 0;
            uint64_t digit = 0;
            for (; rank >= counts[digit]; ++digit) rank -= counts[digit];
            found = found << kDigitBits | digit;
        }
        return found;
    }

    // ---- eight children a node: the largest box is opened until there are eight

    struct Child {
        RtBounds box;
        uint32_t reference;
    };

    [[nodiscard]] Child child_of(uint32_t node, uint32_t child) const {
        const uint32_t* words = scene_.nodes.data() + size_t{node} * kRtNodeWords;
        Child found;
        std::memcpy(&found.box, words + child * 6, sizeof found.box);
        found.reference = words[12 + child];
        return found;
    }

    uint32_t widen(uint32_t node) {
        if (looks_.after(kNsPerWideNode)) return kRtNone;
        Child children[8] = {child_of(node, 0), child_of(node, 1)};
        size_t count = 2;
        while (count < 8) {
            int largest = -1;
            double area = -1;
            for (size_t i = 0; i < count; ++i) {
                if (children[i].reference & kRtLeaf) continue;
                const double here = half_area(children[i].box);
                if (here > area) {
                    area = here;
                    largest = static_cast<int>(i);
                }
            }
            if (largest < 0) break;
            const uint32_t opened = children[static_cast<size_t>(largest)].reference;
            children[static_cast<size_t>(largest)] = child_of(opened, 0);
            children[count++] = child_of(opened, 1);
        }
        const auto wide = static_cast<uint32_t>(scene_.wide.size());
        scene_.wide.emplace_back();
        for (size_t i = 0; i < 8; ++i) {
            Child child{kUnmet, kRtNone};
            if (i < count) child = children[i];
            if (!(child.reference & kRtLeaf)) child.reference = widen(child.reference);
            RtWideNode& target = scene_.wide[wide];
            for (size_t axis = 0; axis < 3; ++axis) {
                target.low[axis][i] = child.box.low[axis];
                target.high[axis][i] = child.box.high[axis];
            }
            target.child[i] = child.reference;
        }
        return wide;
    }

    RtScene& scene_;
    StopLooks& looks_;
    std::vector<uint32_t> order_;
};

}  // namespace

bool build_rt_hierarchy(RtScene& scene, StopLooks& looks) {
    scene.nodes.clear();
    scene.wide.clear();
    Builder(scene, looks).run();
    return !looks.stopped();
}

}  // namespace p2c2r::kernels
