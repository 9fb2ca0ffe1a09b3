#include "wire/envelope_writer.h"

#include <cmath>
#include <limits>

namespace p2c2r::wire {

void EnvelopeWriter::write_number(double value) {
    if (!std::isfinite(value)) value = 0;  // the wire has no other numbers
    if (value >= 0 && value < 0x1p53 && std::trunc(value) == value) {
        write_unsigned(static_cast<uint64_t>(value));
    } else if (std::fabs(value) <= std::numeric_limits<float>::max() &&
               static_cast<double>(static_cast<float>(value)) == value) {
        write_float(static_cast<float>(value));
    } else {
        *at_++ = 0xcb;
        write_big_endian(std::bit_cast<uint64_t>(value));
    }
}

}  // namespace p2c2r::wire
