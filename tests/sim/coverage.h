// The "sometimes" list: what a batch of seeds must have hit at least once, or the simulator does
// not test what it says it does.
#pragma once

#include <array>
#include <cstdint>

namespace p2c2r::sim {

// One line each: enumerator and the name that is printed.
#define P2C2R_SIM_SOMETIMES(X)                                            \
    /* faults of the network */                                           \
    X(kLongDelay, "a piece that takes more than 50 ms")                   \
    X(kBurst, "a burst of delay")                                         \
    X(kCutWrite, "a write cut into pieces")                               \
    X(kSingleByte, "a piece of one byte")                                 \
    X(kSplitFrame, "a frame that arrives in parts")                       \
    X(kReset, "a connection reset")                                       \
    X(kHalfOpen, "a direction that drops silently")                       \
    X(kHoleToHost, "a way to a host held for a while")                    \
    X(kHoleFromHost, "a way from a host held for a while")                \
    X(kBlackHoleForever, "a direction held for ever")                     \
    X(kPartition, "a partition")                                          \
    X(kSlowReader, "a reader that stalls")                                \
    X(kWindowFull, "a full window")                                       \
    X(kSendOverflow, "a reader too far behind is closed")                 \
    X(kConnectRefused, "a refused connection")                            \
    X(kConnectTimeout, "a connection attempt that times out")             \
    X(kPlacedData, "data received in place")                              \
    X(kWritable, "a queue that drains below the low mark")                \
    /* faults of nodes */                                                 \
    X(kLateTimer, "a timer more than 1 ms late")                          \
    X(kClockOff, "a clock that is off")                                   \
    X(kClockDrift, "a clock that drifts")                                 \
    X(kPeerCrash, "a peer process that dies")                             \
    X(kPeerVanish, "a peer machine that vanishes")                        \
    X(kPeerLeave, "a peer that leaves in order")                          \
    X(kPeerDrain, "a peer that is drained")                               \
    X(kPeerPause, "a peer that pauses in mid-task")                       \
    X(kPeerSlow, "a slow peer")                                           \
    X(kSpeedTold, "a peer that says how fast it is")                      \
    X(kSpeedLie, "a peer that lies about how fast it is")                 \
    X(kPeerNewName, "a peer that comes back under another name")          \
    X(kMemoryShort, "an allocation that fails")                           \
    X(kMemoryLost, "a connection lost for want of memory")                \
    X(kJobStall, "a job that stalls")                                     \
    X(kJobError, "a job that fails")                                      \
    X(kJobParamsError, "a job that finds wrong params")                   \
    X(kJobCancelled, "a job that honours a cancel")                       \
    X(kJobIgnoresCancel, "a job that ignores a cancel")                   \
    X(kJobRefused, "a runner that cannot start a job")                    \
    X(kTypesChange, "executors that come and go")                         \
    X(kForgedNonce, "a result with a wrong nonce")                        \
    X(kForgedTask, "a result for a task not held")                        \
    X(kWindowChange, "a window that changes")                             \
    X(kRefuseTwice, "a task handed back twice")                           \
    X(kBrokenStream, "a result stream that breaks its promise")           \
    X(kResultTwice, "a result sent twice")                                \
    X(kGivesUp, "a gamer that gives up reconnecting")                     \
    X(kGamerCrash, "a gamer that dies and comes back")                    \
    X(kCoordinatorCrash, "a coordinator that dies")                       \
    X(kCoordinatorVanish, "a coordinator machine that vanishes")          \
    X(kCoordinatorDrain, "a coordinator that is drained")                 \
    X(kCoordinatorClose, "a coordinator that closes in order")            \
    /* owners */                                                          \
    X(kLoginToken, "an account with a token")                             \
    X(kLoginKey, "an account with a key")                                 \
    X(kLoginCode, "an account by a join code")                            \
    X(kLoginRefused, "a login that is refused")                           \
    X(kRevokedAtWork, "a peer revoked while it works")                    \
    X(kRevokedGamer, "a gamer revoked while its tasks run")               \
    X(kAccountMoved, "an account that another owner's code moves")        \
    X(kOwnTask, "an own task placed")                                     \
    X(kOwnTaskAgain, "an own task placed again")                          \
    X(kOwnTaskHere, "an own task computed by the coordinator")            \
    X(kOwnTaskWaits, "an own task whose owner has no machine")            \
    X(kLimitedServes, "a limited peer serves an invited task")            \
    X(kPublicTask, "a task of circle public refused")                     \
    /* gamers */                                                          \
    X(kFlood, "a flood of tasks")                                         \
    X(kCancelStorm, "a submit-cancel storm")                              \
    X(kSameIdAgain, "a submit with an id that is pending")                \
    X(kUsedIdAgain, "a submit with an id that has ended")                 \
    X(kZeroDeadline, "a submit whose deadline is over")                   \
    X(kShortDeadline, "a deadline below 5 ms")                            \
    X(kGarbage, "garbage in place of frames")                             \
    X(kGarbageEnvelope, "a frame with a broken envelope")                 \
    X(kWrongPhase, "a message out of its phase")                          \
    X(kVanishResume, "a gamer that vanishes and resumes")                 \
    X(kVanishMidStream, "a gamer that vanishes in mid-input")             \
    X(kDependsOn, "a task that depends on another")                       \
    X(kLocalPlace, "a task for the gamer's own machine")                  \
    X(kLocalAtDeadline, "a task with a local fallback")                   \
    X(kCall, "a named question answered")                                 \
    /* what happens to tasks */                                           \
    X(kCut, "a task put together of its parts")                           \
    X(kPartAway, "a part computed by another")                            \
    X(kPartHere, "a part computed by its gamer")                          \
    X(kPartAgain, "a part that was refused and went again")               \
    X(kInputInChunks, "an input in chunks")                               \
    X(kContentTask, "a task whose data is a content")                     \
    X(kContentDelta, "a content changed for one task")                    \
    X(kContentWanted, "a gamer that is asked for a content")              \
    X(kContentAtPeer, "a peer that asks for a content")                   \
    X(kContentInChunks, "a content in chunks")                            \
    X(kContentInline, "a content that goes along with its task")          \
    X(kStays, "a result that stays")                                      \
    X(kStaysInChunks, "a result in chunks that stays")                    \
    X(kStaysNot, "a result that finds no room to stay")                   \
    X(kStage, "a task that goes on from such a result")                   \
    X(kStageChanged, "a stage whose data is changed for it")              \
    X(kStageAtMaker, "a stage where its data was made")                   \
    X(kStageElsewhere, "a stage at another peer")                         \
    X(kStageHere, "a stage computed by the coordinator")                  \
    X(kStageMakerGone, "a stage whose data was made by one that is gone") \
    X(kStageBrought, "a stage whose data is brought to another peer")     \
    X(kStageForgotten, "a stage whose data its maker has forgotten")      \
    X(kStageGone, "a stage whose data is gone")                           \
    X(kBytesFetched, "the bytes of such a result fetched")                \
    X(kBytesInChunks, "the same in chunks")                               \
    X(kBytesGone, "such bytes that are gone")                             \
    X(kLetGo, "such a result that its gamer lets go")                     \
    X(kResultInChunks, "a result in chunks")                              \
    X(kResultRestarted, "a result stream that restarts")                  \
    X(kRetryAfterError, "an attempt after an error")                      \
    X(kRetryAfterLoss, "an attempt after the loss of a peer")             \
    X(kRetryAfterTimeout, "an attempt after a timeout")                   \
    X(kRetryAfterSilence, "an attempt after silence in mid-input")        \
    X(kTakenBack, "an order taken back for a peer with no work")          \
    X(kNotBegun, "an order that was given up before it was begun")        \
    X(kCopyOfLate, "a copy of a task that is late")                       \
    X(kCopyAtOnce, "a copy of a task with little time")                   \
    X(kCopyForSilence, "a copy of a silent peer's task")                  \
    X(kCopyAnswers, "a copy that answers")                                \
    X(kWholeAfterStall, "an attempt after the input had stalled")         \
    X(kThirdAttempt, "a third attempt")                                   \
    X(kRefused, "a task handed back")                                     \
    X(kCancelReachesPeer, "a cancel that reaches a peer")                 \
    X(kGivenUpAnswered, "an answer to an attempt given up")               \
    X(kWindowReached, "a peer whose window is full")                      \
    X(kQueued, "a task that waits in the queue")                          \
    X(kDependsOnWire, "a task that depends on one, on the wire")          \
    X(kBehindLarge, "a small task that waits behind a large one")         \
    X(kWaitsForGamer, "a task whose gamer has too much to read")          \
    X(kByCoordinator, "a task computed by the coordinator")               \
    X(kByGamer, "a task computed by its gamer")                           \
    X(kKeptHere, "a task kept where helpers are no gain")                 \
    X(kTrialSent, "a copy of such a task at a helper")                    \
    X(kFromCache, "a task whose answer was known")                        \
    X(kKeptDelivery, "an answer that waited for its gamer")               \
    X(kReplacedConnection, "a resume that replaces a connection")         \
    X(kIdTaken, "an id that is taken")                                    \
    X(kResubmitted, "a task submitted again after a reconnect")           \
    X(kTaskTimeout, "a task_timeout on the wire")                         \
    X(kTurnKept, "a task that got its turn beside a flood")               \
    /* from one state to the next, as far as the wire shows it */         \
    X(kOverWaiting, "a waiting task whose time is over")                  \
    X(kOverAtPeer, "a placed task whose time is over")                    \
    X(kOverHere, "a task of the coordinator whose time is over")          \
    X(kOverHeld, "a held task whose time is over")                        \
    X(kUndoneWaiting, "a waiting task cancelled")                         \
    X(kUndoneAtPeer, "a placed task cancelled")                           \
    X(kUndoneHere, "a task of the coordinator cancelled")                 \
    X(kUndoneHeld, "a held task cancelled")                               \
    X(kReleased, "a held task placed")                                    \
    X(kHereAfterPeers, "a task computed here after a peer had it")        \
    /* fault points in the code */                                        \
    X(kPointAnswerNotShared, "point: answer_not_shared")                  \
    X(kPointAnswerNotKept, "point: answer_not_kept")                      \
    X(kPointContentUnknown, "point: content_unknown")                     \
    X(kPointContentForgotten, "point: content_forgotten")                 \
    X(kPointNoPlaceForTask, "point: no_place_for_task")                   \
    X(kPointInputCopied, "point: input_copied")                           \
    X(kPointTimerEarly, "point: timer_early")                             \
    X(kPointTaskHandedBack, "point: task_handed_back")                    \
    X(kPointRunEnds, "point: run_ends")                                   \
    /* final statuses at a gamer */                                       \
    X(kEndOk, "end: OK")                                                  \
    X(kEndBusy, "end: E_BUSY")                                            \
    X(kEndTimeout, "end: E_TIMEOUT")                                      \
    X(kEndDeadline, "end: E_DEADLINE")                                    \
    X(kEndCancelled, "end: E_CANCELLED")                                  \
    X(kEndDisconnected, "end: E_DISCONNECTED")                            \
    X(kEndClosed, "end: E_CLOSED")                                        \
    X(kEndState, "end: E_STATE")                                          \
    X(kEndTaskType, "end: E_TASK_TYPE")                                   \
    X(kEndUnsupported, "end: E_UNSUPPORTED")                              \
    X(kEndParams, "end: E_PARAMS")                                        \
    X(kEndExecutor, "end: E_EXECUTOR")                                    \
    X(kEndDevice, "end: E_DEVICE")                                        \
    X(kEndMemory, "end: E_MEMORY")                                        \
    X(kEndInternal, "end: E_INTERNAL")                                    \
    X(kEndContent, "end: E_CONTENT")

enum class Sometimes : uint32_t {
#define P2C2R_SIM_ENUMERATOR(name, text) name,
    P2C2R_SIM_SOMETIMES(P2C2R_SIM_ENUMERATOR)
#undef P2C2R_SIM_ENUMERATOR
        kCount
};

class Coverage {
  public:
    static constexpr size_t kSize = static_cast<size_t>(Sometimes::kCount);

    void hit(Sometimes what) { ++counts_[static_cast<size_t>(what)]; }
    [[nodiscard]] uint64_t count(size_t index) const { return counts_[index]; }
    [[nodiscard]] uint64_t count(Sometimes what) const {
        return counts_[static_cast<size_t>(what)];
    }
    void add(const Coverage& other) {
        for (size_t i = 0; i < kSize; ++i) counts_[i] += other.counts_[i];
    }
    static const char* text(size_t index) {
        static constexpr const char* kTexts[] = {
#define P2C2R_SIM_TEXT(name, text) text,
            P2C2R_SIM_SOMETIMES(P2C2R_SIM_TEXT)
#undef P2C2R_SIM_TEXT
        };
        return kTexts[index];
    }

  private:
    std::array<uint64_t, kSize> counts_{};
};

}  // namespace p2c2r::sim
