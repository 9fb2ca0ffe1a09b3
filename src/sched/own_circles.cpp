#include "sched/own_circles.h"

namespace p2c2r::sched {

OwnCircle& OwnCircles::make_room(OwnerIndex owner, const std::vector<TypeIndex>& types) {
    if (owner >= circles_.size()) circles_.resize(owner + 1u);
    if (!circles_[owner]) circles_[owner] = std::make_unique<OwnCircle>();
    OwnCircle& circle = *circles_[owner];
    if (circle.free_places.empty()) {
        // A place for each, so that whoever leaves gives its own back without memory.
        const size_t places = circle.peers.size() + 1;
        if (places > circle.free_places.capacity()) circle.free_places.reserve(2 * places);
        circle.peers.push_back(0);
        circle.free_places.push_back(static_cast<uint32_t>(places - 1));
    }
    const uint32_t place = circle.free_places.back();
    for (TypeIndex type : types) {
        if (type >= circle.types.size()) circle.types.resize(type + 1u);
        if (PeerHeaps* heaps = circle.types[type].heaps.get()) heaps->make_room(place);
    }
    return circle;
}

uint32_t OwnCircles::join(OwnerIndex owner, uint64_t peer, bool limited) {
    OwnCircle& circle = *circles_[owner];
    const uint32_t place = circle.free_places.back();
    circle.free_places.pop_back();
    circle.peers[place] = peer;
    ++circle.members;
    circle.limited += limited;
    limited_ += limited;
    return place;
}

void OwnCircles::leave(OwnerIndex owner, uint32_t place, bool limited) {
    OwnCircle& circle = *circles_[owner];
    circle.limited -= limited;
    limited_ -= limited;
    if (--circle.members == 0) {
        circles_[owner].reset();
        return;
    }
    circle.peers[place] = 0;
    circle.free_places.push_back(place);  // make_room() has reserved
}

}  // namespace p2c2r::sched
