#include "physics_peer.h"

#include <btBulletDynamicsCommon.h>

#include <vector>

namespace p2c2r::bench {

struct BulletWorld::State {
    btDefaultCollisionConfiguration configuration;
    btCollisionDispatcher dispatcher{&configuration};
    btDbvtBroadphase broadphase;
    btSequentialImpulseConstraintSolver solver;
    btDiscreteDynamicsWorld world{&dispatcher, &broadphase, &solver, &configuration};
    std::vector<std::unique_ptr<btCollisionShape>> shapes;
    std::vector<std::unique_ptr<btDefaultMotionState>> motions;
    std::vector<std::unique_ptr<btRigidBody>> walls;
    std::vector<std::unique_ptr<btRigidBody>> bodies;
    btScalar step = 0;

    void add_wall(const btVector3& normal, btScalar offset) {
        shapes.push_back(std::make_unique<btStaticPlaneShape>(normal, offset));
        btRigidBody::btRigidBodyConstructionInfo info(0, nullptr, shapes.back().get());
        info.m_restitution = 1;
        info.m_friction = 0;
        walls.push_back(std::make_unique<btRigidBody>(info));
        world.addRigidBody(walls.back().get());
    }
};

BulletWorld::BulletWorld(const kernels::PhysicsWorld& from, int iterations)
    : state_(std::make_unique<State>()) {
    State& state = *state_;
    state.step = from.timestep;
    state.world.setGravity(btVector3(from.gravity[0], from.gravity[1], from.gravity[2]));
    state.world.getSolverInfo().m_numIterations = iterations;
    for (int face = 0; face < 6; ++face) {
        if ((from.faces >> face & 1) == 0) continue;
        btVector3 normal(0, 0, 0);
        const int axis = face / 2;
        normal[axis] = face % 2 == 0 ? 1 : -1;
        state.add_wall(normal, face % 2 == 0 ? from.bound_min[axis] : -from.bound_max[axis]);
    }
    // One shape for all spheres of a size: the bench's worlds have one.
    state.shapes.push_back(std::make_unique<btSphereShape>(from.bodies[0].radius));
    btCollisionShape* sphere = state.shapes.back().get();
    for (const kernels::PhysicsBody& body : from.bodies) {
        btTransform at;
        at.setIdentity();
        at.setOrigin(btVector3(body.position[0], body.position[1], body.position[2]));
        state.motions.push_back(std::make_unique<btDefaultMotionState>(at));
        btVector3 inertia(0, 0, 0);
        sphere->calculateLocalInertia(body.mass, inertia);
        btRigidBody::btRigidBodyConstructionInfo info(body.mass, state.motions.back().get(), sphere,
                                                      inertia);
        info.m_restitution = body.restitution;
        info.m_friction = 0;
        state.bodies.push_back(std::make_unique<btRigidBody>(info));
        state.bodies.back()->setActivationState(DISABLE_DEACTIVATION);
        state.bodies.back()->setLinearVelocity(
            btVector3(body.velocity[0], body.velocity[1], body.velocity[2]));
        state.world.addRigidBody(state.bodies.back().get());
    }
}

BulletWorld::~BulletWorld() {
    for (auto& body : state_->bodies) state_->world.removeRigidBody(body.get());
    for (auto& wall : state_->walls) state_->world.removeRigidBody(wall.get());
}

void BulletWorld::step() {
    state_->world.stepSimulation(state_->step, 0, state_->step);
}

void BulletWorld::read(kernels::PhysicsWorld& world) const {
    for (size_t i = 0; i < world.bodies.size(); ++i) {
        const btVector3& x = state_->bodies[i]->getWorldTransform().getOrigin();
        const btVector3& v = state_->bodies[i]->getLinearVelocity();
        for (int axis = 0; axis < 3; ++axis) {
            world.bodies[i].position[axis] = x[axis];
            world.bodies[i].velocity[axis] = v[axis];
        }
    }
}

}  // namespace p2c2r::bench
