// Arrays by body id, and behind the last body one more that stands for every wall: at rest, without
// a share in anything, so the inner loops need not tell walls from bodies. The bodies are cut into
// pieces, with the contacts of each in memory of its own, and the team does piece by piece.
#include "kernels/physics_native.h"

#include <algorithm>
#include <atomic>
#include <new>

#include "kernels/float_scope.h"
#include "kernels/physics_grid.h"

namespace p2c2r::kernels {

namespace {

// So that the phase that takes longest, finding contacts, looks at `stop` every half millisecond.
constexpr uint32_t kBodiesOfPieceMax = 2048;

class NativeRun {
  public:
    NativeRun(PhysicsWorld& world, PhysicsTeam& team, const std::function<bool()>& stop)
        : world_(world),
          team_(team),
          stop_(stop),
          push_(make_physics_push(world)),
          collisions_(kPhysicsCollisionsMax),
          pieces_(std::max(team.pieces(), push_.bodies / kBodiesOfPieceMax + 1)) {
        const size_t count = size_t{push_.bodies} + 1;
        const PhysicsVec zero = physics_vec(0, 0, 0);
        place_.assign(count, zero);
        for (auto* pair : {&speed_, &shift_}) {
            for (auto& vectors : *pair) vectors.assign(count, zero);
        }
        fixed_.resize(count, PhysicsFixed{0, 0, 0, 0});
        load_.assign(count, 0);
        sides_.resize(push_.bodies);
        grid_.prepare(push_);
        for (uint32_t id = 0; id < push_.bodies; ++id) {
            const PhysicsBody& body = world.bodies[id];
            place_[id] = physics_vec(body.position[0], body.position[1], body.position[2]);
            speed_[0][id] = physics_vec(body.velocity[0], body.velocity[1], body.velocity[2]);
            fixed_[id] = physics_fixed(body);
        }
    }

    Result<Done> step();
    // Back into the world.
    void store();

    [[nodiscard]] const PhysicsCollisions& collisions() const { return collisions_; }
    [[nodiscard]] uint64_t contacts() const {
        uint64_t sum = 0;
        for (const Piece& piece : pieces_) sum += piece.contacts.size();
        return sum;
    }

  private:
    struct Piece {
        std::vector<PhysicsContact> contacts;
        std::vector<uint32_t> near;
        std::vector<uint64_t> pairs;  // new ones of this step
        bool out_of_memory = false;
    };
    // The contacts of a body: among those of its piece.
    struct Sides {
        uint32_t first;
        uint32_t count;
    };
    using Phase = void (NativeRun::*)(Piece& piece, uint32_t first, uint32_t end);

    Result<Done> substep();
    Result<Done> run(Phase phase);
    bool asked_to_stop() {
        if (stopped_.load(std::memory_order_relaxed)) return true;
        if (!stop_ || !stop_()) return false;
        stopped_.store(true, std::memory_order_relaxed);
        return true;
    }

    void move(Piece& piece, uint32_t first, uint32_t end);
    void find_contacts(Piece& piece, uint32_t first, uint32_t end);
    void share(Piece& piece, uint32_t first, uint32_t end);
    void push(Piece& piece, uint32_t first, uint32_t end);
    void settle(Piece& piece, uint32_t first, uint32_t end);
    void bounce(Piece& piece, uint32_t first, uint32_t end);

    void find_walls(Piece& piece, uint32_t id);

    PhysicsWorld& world_;
    PhysicsTeam& team_;
    const std::function<bool()>& stop_;
    PhysicsPush push_;
    PhysicsGrid grid_;
    PhysicsCollisions collisions_;
    std::vector<PhysicsVec> place_;
    std::vector<PhysicsVec> speed_[2];  // speed_[speed_now_] is read
    std::vector<PhysicsVec> shift_[2];  // displacements of this step
    uint32_t speed_now_ = 0;
    uint32_t shift_now_ = 0;
    std::vector<PhysicsFixed> fixed_;
    std::vector<float> load_;
    std::vector<Sides> sides_;
    std::vector<Piece> pieces_;
    std::atomic<bool> stopped_{false};
};

Result<Done> NativeRun::run(Phase phase) {
    // On the heap of no thread: two words fit a function object.
    struct Call {
        NativeRun* self;
        Phase phase;
    } call{this, phase};
    team_.run(static_cast<uint32_t>(pieces_.size()), [&call](uint32_t index) {
        NativeRun& self = *call.self;
        if (self.asked_to_stop()) return;
        Piece& piece = self.pieces_[index];
        const uint64_t count = self.push_.bodies;
        const uint64_t pieces = self.pieces_.size();
        try {
            (self.*call.phase)(piece, static_cast<uint32_t>(count * index / pieces),
                               static_cast<uint32_t>(count * (index + 1) / pieces));
        } catch (const std::bad_alloc&) {
            piece.out_of_memory = true;
        }
    });
    if (stopped_) return make_error(Status::kCancelled, "cancelled between two slices");
    for (const Piece& piece : pieces_) {
        if (piece.out_of_memory) return make_error(Status::kMemory, "no memory for contacts");
    }
    return Done{};
}

Result<Done> NativeRun::step() {
    for (uint32_t i = 0; i < world_.substeps; ++i) {
        if (Result<Done> done = substep(); !done) return done;
    }
    return Done{};
}

Result<Done> NativeRun::substep() {
    if (Result<Done> done = run(&NativeRun::move); !done) return done;
    grid_.sort();
    if (Result<Done> done = run(&NativeRun::find_contacts); !done) return done;
    if (contacts() > push_.sides_max) return too_many_contacts(push_.bodies);
    if (Result<Done> done = run(&NativeRun::share); !done) return done;
    for (uint32_t i = 0; i < world_.iterations; ++i) {
        if (Result<Done> done = run(&NativeRun::push); !done) return done;
        shift_now_ ^= 1;
    }
    if (Result<Done> done = run(&NativeRun::settle); !done) return done;
    for (uint32_t i = 0; i < physics_bounces(world_.iterations); ++i) {
        if (Result<Done> done = run(&NativeRun::bounce); !done) return done;
        speed_now_ ^= 1;
    }
    for (Piece& piece : pieces_) {
        for (const uint64_t pair : piece.pairs) collisions_.add(pair);
    }
    return Done{};
}

void NativeRun::move(Piece&, uint32_t first, uint32_t end) {
    for (uint32_t id = first; id < end; ++id) {
        PhysicsVec& v = speed_[speed_now_][id];
        v = physics_fall(push_, v);
        place_[id] = physics_move(push_, place_[id], v);
        grid_.set(push_, id, place_[id], fixed_[id].radius);
    }
}

void NativeRun::find_contacts(Piece& piece, uint32_t first, uint32_t end) {
    piece.contacts.clear();
    for (uint32_t id = first; id < end; ++id) {
        const auto begin = static_cast<uint32_t>(piece.contacts.size());
        find_walls(piece, id);
        piece.near.clear();
        grid_.visit_overlaps(push_, id, [&piece](const PhysicsGrid::Entry& other) {
            piece.near.push_back(other.id);
        });
        std::sort(piece.near.begin(), piece.near.end());
        for (const uint32_t other : piece.near) {
            piece.contacts.push_back(physics_touch(push_, id, place_[id], speed_[speed_now_][id],
                                                   fixed_[id], other, place_[other],
                                                   speed_[speed_now_][other], fixed_[other]));
        }
        const auto count = static_cast<uint32_t>(piece.contacts.size()) - begin;
        sides_[id] = {begin, count};
        load_[id] = physics_load(fixed_[id].inverse_mass, count);
        if (piece.contacts.size() > push_.sides_max) return;  // which is an error afterwards
    }
}

void NativeRun::find_walls(Piece& piece, uint32_t id) {
    const PhysicsVec x = place_[id];
    const PhysicsVec v = speed_[speed_now_][id];
    const PhysicsFixed& fixed = fixed_[id];
    PhysicsVec normal = physics_vec(0, 0, 0);
    for (uint32_t face = 0; face < 6; ++face) {
        if ((push_.faces >> face & 1) == 0) continue;
        const float distance = physics_face(push_, face, x, normal);
        if (!(distance < physics_reach(fixed.radius))) continue;
        piece.contacts.push_back(physics_lean(push_, normal, distance, v, fixed,
                                              kPhysicsBoundsRestitution, kPhysicsBoundsFriction));
    }
    for (const PhysicsPlane& plane : world_.planes) {
        normal = physics_vec(plane.normal[0], plane.normal[1], plane.normal[2]);
        const float distance = physics_plane(normal, plane.offset, x);
        if (!(distance < physics_reach(fixed.radius))) continue;
        piece.contacts.push_back(
            physics_lean(push_, normal, distance, v, fixed, plane.restitution, plane.friction));
    }
    for (const PhysicsBox& box : world_.boxes) {
        const float distance =
            physics_box(physics_vec(box.min[0], box.min[1], box.min[2]),
                        physics_vec(box.max[0], box.max[1], box.max[2]), x, normal);
        if (!(distance < physics_reach(fixed.radius))) continue;
        piece.contacts.push_back(
            physics_lean(push_, normal, distance, v, fixed, box.restitution, box.friction));
    }
}

void NativeRun::share(Piece& piece, uint32_t first, uint32_t end) {
    const PhysicsVec zero = physics_vec(0, 0, 0);
    for (uint32_t id = first; id < end; ++id) {
        shift_[shift_now_][id] = zero;
        PhysicsContact* contact = piece.contacts.data() + sides_[id].first;
        for (const PhysicsContact* last = contact + sides_[id].count; contact < last; ++contact) {
            contact->share = physics_share(load_[id], load_[contact->other]);
        }
    }
}

void NativeRun::push(Piece& piece, uint32_t first, uint32_t end) {
    const std::vector<PhysicsVec>& from = shift_[shift_now_];
    std::vector<PhysicsVec>& to = shift_[shift_now_ ^ 1];
    for (uint32_t id = first; id < end; ++id) {
        const PhysicsVec own = from[id];
        PhysicsVec sum = physics_vec(0, 0, 0);
        PhysicsContact* contact = piece.contacts.data() + sides_[id].first;
        for (const PhysicsContact* last = contact + sides_[id].count; contact < last; ++contact) {
            physics_push(*contact, own, from[contact->other], sum);
        }
        to[id] = physics_take(own, fixed_[id].inverse_mass, sum);
    }
}

void NativeRun::settle(Piece& piece, uint32_t first, uint32_t end) {
    piece.pairs.clear();
    std::vector<PhysicsVec>& speed = speed_[speed_now_];
    for (uint32_t id = first; id < end; ++id) {
        const PhysicsVec shift = shift_[shift_now_][id];
        place_[id] = physics_place(push_, place_[id], shift, fixed_[id].radius);
        speed[id] = physics_pushed(push_.inverse_step, speed[id], shift);
        if (!world_.lists_collisions) continue;
        const PhysicsContact* contact = piece.contacts.data() + sides_[id].first;
        for (const PhysicsContact* last = contact + sides_[id].count; contact < last; ++contact) {
            if (contact->other <= id || contact->other == push_.bodies) continue;
            if (!(contact->push > 0)) continue;
            const uint64_t pair = physics_pair(id, contact->other);
            if (!collisions_.has(pair)) piece.pairs.push_back(pair);
        }
    }
}

void NativeRun::bounce(Piece& piece, uint32_t first, uint32_t end) {
    const std::vector<PhysicsVec>& from = speed_[speed_now_];
    std::vector<PhysicsVec>& to = speed_[speed_now_ ^ 1];
    for (uint32_t id = first; id < end; ++id) {
        const PhysicsVec own = from[id];
        PhysicsVec sum = physics_vec(0, 0, 0);
        PhysicsContact* contact = piece.contacts.data() + sides_[id].first;
        for (const PhysicsContact* last = contact + sides_[id].count; contact < last; ++contact) {
            physics_bounce(push_.inverse_step, *contact, own, from[contact->other], sum);
        }
        to[id] = physics_take_speed(own, fixed_[id].inverse_mass, sum);
    }
}

void NativeRun::store() {
    for (uint32_t id = 0; id < push_.bodies; ++id) {
        PhysicsBody& body = world_.bodies[id];
        const PhysicsVec& x = place_[id];
        const PhysicsVec& v = speed_[speed_now_][id];
        body.position[0] = x.x, body.position[1] = x.y, body.position[2] = x.z;
        body.velocity[0] = v.x, body.velocity[1] = v.y, body.velocity[2] = v.z;
    }
}

}  // namespace

Result<Done> physics_native(PhysicsWorld& world, uint32_t energy_every, PhysicsTeam& team,
                            PhysicsOutcome& outcome, const std::function<bool()>& stop) {
    const FloatScope floats;
    NativeRun run(world, team, stop);
    if (energy_every > 0) outcome.energy.push_back({0, physics_energy(world)});
    for (uint32_t step = 1; step <= world.steps; ++step) {
        if (Result<Done> done = run.step(); !done) return done;
        if (energy_every > 0 && step % energy_every == 0) {
            run.store();
            outcome.energy.push_back({step, physics_energy(world)});
        }
    }
    run.store();
    outcome.collisions = run.collisions().sorted();
    outcome.collisions_cut = run.collisions().is_cut();
    outcome.contacts = run.contacts();
    return Done{};
}

}  // namespace p2c2r::kernels
