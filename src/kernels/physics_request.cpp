#include "kernels/physics_request.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "kernels/float_scope.h"
#include "model/params_reader.h"

namespace p2c2r::kernels {

namespace {

constexpr double kRestitutionMax = 1;

float quantised(double value) {
    return physics_flush(static_cast<float>(value));
}

bool read_vector(ParamsReader& reader, const char* name, float (&out)[3], double most,
                 bool required) {
    double values[3] = {0, 0, 0};
    if (!reader.numbers(name, values, -most, most, required)) return false;
    for (size_t axis = 0; axis < 3; ++axis) out[axis] = quantised(values[axis]);
    return true;
}

float read_number(ParamsReader& reader, const char* name, double low, double high,
                  std::optional<double> fallback) {
    return quantised(reader.number(name, low, high, fallback));
}

// ---- bodies -------------------------------------------------------------------------------------

void read_objects(ParamsReader& reader, const PhysicsBody& usual, PhysicsWorld& world) {
    ParamsReader::Maps maps = reader.maps("objects", kPhysicsBodiesMax);
    if (!reader.ok()) return;
    if (maps.size() == 0) {
        reader.fail("objects", "is empty; a world has at least one body");
        return;
    }
    world.bodies.reserve(maps.size());
    for (ParamsReader object : maps) {
        PhysicsBody body = usual;
        read_vector(object, "position", body.position, kPhysicsPlaceMax, true);
        read_vector(object, "velocity", body.velocity, kPhysicsSpeedMax, false);
        body.mass = read_number(object, "mass", kPhysicsMassMin, kPhysicsMassMax, body.mass);
        body.radius =
            read_number(object, "radius", kPhysicsRadiusMin, kPhysicsRadiusMax, body.radius);
        body.restitution = read_number(object, "restitution", 0, kRestitutionMax, body.restitution);
        body.friction = read_number(object, "friction", 0, kPhysicsFrictionMax, body.friction);
        object.done();
        if (!reader.ok()) return;
        world.bodies.push_back(body);
    }
}

// What is wrong with a number of a record; "" when nothing is. Whatever is no number at all fails
// the comparison too.
std::string judge(float value, double low, double high) {
    if (value >= low && value <= high) return "";
    char text[64];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    std::string what = "is " + std::string(text, end);
    for (const double limit : {low, high}) {
        const auto limit_end = std::to_chars(text, text + sizeof text, limit).ptr;
        what += (limit == low ? ", allowed are " : " to ") + std::string(text, limit_end);
    }
    return what;
}

Result<Done> judge_records(std::vector<PhysicsBody>& bodies) {
    struct Field {
        const char* name;
        float* value;
        double low, high;
    };
    for (size_t i = 0; i < bodies.size(); ++i) {
        PhysicsBody& body = bodies[i];
        float* x = body.position;
        float* v = body.velocity;
        const double kPlace = kPhysicsPlaceMax;
        const double kSpeed = kPhysicsSpeedMax;
        const Field fields[] = {
            {"position[0]", x, -kPlace, kPlace},
            {"position[1]", x + 1, -kPlace, kPlace},
            {"position[2]", x + 2, -kPlace, kPlace},
            {"velocity[0]", v, -kSpeed, kSpeed},
            {"velocity[1]", v + 1, -kSpeed, kSpeed},
            {"velocity[2]", v + 2, -kSpeed, kSpeed},
            {"mass", &body.mass, kPhysicsMassMin, kPhysicsMassMax},
            {"radius", &body.radius, kPhysicsRadiusMin, kPhysicsRadiusMax},
            {"restitution", &body.restitution, 0, kRestitutionMax},
            {"friction", &body.friction, 0, kPhysicsFrictionMax},
        };
        for (const Field& field : fields) {
            // A float32 limit may lie a rounding outside of the double one.
            const std::string wrong =
                judge(*field.value, static_cast<float>(field.low), static_cast<float>(field.high));
            if (wrong.empty()) {
                *field.value = physics_flush(*field.value);
                continue;
            }
            const std::string path = "data[" + std::to_string(i) + "]." + field.name;
            return field_error(Status::kParams, path, path + " " + wrong);
        }
    }
    return Done{};
}

Result<Done> read_records(std::span<const uint8_t> data, PhysicsWorld& world) {
    const std::string bytes = std::to_string(data.size()) + " bytes";
    if (data.size() % kPhysicsRecordSize != 0) {
        return field_error(Status::kSize, "data",
                           "data has " + bytes + ", which are not whole records of " +
                               std::to_string(kPhysicsRecordSize));
    }
    if (data.size() / kPhysicsRecordSize > kPhysicsBodiesMax) {
        return field_error(Status::kLimit, "data",
                           "data has " + std::to_string(data.size() / kPhysicsRecordSize) +
                               " bodies, the limit is " + std::to_string(kPhysicsBodiesMax));
    }
    world.bodies = unpack_bodies(data);
    return judge_records(world.bodies);
}

// ---- what stands still --------------------------------------------------------------------------

void read_bounds(ParamsReader& reader, PhysicsWorld& world) {
    const std::optional<Value> map = reader.map("bounds", false);
    if (!map) return;
    ParamsReader bounds(*map, reader, "bounds");
    const bool there = read_vector(bounds, "min", world.bound_min, kPhysicsPlaceMax, true) &&
                       read_vector(bounds, "max", world.bound_max, kPhysicsPlaceMax, true);
    const bool open_top = bounds.boolean("open_top", true);
    bounds.done();
    if (!there || !reader.ok()) return;
    world.faces = open_top ? 0x37 : 0x3F;
    float radius = 0;
    for (const PhysicsBody& body : world.bodies) radius = std::max(radius, body.radius);
    for (size_t axis = 0; axis < 3; ++axis) {
        const float low = world.bound_min[axis];
        const float high = world.bound_max[axis];
        const std::string place = "max[" + std::to_string(axis) + "]";
        if (!(low < high)) {
            bounds.fail(place, "is not above min[" + std::to_string(axis) + "]");
        } else if (!(axis == 1 && open_top) && low + radius > high - radius) {
            bounds.fail(place, "leaves no room for the largest body, whose diameter is " +
                                   std::to_string(2 * radius));
        }
    }
}

void read_surface(ParamsReader& reader, float& restitution, float& friction) {
    restitution = read_number(reader, "restitution", 0, kRestitutionMax, 1);
    friction = read_number(reader, "friction", 0, kPhysicsFrictionMax, kPhysicsFrictionMax);
}

void read_planes(ParamsReader& reader, PhysicsWorld& world) {
    for (ParamsReader item : reader.maps("planes", kPhysicsPlanesMax, false)) {
        PhysicsPlane plane;
        double normal[3] = {0, 1, 0};
        const bool there = item.numbers("normal", normal, -1e6, 1e6);
        plane.offset =
            read_number(item, "offset", -kPhysicsPlaceMax, kPhysicsPlaceMax, std::nullopt);
        read_surface(item, plane.restitution, plane.friction);
        item.done();
        const double length =
            std::sqrt(normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2]);
        if (there && !(length >= 1e-6)) item.fail("normal", "is shorter than 1e-06");
        if (!reader.ok()) return;
        for (size_t axis = 0; axis < 3; ++axis) {
            plane.normal[axis] = physics_normal_flush(static_cast<float>(normal[axis] / length));
        }
        world.planes.push_back(plane);
    }
}

void read_boxes(ParamsReader& reader, PhysicsWorld& world) {
    for (ParamsReader item : reader.maps("boxes", kPhysicsBoxesMax, false)) {
        PhysicsBox box;
        const bool there = read_vector(item, "min", box.min, kPhysicsPlaceMax, true) &&
                           read_vector(item, "max", box.max, kPhysicsPlaceMax, true);
        read_surface(item, box.restitution, box.friction);
        item.done();
        for (size_t axis = 0; there && axis < 3; ++axis) {
            if (box.min[axis] < box.max[axis]) continue;
            item.fail("max[" + std::to_string(axis) + "]",
                      "is not above min[" + std::to_string(axis) + "]");
        }
        if (!reader.ok()) return;
        world.boxes.push_back(box);
    }
}

// ---- the run and its answer ---------------------------------------------------------------------

void read_run(ParamsReader& reader, PhysicsRequest& request) {
    PhysicsWorld& world = request.world;
    world.timestep = static_cast<float>(
        reader.number("timestep", kPhysicsTimestepMin, kPhysicsTimestepMax, world.timestep));
    world.steps = static_cast<uint32_t>(reader.integer("num_steps", 1, kPhysicsStepsMax, 1));
    world.substeps =
        static_cast<uint32_t>(reader.integer("substeps", 1, kPhysicsSubstepsMax, world.substeps));
    world.iterations = static_cast<uint32_t>(
        reader.integer("iterations", 1, kPhysicsIterationsMax, world.iterations));
    world.lists_collisions = reader.boolean("collisions", true);
    read_vector(reader, "gravity", world.gravity, kPhysicsGravityMax, false);
}

void read_answer(ParamsReader& reader, bool packed, PhysicsRequest& request) {
    const std::string_view form =
        reader.choice("result", {"objects", "packed", "delta"}, packed ? "packed" : "objects");
    request.form = form == "objects"  ? PhysicsResultForm::kObjects
                   : form == "packed" ? PhysicsResultForm::kPacked
                                      : PhysicsResultForm::kDelta;
    request.energy_every =
        static_cast<uint32_t>(reader.integer("energy_every", 0, kPhysicsStepsMax, 0));
    if (request.energy_every > 0 &&
        request.world.steps / request.energy_every > kPhysicsSeriesMax) {
        reader.fail("energy_every",
                    "is " + std::to_string(request.energy_every) + ", which makes " +
                        std::to_string(request.world.steps / request.energy_every) +
                        " entries; the limit is " + std::to_string(kPhysicsSeriesMax),
                    Status::kLimit);
    }
    const auto count = static_cast<int64_t>(request.world.bodies.size());
    request.owned_end = static_cast<uint32_t>(count);
    int64_t owned[2] = {0, count};
    if (!reader.integers("owned", owned, 0, count, false)) return;
    if (owned[0] >= owned[1]) {
        reader.fail("owned", "is [" + std::to_string(owned[0]) + ", " + std::to_string(owned[1]) +
                                 "], which holds no body");
    }
    request.owned_first = static_cast<uint32_t>(owned[0]);
    request.owned_end = static_cast<uint32_t>(owned[1]);
}

}  // namespace

Result<PhysicsRequest> read_physics_request(std::span<const uint8_t> params,
                                            std::span<const uint8_t> data) {
    const FloatScope floats;
    ParamsReader reader(params);
    PhysicsRequest request;
    read_run(reader, request);
    PhysicsBody usual;
    usual.restitution = read_number(reader, "restitution", 0, kRestitutionMax, usual.restitution);
    usual.friction = read_number(reader, "friction", 0, kPhysicsFrictionMax, usual.friction);
    const bool packed = !data.empty();
    if (!packed) {
        read_objects(reader, usual, request.world);
    } else {
        for (const char* field : {"objects", "restitution", "friction"}) {
            if (reader.has(field)) {
                reader.fail(field, "stands beside data, whose records hold the bodies");
            }
        }
        if (reader.ok()) {
            if (Result<Done> good = read_records(data, request.world); !good) return good.error();
        }
    }
    read_bounds(reader, request.world);
    read_planes(reader, request.world);
    read_boxes(reader, request.world);
    read_answer(reader, packed, request);
    if (Result<Done> good = reader.finish(); !good) return good.error();
    return request;
}

}  // namespace p2c2r::kernels
