// Field numbers of envelopes: one number space for all messages (PROTOCOL.md lists which message
// has which). A number is one byte on the wire, is never given a second meaning, and keeps its
// type.
#pragma once

#include <cstdint>

namespace p2c2r::wire::field {

// Session. 0 to 3 are hello's first fields and stay as they are in every version to come.
inline constexpr uint8_t kVersions = 0;
inline constexpr uint8_t kRole = 1;
inline constexpr uint8_t kNonce = 2;
inline constexpr uint8_t kLibrary = 3;
inline constexpr uint8_t kVersion = 4;
inline constexpr uint8_t kLoginMethods = 5;
inline constexpr uint8_t kLoginMethod = 6;
inline constexpr uint8_t kToken = 7;
inline constexpr uint8_t kResume = 8;
inline constexpr uint8_t kHeartbeatIntervalMs = 9;
inline constexpr uint8_t kTaskTimeoutMs = 10;
inline constexpr uint8_t kWindowBytes = 11;
inline constexpr uint8_t kWindowTasks = 12;
inline constexpr uint8_t kSlots = 13;
inline constexpr uint8_t kSlotsFree = 14;
inline constexpr uint8_t kRetryAfterMs = 15;

// What is asked for.
inline constexpr uint8_t kTaskType = 16;
inline constexpr uint8_t kRequesterId = 17;
inline constexpr uint8_t kPriority = 18;
inline constexpr uint8_t kDeadline = 19;  // microseconds that remain
inline constexpr uint8_t kCircle = 20;
inline constexpr uint8_t kVerify = 21;
inline constexpr uint8_t kPrice = 22;
inline constexpr uint8_t kTaskFlags = 23;
inline constexpr uint8_t kPayloadPlace = 24;
inline constexpr uint8_t kDigest = 25;
inline constexpr uint8_t kDependsOn = 26;
inline constexpr uint8_t kChecksum = 27;
inline constexpr uint8_t kSizes = 28;
inline constexpr uint8_t kAttempt = 29;
inline constexpr uint8_t kOutputSizeMax = 30;
inline constexpr uint8_t kEndpoint = 31;  // reserved for payload_place 2

// How it ended.
inline constexpr uint8_t kStatus = 32;
inline constexpr uint8_t kError = 33;
inline constexpr uint8_t kField = 34;
inline constexpr uint8_t kProcessingTime = 35;  // microseconds
inline constexpr uint8_t kNetworkLatency = 36;  // microseconds
inline constexpr uint8_t kQueueTime = 37;       // microseconds
inline constexpr uint8_t kAttempts = 38;
inline constexpr uint8_t kSource = 39;
inline constexpr uint8_t kResourceUsage = 40;
inline constexpr uint8_t kLoad = 41;
inline constexpr uint8_t kSuccess = 42;
inline constexpr uint8_t kCircleAccepted = 47;

// Who is there.
inline constexpr uint8_t kPeerId = 48;
inline constexpr uint8_t kClientId = 49;
inline constexpr uint8_t kCapabilities = 50;
inline constexpr uint8_t kCodecClass = 51;
inline constexpr uint8_t kReason = 52;
inline constexpr uint8_t kTimestamp = 53;
inline constexpr uint8_t kTasksCompleted = 54;
inline constexpr uint8_t kTasksFailed = 55;
inline constexpr uint8_t kAvailablePeers = 56;
inline constexpr uint8_t kTotalPeers = 57;
inline constexpr uint8_t kName = 58;

// What stays.
inline constexpr uint8_t kContentBytes = 64;
// How a result is coded on its way.
inline constexpr uint8_t kCoding = 65;
inline constexpr uint8_t kPlainSizes = 66;
// How large the data of a result is that stays.
inline constexpr uint8_t kContentSize = 67;
// What the owner of a peer allows.
inline constexpr uint8_t kMode = 70;
inline constexpr uint8_t kWhy = 71;
inline constexpr uint8_t kDuty = 72;
inline constexpr uint8_t kDataUsed = 73;
// As whom a connection was let in.
inline constexpr uint8_t kAccount = 74;
// How often a peer with work says something.
inline constexpr uint8_t kBeatIntervalMs = 80;
// How fast a peer is, by its own benchmark.
inline constexpr uint8_t kSpeed = 81;

}  // namespace p2c2r::wire::field
