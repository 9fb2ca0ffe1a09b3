// P2C2R_FAULT: a point at which something may go another way than usual, and everything must still
// be right. Constant false in the library; in the simulator's own build each seed arms some of
// them.
#pragma once

#ifdef P2C2R_SIMULATOR

namespace p2c2r {

class FaultPoints {
  public:
    virtual bool fires(const char* name) = 0;

  protected:
    ~FaultPoints() = default;
};

// Of the seed that runs on this thread; NULL: none is armed.
inline thread_local FaultPoints* fault_points = nullptr;

inline bool fault_fires(const char* name) {
    return fault_points && fault_points->fires(name);
}

}  // namespace p2c2r

#define P2C2R_FAULT(name) (::p2c2r::fault_fires(name))

#else

#define P2C2R_FAULT(name) false

#endif
