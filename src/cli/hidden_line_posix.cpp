#include "cli/hidden_line_posix.h"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

namespace p2c2r::cli {

namespace {

// What ends or stops a program at a terminal, by the keyboard or from elsewhere.
constexpr std::array kEnding = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGALRM,
                                SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU};

volatile std::sig_atomic_t came = 0;

void note_signal(int number) {
    came = number;
}

// While it lives nothing that is typed is shown, and signals are noted instead of ending anything.
class Hiding {
  public:
    Hiding() {
        came = 0;
        struct sigaction action = {};
        action.sa_handler = note_signal;  // without SA_RESTART: read() returns
        sigemptyset(&action.sa_mask);
        for (size_t i = 0; i < kEnding.size(); ++i) {
            ::sigaction(kEnding[i], nullptr, &former_[i]);
            if (former_[i].sa_handler != SIG_IGN) ::sigaction(kEnding[i], &action, nullptr);
        }
        hides_ = ::tcgetattr(STDIN_FILENO, &shown_) == 0;
        if (!hides_) return;
        termios hidden = shown_;
        hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        hidden.c_lflag |= ECHONL;  // the end of the line is no secret
        // What was typed before the prompt has been shown already: it is not a part of the answer.
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    ~Hiding() {
        if (hides_) {
            // The half of a code that somebody broke off at is for nobody who reads next.
            const int when = came != 0 ? TCSAFLUSH : TCSADRAIN;
            while (::tcsetattr(STDIN_FILENO, when, &shown_) != 0 && errno == EINTR) continue;
        }
        for (size_t i = 0; i < kEnding.size(); ++i) {
            ::sigaction(kEnding[i], &former_[i], nullptr);
        }
    }
    Hiding(const Hiding&) = delete;
    Hiding& operator=(const Hiding&) = delete;

  private:
    std::array<struct sigaction, kEnding.size()> former_{};
    termios shown_{};
    bool hides_ = false;
};

enum class End { kLine, kInput, kTooLong, kSignal };

End read_line(std::string& line, size_t size_max) {
    for (;;) {
        if (came != 0) return End::kSignal;
        char letter = 0;
        const ssize_t got = ::read(STDIN_FILENO, &letter, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return End::kInput;
        if (letter == '\n') return End::kLine;
        if (line.size() == size_max) return End::kTooLong;
        line += letter;
    }
}

}  // namespace

Result<std::string> read_hidden_line(const char* prompt, size_t size_max) {
    for (;;) {
        std::string line;
        End end = End::kInput;
        {
            const Hiding hiding;
            std::fprintf(stderr, "%s", prompt);
            end = read_line(line, size_max);
        }
        if (end == End::kTooLong) {
            return usage_failure("the line that was typed is longer than " +
                                 std::to_string(size_max) + " bytes");
        }
        if (end != End::kSignal) return line;
        // As if it had come without all this; after one that only stops, it asks anew.
        std::fprintf(stderr, "\n");
        std::raise(came);
    }
}

}  // namespace p2c2r::cli
