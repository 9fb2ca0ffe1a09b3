// Reads the tree and holds it to its own rules: who may include whom, where the system is called,
// what must not be called at all, what was left over, and the agreed top level.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

const fs::path kRoot = P2C2R_SOURCE_DIR;

std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

bool ends_with(const std::string& text, const char* end) {
    const std::string tail(end);
    return text.size() >= tail.size() &&
           text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

// Source files below a folder, sorted; nothing that a build made.
std::vector<fs::path> sources(const fs::path& folder) {
    std::vector<fs::path> found;
    if (!fs::exists(folder)) return found;
    for (auto it = fs::recursive_directory_iterator(folder); it != fs::end(it); ++it) {
        const std::string name = it->path().filename().string();
        if (it->is_directory() && (name == "target" || name == "__pycache__")) {
            it.disable_recursion_pending();
            continue;
        }
        if (!it->is_regular_file()) continue;
        for (const char* end : {".cpp", ".h", ".hpp", ".c", ".comp"}) {
            if (ends_with(name, end)) found.push_back(it->path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::string place_of(const fs::path& path) {
    return fs::relative(path, kRoot).generic_string();
}

// The text without comments and string literals, so that words in them do not count.
std::string code_of(const std::string& text) {
    std::string code;
    for (size_t i = 0; i < text.size();) {
        if (text.compare(i, 2, "//") == 0) {
            while (i < text.size() && text[i] != '\n') ++i;
        } else if (text.compare(i, 2, "/*") == 0) {
            i = std::min(text.find("*/", i + 2), text.size() - 2) + 2;
        } else if (text[i] == '"') {
            for (++i; i < text.size() && text[i] != '"' && text[i] != '\n'; ++i) {
                if (text[i] == '\\') ++i;
            }
            ++i;
            code += "\"\"";
        } else {
            code += text[i++];
        }
    }
    return code;
}

// architecture: which rooms a room may include.
const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"core", {}},
    {"model", {"core"}},
    {"wire", {"model", "core"}},
    {"net", {"core"}},  // and wire/frame.h
    {"identity", {"model", "core"}},
    {"sched", {"model", "core"}},
    {"exec", {"model", "core"}},
    {"owner", {"model", "core"}},
    {"codec", {"model", "core"}},
    {"gpu", {"core"}},
    {"kernels", {"codec", "exec", "gpu", "model", "core"}},
    {"roles", {"net", "identity", "wire", "sched", "exec", "owner", "model", "core"}},
    {"cli", {}},
};

}  // namespace

TEST_CASE("tidy: includes point downwards only") {
    const std::regex include("#\\s*include\\s*\"([a-z_0-9]+)/([^\"]+)\"");
    for (const auto& entry : kMayInclude) {
        const auto& [room, allowed] = entry;
        const std::vector<fs::path> files = sources(kRoot / "src" / room);
        CHECK_MESSAGE(!files.empty(), "no files in src/" << entry.first);
        for (const fs::path& path : files) {
            const std::string text = read(path);
            for (std::sregex_iterator it(text.begin(), text.end(), include), end; it != end; ++it) {
                const std::string target = (*it)[1];
                const std::string file = (*it)[2];
                if (target == room || !kMayInclude.count(target)) continue;
                const bool frame = room == "net" && target == "wire" && file == "frame.h";
                const bool uv_in_roles =
                    room == "roles" && target == "net" && file.rfind("uv_", 0) == 0;
                const bool fine = (allowed.count(target) || frame) && !uv_in_roles;
                CHECK_MESSAGE(fine, place_of(path) << " includes " << target << "/" << file);
            }
        }
    }
}

TEST_CASE("tidy: the program uses the C header only") {
    const std::regex include("#\\s*include\\s*\"([a-z_0-9]+)/[^\"]+\"");
    for (const fs::path& path : sources(kRoot / "src/cli")) {
        const std::string text = read(path);
        for (std::sregex_iterator it(text.begin(), text.end(), include), end; it != end; ++it) {
            const std::string target = (*it)[1];
            CHECK_MESSAGE((target == "p2c2r" || target == "cli"), place_of(path)
                                                                      << " includes " << it->str());
        }
    }
}

TEST_CASE("tidy: each library lives behind its own files") {
    // Header prefix, and the files that may include it.
    const std::vector<std::pair<std::string, std::regex>> homes = {
        {"uv.h", std::regex("src/net/(uv_[a-z_]+|http|resolver)(_posix)?\\.(cpp|h)")},
        {"msgpack", std::regex("src/model/value_msgpack\\.cpp")},
        {"nlohmann", std::regex("src/(model/value_json[a-z_]*\\.cpp|cli/.*)")},
        {"xxhash", std::regex("src/core/hash\\.cpp")},
        {"openssl", std::regex("src/(core/crypto\\.cpp|core/openssl\\.h|identity/keys\\.cpp|"
                               "net/tls(_record|_handshake)?\\.cpp|"
                               "net/record_cipher_(openssl|ipsec_mb)\\.cpp)")},
        {"intel-ipsec-mb", std::regex("src/net/record_cipher_ipsec_mb\\.cpp")},
        {"qrcodegen", std::regex("src/cli/join_code\\.cpp")},
        {"turbojpeg", std::regex("src/codec/jpeg\\.cpp")},
        {"zstd", std::regex("src/codec/zstd\\.cpp")},
        {"png.h", std::regex("src/codec/png\\.cpp")},
        {"vulkan/", std::regex("src/gpu/.*")},
        {"spirv-tools/", std::regex("src/gpu/.*")},
    };
    for (const char* folder : {"src", "bindings/c"}) {
        for (const fs::path& path : sources(kRoot / folder)) {
            const std::string text = read(path);
            for (const auto& entry : homes) {
                const auto& [header, home] = entry;
                if (text.find("#include <" + header) == std::string::npos) continue;
                CHECK_MESSAGE(std::regex_match(place_of(path), home),
                              place_of(path) << " includes <" << entry.first << ">");
            }
        }
    }
}

TEST_CASE("tidy: the operating system is called in posix files only") {
    const std::regex system(
        "#\\s*include\\s*<(unistd|pthread|fcntl|signal|dlfcn|spawn|sched|poll|netdb|ifaddrs|"
        "sys/[a-z_]+|netinet/[a-z_]+|arpa/[a-z_]+|linux/[a-z_]+)\\.h>");
    for (const char* folder : {"src", "bindings/c"}) {
        for (const fs::path& path : sources(kRoot / folder)) {
            if (place_of(path).find("_posix.") != std::string::npos) continue;
            const std::string text = read(path);
            std::smatch match;
            CHECK_MESSAGE(!std::regex_search(text, match, system),
                          place_of(path) << " includes " << match.str());
        }
    }
}

TEST_CASE("tidy: roles and decisions read no clock and no chance of their own") {
    const std::vector<std::string> rooms = {"core", "model", "wire", "sched", "roles"};
    const std::vector<std::regex> banned = {std::regex("\\bs?rand\\s*\\("),
                                            std::regex("\\brandom_device\\b"),
                                            std::regex("\\bmt19937"),
                                            std::regex("(steady|system|high_resolution)_clock"),
                                            std::regex("\\btime\\s*\\(\\s*(NULL|nullptr|0)\\s*\\)"),
                                            std::regex("\\bgettimeofday\\b"),
                                            std::regex("\\bclock_gettime\\b"),
                                            std::regex("\\bgetenv\\b"),
                                            std::regex("\\bsetlocale\\b"),
                                            std::regex("\\bunordered_(map|set)\\b"),
                                            std::regex("\\bstd::thread\\b"),
                                            std::regex("\\bsleep(_for|_until)?\\s*\\("),
                                            std::regex("\\bprintf\\s*\\(\\s*\"")};
    for (const std::string& room : rooms) {
        for (const fs::path& path : sources(kRoot / "src" / room)) {
            const std::string code = code_of(read(path));
            for (const std::regex& word : banned) {
                std::smatch match;
                CHECK_MESSAGE(!std::regex_search(code, match, word),
                              place_of(path) << " uses " << match.str());
            }
        }
    }
}

TEST_CASE("tidy: secrets are compared in constant time only") {
    // What is secret, or shows that one knows a secret, by the end of its name.
    const std::string secret = "(secret|token|signature|hash|resume|pin|binding|mac)_?";
    const std::regex compared("\\b[\\w.>\\-]*" + secret + "\\s*(==|!=)|(==|!=)\\s*\\*?[\\w.>\\-]*" +
                              secret + "\\s*[;)&|?,]");
    const std::regex library(
        "\\b(memcmp|strcmp|strncmp|std::equal|std::lexicographical_compare)\\(");
    // A key's known weak forms and the words of a protocol are no secrets.
    const std::regex public_words("src/net/tls_session\\.cpp");
    size_t places = 0;
    for (const char* folder : {"src/identity", "src/net", "src/roles", "bindings/c"}) {
        for (const fs::path& path : sources(kRoot / folder)) {
            const std::string place = place_of(path);
            const bool of_logins = place.starts_with("src/identity/") ||
                                   place.starts_with("src/net/tls") ||
                                   place.starts_with("src/net/record_cipher") ||
                                   place.find("register") != std::string::npos ||
                                   place.find("security") != std::string::npos;
            if (!of_logins) continue;
            ++places;
            std::istringstream lines(read(path));
            for (std::string line; std::getline(lines, line);) {
                const bool bad =
                    std::regex_search(line, compared) ||
                    (std::regex_search(line, library) && !std::regex_match(place, public_words));
                CHECK_MESSAGE(!bad, place << ": " << line);
            }
        }
    }
    CHECK(places > 10);
    CHECK(std::regex_search(std::string("if (hash == known.token_hash)"), compared));
    CHECK(std::regex_search(std::string("return login.resume != old.resume;"), compared));
    CHECK_FALSE(std::regex_search(std::string("if (by_token_.end() == known)"), compared));
}

TEST_CASE("tidy: nothing unfinished and nothing of one machine is in the tree") {
    // Built from pieces, so that this file does not find itself.
    const std::vector<std::string> words = {std::string("TO") + "DO",   std::string("FIX") + "ME",
                                            std::string("XX") + "X ",   std::string("HA") + "CK",
                                            std::string("/ro") + "ot/", std::string("/wo") + "rk/"};
    for (const char* folder : {"src", "include", "bindings", "shaders", "examples", "tests"}) {
        for (const fs::path& path : sources(kRoot / folder)) {
            const std::string text = read(path);
            for (const std::string& word : words) {
                CHECK_MESSAGE(text.find(word) == std::string::npos, place_of(path)
                                                                        << " contains " << word);
            }
        }
    }
}

TEST_CASE("tidy: each field that a refused message names is in the protocol's document") {
    // Whoever speaks the protocol reads "slots must be an unsigned integer", and looks it up there.
    const std::string document = read(kRoot / "src/wire/PROTOCOL.md");
    const std::regex refusal("\"([a-z_]+) (must be|is missing|are missing)");
    size_t names = 0;
    for (const fs::path& path : sources(kRoot / "src/wire")) {
        const std::string text = read(path);
        for (std::sregex_iterator it(text.begin(), text.end(), refusal), end; it != end; ++it) {
            const std::string name = (*it)[1];
            ++names;
            CHECK_MESSAGE(std::regex_search(document, std::regex("\\b" + name + "\\b")), name);
        }
    }
    CHECK(names > 50);
}

TEST_CASE("tidy: no name of a test case holds a semicolon") {
    // Where tests are found it parts two names, of which neither is one: nothing would run, and
    // pass.
    const std::regex name("TEST_CASE\\(\\s*\"[^\"]*;");
    for (const fs::path& path : sources(kRoot / "tests")) {
        const std::string text = read(path);
        std::smatch match;
        CHECK_MESSAGE(!std::regex_search(text, match, name), place_of(path) << ": " << match.str());
    }
}

TEST_CASE("tidy: each function of the header has a comment of its own or of its group") {
    std::istringstream header(read(kRoot / "include" / "p2c2r" / "p2c2r.h"));
    bool commented = false;  // a comment stands above, with nothing but functions in between
    size_t functions = 0;
    for (std::string line; std::getline(header, line);) {
        if (line.rfind("P2C2R_API ", 0) == 0) {
            ++functions;
            CAPTURE(line);
            CHECK(commented);
        } else if (line.empty() || line[0] == '}' || line[0] == '#') {
            commented = false;
        } else if (line.find("/* ----") == std::string::npos && line.find("*/") != line.npos) {
            commented = true;
        }
    }
    CHECK(functions > 50);
}

TEST_CASE("tidy: the top level holds what was agreed and dot files only") {
    const std::set<std::string> agreed = {"CMakeLists.txt", "include",  "src",
                                          "shaders",        "bindings", "examples",
                                          "tests",          "LICENSE",  "README.md"};
    std::set<std::string> missing = agreed;
    for (const fs::directory_entry& entry : fs::directory_iterator(kRoot)) {
        const std::string name = entry.path().filename().string();
        missing.erase(name);
        // Build folders are ignored by the repository; a file of that name would be committed.
        const bool build = name.rfind("build", 0) == 0 && entry.is_directory();
        CHECK_MESSAGE((agreed.count(name) || name[0] == '.' || build), name);
    }
    CHECK_MESSAGE(missing.empty(), "missing: " << (missing.empty() ? "" : *missing.begin()));
}
