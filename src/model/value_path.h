// Where in a value something is wrong, in the words of whoever wrote it: "objects[3].radius".
#pragma once

#include <cstdint>
#include <string>

namespace p2c2r::detail {

// The place of the value that begins at `where`, or, where a key begins there, of its map. "" for
// the outermost value. The value begins at `start`; all before `where` MUST have been accepted by
// the scanner, its keys being texts. Walks it: only for errors.
std::string value_path(const uint8_t* start, const uint8_t* where);

}  // namespace p2c2r::detail
