// Files as the program needs them: read whole, list in name order, and write so that a reader never
// sees half a file and a full disk loses nothing that was there before.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/failure.h"

namespace p2c2r::cli {

// Failures name the file and the system's reason; their exit code is kExitSomeFailed.
Result<std::string> read_file(const std::string& path);

// Writes beside the target and renames, so that the target is the old file or the new one. On
// failure the temporary file is gone, the target untouched, and errno why.
// A file keeps its mode, and one that is read only is left alone; a link leads where it did; a pipe
// or a device is written into as it stands.
Outcome write_file(const std::string& path, std::span<const uint8_t> bytes);
Outcome write_file(const std::string& path, std::string_view text);

Outcome make_directories(const std::string& path);
// The same; the files that list_files() would tell are removed.
Outcome make_empty_directory(const std::string& path);
// The same; if it was not there before, only its owner can look into it, from the first moment on.
Outcome make_private_directory(const std::string& path);
// Of at most 64 KiB: a secret. Refused when others can read it, or when it is somebody else's.
Result<std::string> read_private_file(const std::string& path);
// A new file that only its owner can read, from the first moment on; never over another one.
Outcome make_private_file(const std::string& path, std::string_view text);
// Whether a new file could be made there, without making it: a usage failure says why not.
Outcome check_new_file(const std::string& path);
bool is_there(const std::string& path);
// The same of what must not be overlooked: where that cannot be told, why.
Result<bool> looks_there(const std::string& path);
bool is_directory(const std::string& path);

// Names (not paths) of the regular files in a directory, sorted by bytes, hidden ones left out.
Result<std::vector<std::string>> list_files(const std::string& directory);

std::string join_path(const std::string& directory, const std::string& name);
std::string file_name(const std::string& path);
// "jpg" of "a/b.JPG"; "" when there is none.
std::string ending_of(const std::string& path);
std::string without_ending(const std::string& path);

}  // namespace p2c2r::cli
