// A child process of a benchmark: this program again, with other arguments, on a pair of pipes. It
// ends when its standard input is closed, or is killed after a while.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace bench {

class Child {
  public:
    explicit Child(const std::vector<std::string>& arguments);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] int pid() const { return pid_; }
    // One line without its end; empty when there is none.
    std::string read_line();
    std::string ask(const std::string& question);
    // The sign to stop; it may still say something.
    void end_input();

  private:
    int pid_ = -1;
    std::FILE* in_ = nullptr;
    std::FILE* out_ = nullptr;
};

// Raises the limit of open descriptors as far as it may go; exits with a message when that is too
// few.
void allow_descriptors(unsigned count);

}  // namespace bench
