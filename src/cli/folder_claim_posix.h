// A folder that a start makes, or fills, and leaves as it was when the start fails. Whoever works
// in it holds a claim as long as it does, so that one who failed takes nothing away from another.
#pragma once

#include <string>
#include <vector>

#include "cli/failure.h"

namespace p2c2r::cli {

class FolderClaim {
  public:
    // Made as make_private_directory() does, if it is not there.
    static Result<FolderClaim> take(const std::string& path);
    // Unless kept: what came into the folder since then is removed, and the folders that were made.
    // Nothing is where another claim holds, or where folders with something in them came.
    ~FolderClaim();
    FolderClaim(FolderClaim&& other) noexcept;
    FolderClaim(const FolderClaim&) = delete;
    FolderClaim& operator=(const FolderClaim&) = delete;
    FolderClaim& operator=(FolderClaim&&) = delete;

    // What is there stays. The claim goes on.
    void keep() { is_kept_ = true; }
    // Files stay: others, who hold no claim, may have written them.
    void keep_files() { are_files_kept_ = true; }

  private:
    FolderClaim() = default;
    void undo() const;

    std::string path_;
    std::vector<std::string> made_;    // folders, the innermost first
    std::vector<std::string> before_;  // names in it
    int descriptor_ = -1;              // locked; -1: nothing is known, nothing is removed
    bool is_kept_ = false;
    bool are_files_kept_ = false;
};

}  // namespace p2c2r::cli
