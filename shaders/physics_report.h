// Words of the report that the shaders of `physics` leave for the host, in both languages.
#ifndef P2C2R_SHADERS_PHYSICS_REPORT_H
#define P2C2R_SHADERS_PHYSICS_REPORT_H

#ifdef __cplusplus
#include <cstdint>
namespace p2c2r::kernels {
using uint = uint32_t;
#endif

const uint kPhysicsGroup = 256u;  // invocations, and bodies of a block
// A body with more contacts, or with more bodies in the 27 slots around it, is beyond this form:
// loops of an invocation must stay short. Looking at those around and at the large ones, sorting
// (1.5 x 10 turns a contact) and filling are 38 400 turns at most.
const uint kPhysicsContactsOfBodyMax = 1024u;
const uint kPhysicsNearMax = 20000u;
// Up to so many bodies that are larger than the others have no part in the width of the cells.
// Everybody looks at them, and a group of invocations finds the contacts of each. In worlds of so
// few that all are looked at anyway, none is.
const uint kPhysicsLargeMax = 1024u;
const uint kPhysicsLargeFrom = 64u;
const uint kPhysicsContactsOfLargeMax = 4096u;

const uint kPhysicsReportTotal = 0u;   // contacts of all bodies
const uint kPhysicsReportBeyond = 1u;  // not 0: a body was beyond this form
// Then a word a body: where its contacts begin. Then a word a contact: the other body, and whether
// they pressed on each other.
const uint kPhysicsReportHead = 4u;
const uint kPhysicsReportPressed = 0x80000000u;

#ifdef __cplusplus
}  // namespace p2c2r::kernels
#endif

#endif
