// Every part computes the whole world and tells of its own bodies. Parts answer in packed form (or
// as deltas, which are small, where the whole is one); their bodies and pairs, put together, are an
// outcome like that of a run, and the answer is made of it as after any run.
#include "kernels/physics_split.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "kernels/float_scope.h"
#include "kernels/physics_answer.h"
#include "kernels/physics_request.h"
#include "model/params_reader.h"

namespace p2c2r::kernels {

namespace {

// Bodies first and end that the task tells of, without a look at them.
struct Range {
    uint64_t first = 0;
    uint64_t end = 0;
};
Result<Range> owned_range(const TaskInput& whole) {
    ParamsReader reader(whole.params.span());
    uint64_t count = whole.data.size() / kPhysicsRecordSize;
    if (whole.data.empty()) {
        const std::optional<Value> objects = reader.array("objects", kPhysicsBodiesMax);
        count = objects ? objects->count() : 0;
    }
    int64_t owned[2] = {0, static_cast<int64_t>(count)};
    reader.integers("owned", owned, 0, owned[1], false);
    if (!reader.ok()) return reader.finish().error();
    if (owned[0] >= owned[1]) {
        return field_error(Status::kParams, "owned", "there is no body to tell of");
    }
    return Range{static_cast<uint64_t>(owned[0]), static_cast<uint64_t>(owned[1])};
}

// ---- the result of a part -----------------------------------------------------------------------

struct Part {
    size_t index = 0;
    uint32_t first = 0;  // its bodies
    uint32_t end = 0;
    Bytes data;
    // Of the info.
    uint64_t state_size = 0;
    uint64_t pairs_size = 0;
    std::string device;
    PhysicsOutcome outcome;  // without collisions
};

// {"offset", "size"} of a part of the data.
void read_place(ParamsReader& reader, const char* name, uint64_t offset, uint64_t& size) {
    const std::optional<Value> map = reader.map(name);
    if (!map) return;
    ParamsReader fields(*map, reader, name);
    const auto most = static_cast<int64_t>(limits::kPayloadSizeMax);
    const auto at = static_cast<uint64_t>(fields.integer("offset", 0, most));
    size = static_cast<uint64_t>(fields.integer("size", 0, most));
    fields.done();
    if (reader.ok() && at != offset) {
        fields.fail("offset",
                    "is " + std::to_string(at) + ", expected is " + std::to_string(offset));
    }
}

void read_energy(ParamsReader& reader, const PhysicsRequest& request, PhysicsOutcome& outcome) {
    if (request.energy_every == 0) return;
    const uint32_t count = request.world.steps / request.energy_every + 1;
    const std::optional<Value> list = reader.array("energy", count);
    if (!list) return;
    if (list->count() != count) {
        reader.fail("energy", "has " + std::to_string(list->count()) + " entries, expected are " +
                                  std::to_string(count));
        return;
    }
    for (const Value entry : list->items()) {
        double pair[2];
        const auto step = static_cast<uint32_t>(outcome.energy.size()) * request.energy_every;
        if (!entry.numbers(pair) || pair[0] != double{request.world.timestep} * step) {
            reader.fail("energy[" + std::to_string(outcome.energy.size()) + "]",
                        "is no pair of that step's seconds and an energy");
            return;
        }
        outcome.energy.push_back({step, pair[1]});
    }
}

Result<Done> read_info(const PhysicsRequest& request, const Bytes& info, Part& part) {
    ParamsReader reader(info.span());
    reader.choice("algorithm_used", {"jacobi"});
    part.device = reader.text("device", kDeviceTextMax);
    if (part.device.empty()) reader.fail("device", "is empty");
    read_place(reader, "state", 0, part.state_size);
    read_place(reader, "collisions", part.state_size, part.pairs_size);
    part.outcome.collisions_cut = reader.boolean("collisions_cut");
    part.outcome.contacts =
        static_cast<uint64_t>(reader.integer("contacts", 0, physics_sides_max(kPhysicsBodiesMax)));
    read_energy(reader, request, part.outcome);
    if (Result<Done> good = reader.finish(); !good) {
        return part_info_error(part.index, good.error());
    }
    if (!request.world.lists_collisions && (part.pairs_size != 0 || part.outcome.collisions_cut)) {
        return part_error(part.index, "it lists collisions, which nobody asked for");
    }
    const uint64_t size = part.state_size + part.pairs_size;
    if (part.data.size() != size) return part_size_error(part.index, part.data.size(), size);
    return Done{};
}

// A body where no run could have brought it, and what a run cannot have changed.
const char* wrong_with(const PhysicsBody& before, const PhysicsBody& after) {
    if (const char* wrong = beyond_any_run(after)) return wrong;
    if (after.mass != before.mass) return "mass";
    if (after.radius != before.radius) return "radius";
    if (after.restitution != before.restitution) return "restitution";
    return after.friction != before.friction ? "friction" : nullptr;
}

// The part's bodies, to where they belong in `bodies`.
Result<Done> take_bodies(const PhysicsRequest& request, const Part& part,
                         const std::vector<PhysicsBody>& before, std::vector<PhysicsBody>& bodies) {
    const auto old = std::span(before).subspan(part.first, part.end - part.first);
    const auto state = part.data.span().first(part.state_size);
    std::vector<PhysicsBody> moved;
    if (request.form == PhysicsResultForm::kDelta) {
        Result<std::vector<PhysicsBody>> applied = apply_physics_delta(old, state);
        if (!applied) return part_error(part.index, applied.error().text);
        moved = std::move(*applied);
    } else {
        if (state.size() != old.size() * kPhysicsRecordSize) {
            return part_error(part.index, "its state has " + std::to_string(state.size()) +
                                              " bytes, " + std::to_string(old.size()) +
                                              " bodies have " +
                                              std::to_string(old.size() * kPhysicsRecordSize));
        }
        moved = unpack_bodies(state);
    }
    for (size_t i = 0; i < moved.size(); ++i) {
        const char* wrong = wrong_with(old[i], moved[i]);
        if (!wrong) continue;
        return part_error(part.index, "body " + std::to_string(part.first + i) + " has a " + wrong +
                                          " that no run gives it");
    }
    std::copy(moved.begin(), moved.end(), bodies.begin() + part.first);
    return Done{};
}

uint32_t word_at(const uint8_t* at) {
    return uint32_t{at[0]} | uint32_t{at[1]} << 8 | uint32_t{at[2]} << 16 | uint32_t{at[3]} << 24;
}

Result<Done> take_pairs(const PhysicsRequest& request, const Part& part,
                        std::vector<uint64_t>& collisions) {
    const auto bytes = part.data.span().subspan(part.state_size, part.pairs_size);
    if (bytes.size() % 8 != 0 || bytes.size() / 8 > kPhysicsCollisionsMax - collisions.size()) {
        return part_error(part.index, "its collisions have " + std::to_string(bytes.size()) +
                                          " bytes, which are no pairs or too many");
    }
    for (size_t at = 0; at < bytes.size(); at += 8) {
        const uint32_t low = word_at(bytes.data() + at);
        const uint32_t high = word_at(bytes.data() + at + 4);
        const uint64_t pair = uint64_t{low} << 32 | high;
        // Ranges ascend, so that the last pair may be one of the part before.
        const bool ascends = collisions.empty() || pair > collisions.back();
        if (low < part.first || low >= part.end || high <= low ||
            high >= request.world.bodies.size() || !ascends) {
            return part_error(part.index, "its collision [" + std::to_string(low) + ", " +
                                              std::to_string(high) +
                                              "] is out of order or none of its bodies");
        }
        collisions.push_back(pair);
    }
    return Done{};
}

// All parts computed the same world.
bool same_world(const PhysicsOutcome& a, const PhysicsOutcome& b) {
    const auto same = [](const PhysicsOutcome::Energy& x, const PhysicsOutcome::Energy& y) {
        return x.energy == y.energy;
    };
    return a.contacts == b.contacts && a.collisions_cut == b.collisions_cut &&
           std::equal(a.energy.begin(), a.energy.end(), b.energy.begin(), b.energy.end(), same);
}

class BodiesSplitter final : public TaskSplitter {
  public:
    [[nodiscard]] const char* name() const override { return "bodies"; }

    [[nodiscard]] Result<uint64_t> units(const TaskInput& whole) const override {
        const Result<Range> range = owned_range(whole);
        if (!range) return range.error();
        return range->end - range->first;
    }

  protected:
    [[nodiscard]] Result<std::vector<TaskInput>> make_parts(
        const TaskInput& whole, std::span<const uint64_t> cuts) const override {
        const Result<PhysicsRequest> request =
            read_physics_request(whole.params.span(), whole.data.span());
        if (!request) return request.error();
        const Result<Value> params = parse_params(whole.params.span());
        if (!params) return params.error();
        Bytes data = whole.data;
        if (data.empty()) {
            const size_t size = request->world.bodies.size() * kPhysicsRecordSize;
            Buffer records = Buffer::allocate(size);
            pack_bodies(request->world.bodies, records.data());
            data = std::move(records).freeze(size);
        }
        const bool delta = request->form == PhysicsResultForm::kDelta;
        std::vector<TaskInput> parts;
        for (size_t i = 0; i + 1 < cuts.size(); ++i) {
            // Records hold what bodies are by themselves.
            constexpr std::string_view kReplaced[] = {"objects", "restitution", "friction", "owned",
                                                      "result"};
            const auto add = [&](ValueWriter& writer) {
                writer.key("owned").array(2);
                writer.unsigned_integer(request->owned_first + cuts[i]);
                writer.unsigned_integer(request->owned_first + cuts[i + 1]);
                writer.key("result").text(delta ? "delta" : "packed");
            };
            parts.push_back({edit_params(*params, kReplaced, 2, add), data});
        }
        return parts;
    }

    [[nodiscard]] Result<TaskOutput> merge_parts(const TaskInput& whole,
                                                 std::span<const uint64_t> cuts,
                                                 std::span<const TaskOutput> results,
                                                 const MemoryHook* memory) const override {
        const FloatScope floats;
        Result<PhysicsRequest> request =
            read_physics_request(whole.params.span(), whole.data.span());
        if (!request) return request.error();
        const std::vector<PhysicsBody> before = request->world.bodies;
        PhysicsOutcome outcome;
        std::vector<std::string> devices;
        for (size_t i = 0; i < results.size(); ++i) {
            Part part;
            part.index = i;
            part.first = request->owned_first + static_cast<uint32_t>(cuts[i]);
            part.end = request->owned_first + static_cast<uint32_t>(cuts[i + 1]);
            part.data = results[i].data;
            Result<Done> good = read_info(*request, results[i].info, part);
            if (good) good = take_bodies(*request, part, before, request->world.bodies);
            if (good) good = take_pairs(*request, part, outcome.collisions);
            if (!good) return good.error();
            if (i == 0) {
                part.outcome.collisions = std::move(outcome.collisions);
                outcome = std::move(part.outcome);
            } else if (!same_world(part.outcome, outcome)) {
                return part_error(
                    i,
                    "its contacts, energy or collisions_cut are not those of part "
                    "0; all parts compute the same world, so one of the two is wrong");
            }
            devices.push_back(std::move(part.device));
        }
        PhysicsAnswer answer =
            make_physics_answer(*request, outcome, before, merged_device(devices), memory);
        return TaskOutput{std::move(answer.info), std::move(answer.data)};
    }
};

}  // namespace

std::shared_ptr<const TaskSplitter> make_physics_splitter() {
    return std::make_shared<BodiesSplitter>();
}

}  // namespace p2c2r::kernels
