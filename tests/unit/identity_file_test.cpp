#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "identity/secret_file.h"

using namespace p2c2r;
using namespace p2c2r::identity;

namespace {

// A directory of this test's own.
struct Folder {
    std::string path;
    Folder() {
        char name[] = "/tmp/p2c2r-identity-XXXXXX";
        REQUIRE(::mkdtemp(name));
        path = name;
    }
    ~Folder() {
        for (const char* file : {"a", "a.new", "a.1", "b", "a.lock"})
            ::unlink((path + "/" + file).c_str());
        ::rmdir(path.c_str());
    }
    [[nodiscard]] std::string file(const char* name) const { return path + "/" + name; }
};

unsigned mode_of(const std::string& path) {
    struct stat about {};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    return about.st_mode & 07777;
}

}  // namespace

TEST_CASE("secret files: made for their owner alone, and never over another file") {
    const Folder folder;
    REQUIRE(make_secret_file(folder.file("a"), "secret").ok());
    CHECK(mode_of(folder.file("a")) == 0600);
    CHECK(*read_secret_file(folder.file("a")) == "secret");
    const Result<Done> again = make_secret_file(folder.file("a"), "other");
    REQUIRE_FALSE(again.ok());
    CHECK(again.error().status == Status::kExists);
    CHECK(*read_secret_file(folder.file("a")) == "secret");
    REQUIRE(make_public_file(folder.file("b"), "for all").ok());
    CHECK(mode_of(folder.file("b")) == 0644);
    CHECK(*read_public_file(folder.file("b")) == "for all");
}

TEST_CASE("secret files: one that others can read is refused with its mode") {
    const Folder folder;
    REQUIRE(make_public_file(folder.file("a"), "known").ok());
    const Result<std::string> read = read_secret_file(folder.file("a"));
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().status == Status::kDenied);
    CHECK(read.error().text.find("mode 0644") != std::string::npos);
    CHECK(read.error().text.find(folder.file("a")) != std::string::npos);
}

TEST_CASE("secret files: what is not there or no file is named") {
    const Folder folder;
    const Result<std::string> missing = read_secret_file(folder.file("b"));
    REQUIRE_FALSE(missing.ok());
    CHECK(missing.error().status == Status::kIo);
    CHECK(missing.error().text == "cannot read '" + folder.file("b") + "': there is no such file");
    CHECK(read_secret_file(folder.path).error().status == Status::kIo);
    CHECK_FALSE(make_secret_file(folder.path + "/no/a", "x").ok());
    CHECK_FALSE(replace_secret_file(folder.path + "/no/a", "x").ok());
    CHECK_FALSE(append_secret_line(folder.path + "/no/a", "x", 100).ok());
}

TEST_CASE("secret files: replacing leaves the one or the other, also after a run cut short") {
    const Folder folder;
    REQUIRE(replace_secret_file(folder.file("a"), "first").ok());
    REQUIRE(make_secret_file(folder.file("a.new"), "half").ok());
    REQUIRE(replace_secret_file(folder.file("a"), "second").ok());
    CHECK(*read_secret_file(folder.file("a")) == "second");
    CHECK(mode_of(folder.file("a")) == 0600);
    CHECK_FALSE(read_secret_file(folder.file("a.new")).ok());
}

TEST_CASE("secret files: the audit log is a line of JSON an entry") {
    const Folder folder;
    AuditFile audit(folder.file("a"));
    audit.note({7, "login", "anna \"x\"\n", "192.0.2.1:5", "gamer", ""});
    audit.note({8, "revoked", "bob", "", "", "operator"});
    CHECK(*read_secret_file(folder.file("a")) ==
          "{\"at_ms\":7,\"what\":\"login\",\"account\":\"anna \\\"x\\\"\\n\","
          "\"address\":\"192.0.2.1:5\",\"detail\":\"gamer\",\"by\":\"\"}\n"
          "{\"at_ms\":8,\"what\":\"revoked\",\"account\":\"bob\",\"address\":\"\",\"detail\":\"\","
          "\"by\":\"operator\"}\n");
    AuditFile nowhere(folder.path + "/no/a");
    CHECK(nowhere.lost() == 0);
    nowhere.note({1, "login", "x", "", "", ""});
    CHECK(nowhere.lost() == 1);
    CHECK(nowhere.why_lost().find("there is no such file") != std::string::npos);
}

TEST_CASE(
    "secret files: an audit log that becomes too large goes aside and one older one is kept") {
    const Folder folder;
    const std::string path = folder.file("a");
    const auto lines = [](const std::string& text) {
        return std::count(text.begin(), text.end(), '\n');
    };
    // Each entry is a line of equal length, and thirteen fit.
    const size_t line =
        std::string(
            R"({"at_ms":1,"what":"login","account":"account-10","address":"","detail":"","by":""})")
            .size() +
        1;
    AuditFile audit(path, 13 * line);
    const auto note = [&](int from, int to) {
        for (int i = from; i < to; ++i) {
            audit.note({1, "login", "account-" + std::to_string(10 + i), "", "", ""});
        }
    };
    note(0, 13);
    CHECK(lines(*read_secret_file(path)) == 13);
    CHECK_FALSE(read_secret_file(path + ".1").ok());
    note(13, 14);
    CHECK(lines(*read_secret_file(path)) == 1);
    CHECK(lines(*read_secret_file(path + ".1")) == 13);
    CHECK(mode_of(path) == 0600);
    note(14, 40);
    CHECK(lines(*read_secret_file(path)) == 1);
    CHECK(read_secret_file(path + ".1")->find("account-48") != std::string::npos);
    CHECK(audit.lost() == 0);
    // One entry that is larger than all of it is still written.
    audit.note({2, "login", std::string(2000, 'x'), "", "", ""});
    CHECK(lines(*read_secret_file(path)) == 1);
    CHECK(AuditFile::kSizeMax == 16u << 20);
}

TEST_CASE("secret files: one process at a time keeps a file") {
    const Folder folder;
    Result<std::unique_ptr<FileLock>> first = FileLock::take(folder.file("a"));
    REQUIRE(first.ok());
    const Result<std::unique_ptr<FileLock>> second = FileLock::take(folder.file("a"));
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().status == Status::kBusy);
    first->reset();
    CHECK(FileLock::take(folder.file("a")).ok());
}
