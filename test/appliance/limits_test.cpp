#include <catch2/catch.hpp>

#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;

// S35: every text and every number of a body at its limit, one past it, and far beyond.

namespace {

struct Text {
    std::string field;
    std::size_t most; ///< characters
};

/// A noun that is made by one POST: where, in which envelope, with what beside the field that is tried.
struct Noun {
    std::string path, envelope, rest; ///< `rest`: further members, each with a comma before it
    std::vector<Text> texts;
    std::vector<std::string> numbers = {};
};

const std::vector<Noun> nouns{
    {"/network/v2.0/networks", "network", "", {{"name", 255}, {"description", 255}}, {"mtu"}},
    {"/network/v2.0/routers", "router", "", {{"name", 255}, {"description", 255}}},
    {"/network/v2.0/security-groups", "security_group", "", {{"name", 255}, {"description", 255}}},
    {"/network/v2.0/subnetpools",
     "subnetpool",
     R"(,"prefixes":["10.0.0.0/8"])",
     {{"name", 255}, {"description", 255}},
     {"default_prefixlen", "min_prefixlen", "max_prefixlen", "default_quota"}},
    {"/identity/v3/projects", "project", "", {{"name", 64}}},
    {"/identity/v3/domains", "domain", "", {{"name", 64}}},
    {"/identity/v3/users", "user", "", {{"name", 255}}},
    {"/identity/v3/groups", "group", "", {{"name", 64}}},
    {"/identity/v3/roles", "role", "", {{"name", 255}}},
    {"/identity/v3/services", "service", R"(,"type":"t")", {}},
    {"/volume/v3/{project}/volumes", "volume", "", {{"name", 255}, {"description", 255}}, {"size"}},
    {"/compute/v2.1/flavors",
     "flavor",
     R"(,"vcpus":1,"ram":64,"disk":1)",
     {{"name", 255}},
     {"vcpus", "ram", "disk", "swap"}},
    {"/image/v2/images", "", "", {{"name", 255}}, {"min_disk", "min_ram"}},
};

std::string times(std::size_t count, std::string_view text) {
    std::string all;
    for (std::size_t each = 0; each < count; ++each) all += text;
    return all;
}

Answer makes(const Member& who, const Noun& noun, const std::string& field, const std::string& value) {
    std::string members = "\"" + field + "\":" + value;
    const auto add = [&](const std::string& name, const std::string& json) {
        if (name != field && noun.rest.find("\"" + name + "\"") == std::string::npos)
            members += ",\"" + name + "\":" + json;
    };
    if (noun.envelope != "service") add("name", "\"plain\"");
    if (noun.envelope == "volume") add("size", "1");
    std::string rest = noun.rest;
    if (const auto at = rest.find(",\"" + field + "\":"); at != std::string::npos)
        rest.erase(at, rest.find(',', at + 1) - at);
    const std::string body = "{" + members + rest + "}";
    return who.posts(noun.path, noun.envelope.empty() ? body : "{\"" + noun.envelope + "\":" + body + "}");
}

}

TEST_CASE("A text is taken up to its limit in characters, and refused beyond it, however far", "[limits][S35]") {
    TestAppliance cloud({{"block", "quota_volumes", "-1"}});
    const auto admin = cloud.admin();
    for (const auto& noun : nouns)
        for (const auto& text : noun.texts) {
            INFO(noun.path << " " << text.field);
            const auto status = [&](std::size_t length) {
                return makes(admin, noun, text.field, "\"" + times(length, "\u00fc") + "\"").status;
            };
            CHECK(status(text.most) / 100 == 2);
            CHECK(status(text.most + 1) == 400);
            CHECK(status(text.most * 100) == 400);
        }
}

TEST_CASE("A number beyond what anything can hold is refused by name or taken, and breaks nothing", "[limits][S35]") {
    TestAppliance cloud({{"block", "quota_volumes", "-1"}});
    const auto admin = cloud.admin();
    const std::vector<std::string> numbers{"2147483647",
                                           "2147483648",
                                           "-2147483648",
                                           "-2147483649",
                                           "9223372036854775807",
                                           "-9223372036854775808",
                                           "9223372036854775808",
                                           "-9223372036854775809",
                                           "1e300",
                                           "0",
                                           "-1"};
    const auto quotas = [&](const std::string& path, const std::string& resource) {
        return [&admin, path, resource](const std::string& number) {
            return admin.puts(path + admin.project, R"({"quota_set":{")" + resource + "\":" + number + "}}");
        };
    };
    std::vector<std::pair<std::string, std::function<Answer(const std::string&)>>> asked;
    for (const auto& noun : nouns)
        for (const auto& field : noun.numbers)
            asked.emplace_back(noun.path + " " + field, [&admin, &noun, field](const std::string& number) {
                return makes(admin, noun, field, number);
            });
    asked.emplace_back("compute quota", quotas("/compute/v2.1/os-quota-sets/", "cores"));
    asked.emplace_back("volume quota", quotas("/volume/v3/{project}/os-quota-sets/", "gigabytes"));
    asked.emplace_back("network quota", [&](const std::string& number) {
        return admin.puts("/network/v2.0/quotas/" + admin.project, R"({"quota":{"port":)" + number + "}}");
    });
    for (const char* list :
         {"/network/v2.0/ports?limit=", "/compute/v2.1/servers?limit=", "/volume/v3/{project}/volumes?limit=",
          "/image/v2/images?limit=", "/identity/v3/users?limit="})
        asked.emplace_back(list, [&admin, list](const std::string& number) { return admin.gets(list + number); });
    for (const auto& [what, ask] : asked)
        for (const auto& number : numbers) {
            INFO(what << " " << number);
            const auto answer = ask(number);
            INFO(answer.body);
            CHECK(answer.status < 500);
        }
    for (const auto& noun : nouns) { // and what was taken can be shown
        INFO(noun.path);
        CHECK(admin.gets(noun.path).status == 200);
    }
    cloud.settle();
}
