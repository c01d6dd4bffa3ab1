#include <sstream>

#include <catch2/catch.hpp>

#include <stratolet/error.hpp>

#include "appliance/manual.hpp"
#include "appliance/settings.hpp"
#include "platform/resources.hpp"

using namespace stratolet;

namespace {

std::string configPage(std::string_view commented, const std::vector<ConfigOption>& options) {
    std::ostringstream out;
    writeConfigPage(out, commented, options, "1.0");
    return out.str();
}

const std::vector<CommandText> commands{
    {"serve", "", "run it", {{"--config", "FILE", "where it's described"}}},
    {"keys turn", "", "take the next", {{"--all", "", "of each kind"}}},
};

}

TEST_CASE("The manual of the configuration is the commented file with types and defaults from the option table") {
    const auto page =
        configPage("[one]\n# How many\n# there are.\ncount = 3\nmost = 9\n\n[back end]\n# Where.\nfolder =\n",
                   {{"one", "count", "3", wholeNumber(1, 5)},
                    {"one", "most", "9", wholeNumber(1, 9)},
                    {"back *", "folder", "", anyText()}});
    CHECK(page.find(".SH [one]\n.TP\n\\fBcount\\fR = \\fIa whole number from 1 to 5\\fR  (3)\n.TQ\n\\fBmost\\fR") !=
          std::string::npos);
    CHECK(page.find("(9)\nHow many\nthere are.\n.SH [back end]\n.TP\n\\fBfolder\\fR") != std::string::npos);
}

TEST_CASE("The manual has every option that the program has, and no other") {
    const auto page = configPage(embedded("config/stratolet.conf"), allConfigOptions());
    for (const auto& each : allConfigOptions()) {
        INFO(each.section << "." << each.key);
        CHECK(page.find("\n\\fB" + each.key + "\\fR = ") != std::string::npos);
    }
    CHECK_THROWS_WITH(configPage("[one]\nleft = 1\n", {}), Catch::Contains("[one] left"));
    CHECK_THROWS_WITH(configPage("", {{"one", "new", "1", anyText()}}), Catch::Contains("lacks [one] new"));
}

TEST_CASE("What looks like a macro or an escape is text in the manual") {
    const auto page = configPage("[one]\n# .so file\n# 'a \\b\nkey = 1\n", {{"one", "key", "1", anyText()}});
    CHECK(page.find("\n\\&.so file\n\\&'a \\eb\n") != std::string::npos);
}

TEST_CASE("The program's page and what shells complete name each command and its options") {
    std::ostringstream page, bash, zsh;
    writeProgramPage(page, commands, "1.0");
    writeBashCompletion(bash, commands);
    writeZshCompletion(zsh, commands);
    CHECK(page.str().find("\\fBstratolet keys turn\\fR\ntake the next.\n.RS\n.TP\n\\fB\\-\\-all\\fR\nof each kind\n") !=
          std::string::npos);
    CHECK(bash.str().find("keys) words='--all turn' ;;") != std::string::npos);
    CHECK(zsh.str().find("serve) compadd -- --config; _files ;;") != std::string::npos);
}
