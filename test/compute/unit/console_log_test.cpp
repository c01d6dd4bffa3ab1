#include "compute/driver/console_log.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <stdlib.h>

using namespace stratolet::compute;

TEST_CASE("A console log is read from its end, bounded, with its rotated part, and never through a link",
          "[compute][console]") {
    std::string pattern = (std::filesystem::temp_directory_path() / "console-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()));
    const std::filesystem::path folder = pattern;
    std::ofstream(folder / "a.log") << "three\nfour\n";
    std::ofstream(folder / "a.log.0") << "one\ntwo\n";
    CHECK(readConsoleLog(folder / "a.log", -1) == "one\ntwo\nthree\nfour\n");
    CHECK(readConsoleLog(folder / "a.log", 1) == "four");
    CHECK(readConsoleLog(folder / "a.log", 3) == "two\nthree\nfour");
    CHECK(readConsoleLog(folder / "a.log", 0).empty());
    CHECK(readConsoleLog(folder / "a.log", -1, 6) == "\nfour\n");
    CHECK(readConsoleLog(folder / "absent", -1).empty());
    std::filesystem::create_symlink(folder / "a.log.0", folder / "link.log");
    CHECK(readConsoleLog(folder / "link.log", -1).empty());
    CHECK(readConsoleLog(folder, -1).empty());
    std::filesystem::remove_all(folder);
}
