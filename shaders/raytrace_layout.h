// The words that the two forms of the ray tracer hand each other, shared by C++ and GLSL.
#ifndef P2C2R_SHADERS_RAYTRACE_LAYOUT_H
#define P2C2R_SHADERS_RAYTRACE_LAYOUT_H

#ifdef __cplusplus
#include <cstdint>
namespace p2c2r::kernels {
using uint = uint32_t;
#endif

// ---- frame: the camera and the lights, one a task -----------------------------------------------

const uint kRtFrameOrigin = 0u;   // 3: of the camera
const uint kRtFrameForward = 3u;  // 3: unit
const uint kRtFrameRight = 6u;    // 3: 1/1024 of a pixel in the plane at distance 1
const uint kRtFrameDown = 9u;     // 3: the same
const uint kRtFrameWidth = 12u;   // of the whole picture
const uint kRtFrameHeight = 13u;
const uint kRtFrameSeed = 14u;
const uint kRtFrameBounces = 15u;
const uint kRtFrameAmbient = 16u;
const uint kRtFrameBackground = 17u;  // 3
const uint kRtFrameLightCount = 20u;
const uint kRtFramePlaneCount = 21u;  // planes stand first among the words behind the lights
const uint kRtFrameNodeCount = 22u;
const uint kRtFrameMaterials = 23u;  // where they begin in the words of the primitives
const uint kRtFrameMode = 24u;
const uint kRtFrameRays = 25u;     // of a probe: as many directions stand behind the other words
const uint kRtFrameGbuffer = 26u;  // not 0: paths begin at a G-buffer, which stands behind
const uint kRtFrameLights = 28u;

const uint kRtLightWords = 8u;  // place, colour times intensity, radius
const uint kRtLightsMax = 32u;
const uint kRtPlanesMax = 32u;
const uint kRtFramePlanes = 284u;  // kRtFrameLights + kRtLightsMax * kRtLightWords
const uint kRtFrameWords = 316u;   // kRtFramePlanes + kRtPlanesMax; then 3 words a direction of a
                                   // probe, 3 words a place of one

const uint kRtModeColor = 0u;
const uint kRtModeReflections = 1u;  // what mirrors and glass show, nothing elsewhere
const uint kRtModeLayers = 2u;       // first hits only
const uint kRtModeShadows = 3u;      // lights of first hits, from the lights' centres
const uint kRtModeProbes = 4u;       // a pixel is a probe, its samples are the frame's directions
const uint kRtModeGather = 5u;       // what light a surface of the G-buffer receives

// ---- a G-buffer, behind the frame's kRtFrameWords -----------------------------------------------

const uint kRtGbufferColumn = 0u;  // of its first pixel in the picture
const uint kRtGbufferRow = 1u;
const uint kRtGbufferWidth = 2u;
const uint kRtGbufferJitterX = 3u;  // of what it shows from the centres of pixels, in 1/1024 of one
const uint kRtGbufferJitterY = 4u;
const uint kRtGbufferFormat = 5u;  // of normals
const uint kRtGbufferAlong = 6u;   // not 0: depth counts along the camera's direction
const uint kRtGbufferBias = 7u;
const uint kRtGbufferBiasShare = 8u;  // and so much of the distance
const uint kRtGbufferBiasAlong = 9u;  // and so much for each length of the pixel's direction
const uint kRtGbufferPixels = 10u;    // row by row:
const uint kRtGbufferWords = 3u;      // depth (0: nothing is there), normal, strength of the mirror

const uint kRtNormalS8x3 = 0u;   // three signed bytes
const uint kRtNormalOct16 = 1u;  // octahedral, two signed bytes
const uint kRtNormalOct32 = 2u;  // octahedral, two signed 16 bits

// ---- primitives, in the order of the request, then materials, one an object --------------------

const uint kRtPrimWords = 12u;  // kind and flags, object, data
const uint kRtPrimData = 2u;
const uint kRtKindMask = 0xFFu;
const uint kRtLightPasses = 0x100u;  // a flag: casts no shadow
const uint kRtSphere = 0u;           // centre, radius
const uint kRtTriangle = 1u;         // corner, two edges from there
const uint kRtPlane = 2u;            // unit normal, its product with a point of the plane
const uint kRtBox = 3u;              // lowest and highest corner

const uint kRtMaterialWords = 8u;  // kind, colour, ior, 1 / ior, least reflection
const uint kRtDiffuse = 0u;
const uint kRtMirror = 1u;
const uint kRtDielectric = 2u;
const uint kRtEmissive = 3u;  // the colour is what it sends

// ---- nodes of the hierarchy: two children a node ------------------------------------------------

const uint kRtNodeWords = 16u;     // two boxes (lowest, highest corner), two references, 2 unused
const uint kRtLeaf = 0x80000000u;  // a reference: the number of a primitive, not of a node
const uint kRtNone = 0xFFFFFFFFu;
const uint kRtStackMax = 64u;  // deeper hierarchies are not built

// ---- numbers ------------------------------------------------------------------------------------

const float kRtFar = 1048576.0f;               // nothing is seen beyond
const float kRtInverseOfZero = 1.1529215e18f;  // 2^60
const float kRtLift = 0.0001220703125f;        // 2^-13
const float kRtLiftOfDistance = 9.5367431640625e-07f;
const float kRtLiftOfRadius = 1.9073486328125e-06f;
const float kRtSlopeLeast = 9.5367431640625e-07f;  // flatter light counts as none
const float kRtSampleOne = 65535.0f;
const uint kRtPurposeFresnel = 64u;  // of rt_random(); below are lights
const uint kRtPurposeGather = 65u;

// path.phase: what is to be done
const uint kRtNearest = 0u;
const uint kRtLight = 1u;
const uint kRtShadow = 2u;
const uint kRtDone = 3u;

// ---- the shader's own
// -----------------------------------------------------------------------------
//
// An invocation computes all samples of one pixel. What it is doing is kept between dispatches, so
// that each of them can be short: a dispatch makes at most `turns` turns of the one loop.

const uint kRtGroupSide = 8u;     // x and y
const uint kRtStateStack = 45u;   // words of a pixel in front of its stack
const uint kRtStateWords = 109u;  // and with it; word n of all pixels lies together
const uint kRtTurnsExtra = 128u;  // to save the stack and to load it

struct RtSlice {
    uint column;  // of the block's first pixel in the picture
    uint row;
    uint width;  // of the block
    uint height;
    uint sample_first;
    uint sample_end;
    uint turns;
    uint resumes;  // 0: the first dispatch of a block
};

// Counters: pixels that are finished, turns that were made, both modulo 2^32 since the job began.
const uint kRtCounters = 2u;

#ifdef __cplusplus
}  // namespace p2c2r::kernels
#endif

#endif
