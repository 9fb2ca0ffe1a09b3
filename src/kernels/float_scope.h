// The floating-point environment of a host may be anything: games flush denormals or change the
// rounding. Where our own results depend on it, this sets the standard one and puts the host's
// back.
#pragma once

#include <cfenv>

namespace p2c2r::kernels {

class FloatScope {
  public:
    FloatScope() {
        std::fegetenv(&old_);
        std::fesetenv(FE_DFL_ENV);
    }
    ~FloatScope() { std::fesetenv(&old_); }
    FloatScope(const FloatScope&) = delete;
    FloatScope& operator=(const FloatScope&) = delete;

  private:
    std::fenv_t old_;
};

}  // namespace p2c2r::kernels
