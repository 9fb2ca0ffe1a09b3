// The header and the C++ wrapper, as C++: included twice and beside each other.
#include <p2c2r/p2c2r.h>
#include <p2c2r/p2c2r.hpp>

int main() {
    return p2c2r_abi_version() == P2C2R_ABI_VERSION ? 0 : 1;
}
