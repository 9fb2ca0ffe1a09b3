// Arrays by body id, and behind the last body one more that stands for every wall: at rest, without
// a share in anything, so the inner loops need not tell walls from bodies. The bodies, and the
// contacts, are cut into pieces, and the team does piece by piece. A contact belongs to the lower
// id of its two; it is computed once and serves both (physics_pairs.h).
#include "kernels/physics_native.h"

#include <algorithm>
#include <atomic>
#include <new>

#include "kernels/float_scope.h"
#include "kernels/physics_grid.h"
#include "kernels/physics_pairs.h"

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
            for (auto& vectors : *pair) vectors.assign(count, PhysicsQuad(zero));
        }
        fixed_.resize(count, PhysicsFixed{0, 0, 0, 0});
        load_.assign(count, 0);
        sides_of_.resize(push_.bodies);
        higher_starts_.resize(size_t{push_.bodies} + 2);
        for (uint32_t id = 0; id < push_.bodies; ++id) {
            const PhysicsBody& body = world.bodies[id];
            // Of a pair, and of a wall, the smaller friction counts: without any in the bodies
            // there is none.
            rubs_ = rubs_ || body.friction > 0;
            place_[id] = physics_vec(body.position[0], body.position[1], body.position[2]);
            speed_[0][id] =
                PhysicsQuad(physics_vec(body.velocity[0], body.velocity[1], body.velocity[2]));
            fixed_[id] = physics_fixed(body);
        }
        grid_.prepare(fixed_, push_.bodies, push_.slot_mask);
    }

    Result<Done> step();
    // Back into the world.
    void store();

    [[nodiscard]] const PhysicsCollisions& collisions() const { return collisions_; }
    // Of the last substep, those of two bodies counted by both.
    [[nodiscard]] uint64_t contacts() const {
        uint64_t sum = 0;
        for (const Piece& piece : pieces_) sum += piece.contacts.size() * 2 - piece.walls;
        return sum;
    }

  private:
    struct Piece {
        std::vector<PhysicsContact> contacts;  // with walls and higher ids, in order
        uint64_t walls = 0;                    // of these
        uint32_t first = 0;                    // its first pair among all
        std::vector<uint64_t> met;             // pairs that its bodies found
        std::vector<uint64_t> pressed;  // pairs that pressed on each other and were not known
        bool out_of_memory = false;
    };
    // The contacts of a body: walls, lower ids, higher ids.
    struct Sides {
        uint32_t first;  // in sides_
        uint32_t walls;
        uint32_t lower;
        uint32_t higher;
        [[nodiscard]] uint32_t count() const { return walls + lower + higher; }
    };
    // Of some of the bodies, or of the pairs.
    using Phase = void (NativeRun::*)(Piece& piece, uint32_t first, uint32_t end);

    Result<Done> substep();
    Result<Done> run(Phase phase, uint32_t count, uint32_t multiple = 1);
    Result<Done> run(Phase phase) { return run(phase, push_.bodies); }
    Result<Done> run_pairs(Phase phase) {
        return run(phase, pairs_.size_in_lanes(), PhysicsPairs::kLanes);
    }
    // Hands the pairs that were met to the lower ids of each.
    void deal();
    // Gives the pairs their numbers and the bodies their sides.
    void link();
    bool asked_to_stop() {
        if (stopped_.load(std::memory_order_relaxed)) return true;
        if (!stop_ || !stop_()) return false;
        stopped_.store(true, std::memory_order_relaxed);
        return true;
    }

    void move(Piece& piece, uint32_t first, uint32_t end);
    void find_pairs(Piece& piece, uint32_t first, uint32_t end);
    void make_contacts(Piece& piece, uint32_t first, uint32_t end);
    void share(Piece& piece, uint32_t first, uint32_t end);
    void push(Piece& piece, uint32_t first, uint32_t end);
    void take_shifts(Piece& piece, uint32_t first, uint32_t end);
    void settle(Piece& piece, uint32_t first, uint32_t end);
    void bounce(Piece& piece, uint32_t first, uint32_t end);
    void take_speeds(Piece& piece, uint32_t first, uint32_t end);

    void find_walls(Piece& piece, uint32_t id);
    [[nodiscard]] const uint32_t* sides(uint32_t id) const {
        return sides_.data() + sides_of_[id].first;
    }

    PhysicsWorld& world_;
    PhysicsTeam& team_;
    const std::function<bool()>& stop_;
    PhysicsPush push_;
    PhysicsGrid grid_;
    PhysicsCollisions collisions_;
    std::vector<PhysicsVec> place_;
    std::vector<PhysicsQuad> speed_[2];  // speed_[speed_now_] is read
    std::vector<PhysicsQuad> shift_[2];  // displacements of this step
    uint32_t speed_now_ = 0;
    uint32_t shift_now_ = 0;
    std::vector<PhysicsFixed> fixed_;
    std::vector<float> load_;
    std::vector<uint32_t> higher_starts_;  // in higher_, by id
    std::vector<uint32_t> higher_;         // ids of those that a body met, where they are higher
    PhysicsPairs pairs_;
    std::vector<uint32_t> sides_;
    std::vector<Sides> sides_of_;
    std::vector<Piece> pieces_;
    std::atomic<bool> stopped_{false};
    std::atomic<uint64_t> pairs_found_{0};  // of this substep
    bool rubs_ = false;                     // some contact may have friction
};

Result<Done> NativeRun::run(Phase phase, uint32_t count, uint32_t multiple) {
    // On the heap of no thread: two words fit a function object.
    struct Call {
        NativeRun* self;
        Phase phase;
        uint64_t parts;
        uint32_t multiple;
    } call{this, phase, count / multiple, multiple};
    team_.run(static_cast<uint32_t>(pieces_.size()), [&call](uint32_t index) {
        NativeRun& self = *call.self;
        if (self.asked_to_stop()) return;
        Piece& piece = self.pieces_[index];
        const uint64_t pieces = self.pieces_.size();
        try {
            (self.*call.phase)(
                piece, static_cast<uint32_t>(call.parts * index / pieces) * call.multiple,
                static_cast<uint32_t>(call.parts * (index + 1) / pieces) * call.multiple);
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
    pairs_found_.store(0, std::memory_order_relaxed);
    if (Result<Done> done = run(&NativeRun::find_pairs); !done) return done;
    if (2 * pairs_found_.load(std::memory_order_relaxed) > push_.sides_max) {
        return too_many_contacts(push_.bodies);
    }
    deal();
    if (Result<Done> done = run(&NativeRun::make_contacts); !done) return done;
    if (contacts() > push_.sides_max) return too_many_contacts(push_.bodies);
    link();
    if (Result<Done> done = run(&NativeRun::share); !done) return done;
    for (uint32_t i = 0; i < world_.iterations; ++i) {
        if (Result<Done> done = run_pairs(&NativeRun::push); !done) return done;
        if (Result<Done> done = run(&NativeRun::take_shifts); !done) return done;
        shift_now_ ^= 1;
    }
    if (Result<Done> done = run(&NativeRun::settle); !done) return done;
    for (uint32_t i = 0; i < physics_bounces(world_.iterations); ++i) {
        if (Result<Done> done = run_pairs(&NativeRun::bounce); !done) return done;
        if (Result<Done> done = run(&NativeRun::take_speeds); !done) return done;
        speed_now_ ^= 1;
    }
    for (Piece& piece : pieces_) {
        for (const uint64_t pair : piece.pressed) collisions_.add(pair);
    }
    return Done{};
}

void NativeRun::move(Piece&, uint32_t first, uint32_t end) {
    for (uint32_t id = first; id < end; ++id) {
        const PhysicsVec v = physics_fall(push_, speed_[speed_now_][id].vec());
        speed_[speed_now_][id] = PhysicsQuad(v);
        place_[id] = physics_move(push_, place_[id], v);
        grid_.set(id, place_[id]);
    }
}

void NativeRun::find_pairs(Piece& piece, uint32_t first, uint32_t end) {
    piece.met.clear();
    for (uint32_t id = first; id < end; ++id) {
        const size_t before = piece.met.size();
        grid_.find(id, piece.met);
        // Of all pieces together, each with two sides: more is an error afterwards, and the memory
        // for them is not taken.
        const uint64_t found = piece.met.size() - before;
        const uint64_t all = pairs_found_.fetch_add(found, std::memory_order_relaxed) + found;
        if (2 * all > push_.sides_max) return;
    }
}

void NativeRun::deal() {
    // Counted one further up, so that the starts of all are the ends of those before.
    std::fill(higher_starts_.begin(), higher_starts_.end(), 0u);
    for (const Piece& piece : pieces_) {
        for (const uint64_t pair : piece.met) ++higher_starts_[(pair >> 32) + 2];
    }
    for (size_t i = 1; i < higher_starts_.size(); ++i) higher_starts_[i] += higher_starts_[i - 1];
    higher_.resize(higher_starts_.back());
    for (const Piece& piece : pieces_) {
        for (const uint64_t pair : piece.met) {
            higher_[higher_starts_[(pair >> 32) + 1]++] = static_cast<uint32_t>(pair);
        }
    }
}

void NativeRun::make_contacts(Piece& piece, uint32_t first, uint32_t end) {
    piece.contacts.clear();
    piece.walls = 0;
    const std::vector<PhysicsQuad>& speed = speed_[speed_now_];
    for (uint32_t id = first; id < end; ++id) {
        const auto begin = static_cast<uint32_t>(piece.contacts.size());
        find_walls(piece, id);
        const auto walls = static_cast<uint32_t>(piece.contacts.size()) - begin;
        uint32_t* const higher = higher_.data() + higher_starts_[id];
        const uint32_t count = higher_starts_[id + 1] - higher_starts_[id];
        std::sort(higher, higher + count);
        for (uint32_t i = 0; i < count; ++i) {
            const uint32_t other = higher[i];
            piece.contacts.push_back(physics_touch(push_, id, place_[id], speed[id].vec(),
                                                   fixed_[id], other, place_[other],
                                                   speed[other].vec(), fixed_[other]));
        }
        piece.walls += walls;
        sides_of_[id] = {0, walls, 0, count};
        if (piece.contacts.size() > push_.sides_max) return;  // which is an error afterwards
    }
}

void NativeRun::link() {
    uint32_t count = 0;
    for (Piece& piece : pieces_) {
        piece.first = count;
        count += static_cast<uint32_t>(piece.contacts.size());
        for (const PhysicsContact& contact : piece.contacts) {
            if (contact.other != push_.bodies) ++sides_of_[contact.other].lower;
        }
    }
    uint32_t first = 0;
    for (uint32_t id = 0; id < push_.bodies; ++id) {
        Sides& own = sides_of_[id];
        own.first = first;
        first += own.count();
        load_[id] = physics_load(fixed_[id].inverse_mass, own.count());
        own.lower = 0;  // counted again while they come
    }
    pairs_.resize(count, push_.bodies);
    sides_.resize(first);
    // By ascending lower id, so each body's lower ones come to it in their order.
    uint32_t index = 0;
    uint32_t id = 0;
    for (const Piece& piece : pieces_) {
        for (size_t at = 0; at < piece.contacts.size(); ++id) {
            const Sides& own = sides_of_[id];
            uint32_t* const walls = sides_.data() + own.first;
            uint32_t* const higher = walls + own.walls + own.lower;
            for (uint32_t i = 0; i < own.walls; ++i, ++index) {
                walls[i] = PhysicsPairs::side(index, false);
            }
            at += own.walls;
            for (uint32_t i = 0; i < own.higher; ++i, ++index, ++at) {
                higher[i] = PhysicsPairs::side(index, false);
                Sides& other = sides_of_[piece.contacts[at].other];
                sides_[other.first + other.walls + other.lower++] = PhysicsPairs::side(index, true);
            }
        }
    }
}

void NativeRun::find_walls(Piece& piece, uint32_t id) {
    const PhysicsVec x = place_[id];
    const PhysicsVec v = speed_[speed_now_][id].vec();
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
    uint32_t index = piece.first;
    PhysicsContact* contact = piece.contacts.data();
    for (uint32_t id = first; id < end; ++id) {
        shift_[shift_now_][id] = PhysicsQuad();
        const uint32_t owned = sides_of_[id].walls + sides_of_[id].higher;
        for (uint32_t i = 0; i < owned; ++i, ++contact, ++index) {
            contact->share = physics_share(load_[id], load_[contact->other]);
            pairs_.set(index, id, *contact);
        }
    }
}

void NativeRun::push(Piece&, uint32_t first, uint32_t end) {
    pairs_.push(first, end, shift_[shift_now_].data());
}

void NativeRun::take_shifts(Piece&, uint32_t first, uint32_t end) {
    const std::vector<PhysicsQuad>& from = shift_[shift_now_];
    std::vector<PhysicsQuad>& to = shift_[shift_now_ ^ 1];
    for (uint32_t id = first; id < end; ++id) {
        to[id] =
            pairs_.take_shift(from[id], fixed_[id].inverse_mass, sides(id), sides_of_[id].count());
    }
}

void NativeRun::settle(Piece& piece, uint32_t first, uint32_t end) {
    piece.pressed.clear();
    std::vector<PhysicsQuad>& speed = speed_[speed_now_];
    uint32_t index = piece.first;
    for (uint32_t id = first; id < end; ++id) {
        const PhysicsVec shift = shift_[shift_now_][id].vec();
        place_[id] = physics_place(push_, place_[id], shift, fixed_[id].radius);
        speed[id] = PhysicsQuad(physics_pushed(push_.inverse_step, speed[id].vec(), shift));
        index += sides_of_[id].walls;
        for (uint32_t i = 0; i < sides_of_[id].higher; ++i, ++index) {
            if (!world_.lists_collisions || !pairs_.pressed(index)) continue;
            const uint64_t pair = physics_pair(id, pairs_.high(index));
            if (!collisions_.has(pair)) piece.pressed.push_back(pair);
        }
    }
}

void NativeRun::bounce(Piece&, uint32_t first, uint32_t end) {
    pairs_.bounce(first, end, speed_[speed_now_].data(), push_.inverse_step, rubs_);
}

void NativeRun::take_speeds(Piece&, uint32_t first, uint32_t end) {
    const std::vector<PhysicsQuad>& from = speed_[speed_now_];
    std::vector<PhysicsQuad>& to = speed_[speed_now_ ^ 1];
    for (uint32_t id = first; id < end; ++id) {
        to[id] = pairs_.take_speed(from[id], fixed_[id].inverse_mass, sides(id),
                                   sides_of_[id].count(), rubs_);
    }
}

void NativeRun::store() {
    for (uint32_t id = 0; id < push_.bodies; ++id) {
        PhysicsBody& body = world_.bodies[id];
        const PhysicsVec& x = place_[id];
        const PhysicsVec v = speed_[speed_now_][id].vec();
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
