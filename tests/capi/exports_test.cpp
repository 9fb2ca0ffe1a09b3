// What the shared library shows, and what the documents say of it.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "world.h"

namespace {

const std::string kSource = P2C2R_SOURCE_DIR;

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE_MESSAGE(file.good(), path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

std::string output_of(const std::string& command) {
    FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string text;
    char part[4096];
    while (const size_t size = std::fread(part, 1, sizeof part, pipe)) text.append(part, size);
    REQUIRE_MESSAGE(pclose(pipe) == 0, command);
    return text;
}

std::set<std::string> exports_list() {
    std::set<std::string> names;
    for (const std::string& line : lines_of(read_file(kSource + "/bindings/c/exports.map"))) {
        if (!line.empty()) CHECK_MESSAGE(names.insert(line).second, line << " is listed twice");
    }
    return names;
}

std::string without_comments(const std::string& text) {
    return std::regex_replace(text, std::regex("/\\*[^*]*\\*+(?:[^/*][^*]*\\*+)*/"), "");
}

std::set<std::string> declared_functions() {
    const std::string header = without_comments(read_file(kSource + "/include/p2c2r/p2c2r.h"));
    const std::regex function("P2C2R_CALL\\s+(p2c2r_\\w+)\\s*\\(");
    std::set<std::string> names;
    for (std::sregex_iterator it(header.begin(), header.end(), function), end; it != end; ++it) {
        names.insert((*it)[1]);
    }
    return names;
}

}  // namespace

TEST_CASE("the shared library exports the listed functions and nothing else") {
    std::set<std::string> exported;
    for (const std::string& line : lines_of(output_of("nm -D --defined-only " P2C2R_LIBRARY))) {
        const std::string name = line.substr(line.rfind(' ') + 1);
        exported.insert(name.substr(0, name.find('@')));
    }
    CHECK(exported == exports_list());
}

TEST_CASE("the header declares exactly what is exported") {
    CHECK(declared_functions() == exports_list());
}

TEST_CASE("the library is never unloaded and asks for no Vulkan loader") {
    const std::string dynamic = output_of("readelf -d " P2C2R_LIBRARY);
    CHECK(dynamic.find("NODELETE") != std::string::npos);
    CHECK(dynamic.find("libp2c2r.so.0") != std::string::npos);
    CHECK(dynamic.find("libvulkan") == std::string::npos);
    CHECK(dynamic.find("RPATH") == std::string::npos);
}

// ---- documents --------------------------------------------------------------------------------

TEST_CASE("every operation of the contract leads to functions and to tests that exist") {
    const std::string readme = read_file(kSource + "/bindings/c/README.md");
    const std::set<std::string> functions = declared_functions();
    const std::regex name("p2c2r_\\w+");
    size_t named = 0;
    for (std::sregex_iterator it(readme.begin(), readme.end(), name), end; it != end; ++it) {
        const std::string word = it->str();
        const bool type = std::regex_search(read_file(kSource + "/include/p2c2r/p2c2r.h"),
                                            std::regex("\\b" + word + "\\b"));
        CHECK_MESSAGE((functions.count(word) || type), word << " is in the README only");
        named += functions.count(word);
    }
    CHECK(named > 50);
    // Rows of the table: operation | functions | "test" in file. Each test is one of the suite.
    const std::regex row("\\| [^|]+ \\| [^|]+ \\| \"([^\"]+)\" in `([^`]+)` \\|");
    size_t rows = 0;
    for (const std::string& line : lines_of(readme)) {
        std::smatch match;
        if (!std::regex_match(line, match, row)) continue;
        ++rows;
        const std::string file = read_file(kSource + "/" + match[2].str());
        CHECK_MESSAGE(file.find("TEST_CASE(\"" + match[1].str() + "\")") != std::string::npos,
                      match[1] << " is not in " << match[2]);
    }
    CHECK(rows >= 18);
}

TEST_CASE("the attributions name every library that is linked and no other") {
    // Rows of the first table: name | library | build target | licence | purpose.
    const std::string text = read_file(kSource + "/src/ATTRIBUTIONS.md");
    const size_t begin = text.find("## Linked into the library");
    REQUIRE(begin != std::string::npos);
    const std::string table = text.substr(begin, text.find("\n## ", begin + 1) - begin);
    // One whose purpose begins with "optional" may be absent.
    std::map<std::string, std::string> target_of;  // library to build target
    std::set<std::string> optional;
    const std::regex row("\\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\|");
    const std::regex quoted("`([^`]+)`");
    for (const std::string& line : lines_of(table)) {
        std::smatch match;
        if (!std::regex_match(line, match, row) || match[1] == "library" ||
            line.find("---") != std::string::npos) {
            continue;
        }
        const std::string libraries = match[2];
        std::smatch target;
        const std::string targets = match[3];
        std::regex_search(targets, target, quoted);
        for (std::sregex_iterator it(libraries.begin(), libraries.end(), quoted), end; it != end;
             ++it) {
            target_of[(*it)[1]] = target.empty() ? "" : target[1].str();
            if (match[5].str().rfind("optional", 0) == 0) optional.insert((*it)[1]);
        }
    }
    REQUIRE(target_of.size() > 5);

    std::set<std::string> needed;
    const std::string dynamic = output_of("readelf -d " P2C2R_LIBRARY);
    const std::regex shared("Shared library: \\[([^\\]]+)\\]");
    for (std::sregex_iterator it(dynamic.begin(), dynamic.end(), shared), end; it != end; ++it) {
        const std::string soname = (*it)[1];
        std::string base = soname.substr(0, soname.find(".so"));
        if (base.rfind("ld-", 0) == 0) base = "ld";
        // Sanitizers are linked into test builds only.
        if (base == "libasan" || base == "libubsan" || base == "libtsan") continue;
        needed.insert(base);
        CHECK_MESSAGE(target_of.count(base), soname << " is linked and not attributed");
    }
    std::set<std::string> targets;
    std::istringstream list(P2C2R_LINKED_TARGETS);
    for (std::string target; std::getline(list, target, ',');) targets.insert(target);
    for (const std::string& target : targets) {
        const bool known = std::any_of(target_of.begin(), target_of.end(),
                                       [&](const auto& entry) { return entry.second == target; });
        CHECK_MESSAGE(known, "build target " << target << " is linked and not attributed");
    }
    for (const auto& entry : target_of) {
        const auto& [library, target] = entry;
        const bool linked = needed.count(library) || targets.count(target);
        CHECK_MESSAGE((linked || optional.count(library)),
                      entry.first << " is attributed and not linked");
    }
}
