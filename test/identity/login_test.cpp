#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <set>

#include "identity/login/totp.hpp"
#include "identity/support.hpp"
#include "platform/os/fd.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;
using http::Method;
using namespace std::chrono_literals;

namespace {

int passwordStatus(TestAppliance& cloud, Member who, const std::string& password) {
    who.password = password;
    return logsIn(cloud, passwordLogin(who)).status;
}

Answer changes(TestAppliance& cloud, const Member& who, const std::string& original, const std::string& password) {
    return cloud.asks(Method::Post, "/identity/v3/users/" + who.user + "/password",
                      R"({"user":{"original_password":)" + jsonText(original) + R"(,"password":)" + jsonText(password) +
                          "}}");
}

int setsOption(const Member& root, const Member& who, const std::string& options) {
    return root.patches("/identity/v3/users/" + who.user, R"({"user":{"options":)" + options + "}}").status;
}

int resets(const Member& root, const Member& who, const std::string& password) {
    return root.patches("/identity/v3/users/" + who.user, R"({"user":{"password":)" + jsonText(password) + "}}").status;
}

const std::string seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

std::string codeAt(Time time, int stepsAgo = 0) {
    return identity::totpCode(*identity::fromBase32(seed), identity::totpStepAt(time) - stepsAgo);
}

std::string totpPart(const Member& who, const std::string& code) {
    return R"("totp":{"user":{"id":")" + who.user + R"(","passcode":")" + code + "\"}}";
}

void keepsSeed(const Member& who) {
    REQUIRE(who.posts("/identity/v3/credentials", R"({"credential":{"type":"totp","blob":")" + seed + "\"}}").status ==
            201);
}

}

TEST_CASE("Passcodes are those of RFC 6238", "[identity][totp]") {
    // The RFC's own examples (appendix B), of which six digits count here.
    const std::string secret = "12345678901234567890";
    CHECK(identity::totpCode(secret, 59 / 30) == "287082");
    CHECK(identity::totpCode(secret, 1111111109 / 30) == "081804");
    CHECK(identity::totpCode(secret, 20000000000 / 30) == "353130");
    CHECK(identity::fromBase32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ") == secret);
    CHECK_FALSE(identity::fromBase32("not base 32!"));
}

TEST_CASE("A passcode gets a token, once, and only while it is new", "[identity][totp]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    keepsSeed(alice);
    const auto enter = [&](const std::string& code) {
        return logsIn(cloud, login(R"(["totp"])", totpPart(alice, code)));
    };
    CHECK(enter(codeAt(RealAmbient().now(), 3)).status == 401);
    CHECK(enter("000000").status == 401);
    CHECK(enter("").status == 401);
    const auto code = codeAt(RealAmbient().now());
    const auto first = enter(code);
    CHECK(first.status == 201);
    CHECK(first.json().object("token").array("methods").items().at(0).text() == "totp");
    CHECK(enter(code).status == 401); // seen over a shoulder
    cloud.passes(60s);
    CHECK(enter(codeAt(RealAmbient().now() + 60s, 1)).status == 201); // of the window before
    CHECK(logsIn(cloud, login(R"(["totp"])", totpPart(cloud.member("bob"), code))).status == 401);
}

TEST_CASE("A user who needs two methods gets a receipt for one, and a token for both", "[identity][mfa]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    keepsSeed(alice);
    REQUIRE(setsOption(root, alice,
                       R"({"multi_factor_auth_enabled":true,"multi_factor_auth_rules":[["password","totp"]]})") == 200);
    const auto first = logsIn(cloud, passwordLogin(alice));
    REQUIRE(first.status == 401);
    const std::string receipt(first.headers["Openstack-Auth-Receipt"]);
    CHECK_FALSE(receipt.empty());
    CHECK(tokenOf(first).empty());
    CHECK(first.json().object("receipt").array("methods").items().at(0).text() == "password");
    CHECK(first.json().object("receipt").object("user").text("id") == alice.user);
    CHECK(first.json().array("required_auth_methods").items().at(0).size() == 2);

    CHECK(logsIn(cloud, passwordLogin(bob), {{"Openstack-Auth-Receipt", receipt}}).status == 401); // somebody else's
    CHECK(logsIn(cloud, tokenLogin(receipt, "\"unscoped\"")).status == 404); // a receipt is no token
    CHECK(with(alice, receipt).gets("/identity/v3/auth/projects").status == 401);
    CHECK(logsIn(cloud, passwordLogin(alice), {{"Openstack-Auth-Receipt", bob.token}}).status ==
          401); // a token is no receipt

    const auto second =
        logsIn(cloud, login(R"(["totp"])", totpPart(alice, codeAt(RealAmbient().now())), projectScope(alice.project)),
               {{"Openstack-Auth-Receipt", receipt}});
    REQUIRE(second.status == 201);
    CHECK(second.json().object("token").array("methods").size() == 2);
    CHECK(logsIn(cloud, tokenLogin(tokenOf(second), projectScope(alice.project))).status == 201);

    cloud.passes(90s);
    const auto both =
        login(R"(["password","totp"])", passwordPart(alice) + "," + totpPart(alice, codeAt(RealAmbient().now() + 90s)));
    CHECK(logsIn(cloud, both).status == 201);
    CHECK(setsOption(root, alice, R"({"multi_factor_auth_enabled":false})") == 200);
    CHECK(logsIn(cloud, passwordLogin(alice)).status == 201);
    CHECK(setsOption(root, alice, R"({"multi_factor_auth_rules":["password"]})") == 400);
    CHECK(setsOption(root, alice, R"({"multi_factor_auth_enabled":"yes"})") == 400);
    CHECK(setsOption(root, alice, R"({"no_such_option":true})") == 400);
}

TEST_CASE("A receipt is good for its time, and not after the password has changed", "[identity][mfa]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    auto alice = cloud.member("alice");
    keepsSeed(alice);
    setsOption(root, alice, R"({"multi_factor_auth_rules":[["password","totp"]]})");
    const std::string receipt(logsIn(cloud, passwordLogin(alice)).headers["Openstack-Auth-Receipt"]);
    SECTION("it is too late") { cloud.passes(301s); }
    SECTION("the password has changed") { CHECK(resets(root, alice, "another") == 200); }
    const auto late = logsIn(cloud, login(R"(["totp"])", totpPart(alice, codeAt(RealAmbient().now() + 301s))),
                             {{"Openstack-Auth-Receipt", receipt}});
    const auto now = logsIn(cloud, login(R"(["totp"])", totpPart(alice, codeAt(RealAmbient().now()))),
                            {{"Openstack-Auth-Receipt", receipt}});
    CHECK(late.status == 401);
    CHECK(now.status == 401);
}

TEST_CASE("An account is locked after so many failures, for so long, and nobody can tell",
          "[identity][compliance][S26]") {
    TestAppliance cloud({{"identity", "lockout_failure_attempts", "3"}, {"identity", "lockout_duration", "60"}});
    const auto root = cloud.admin();
    const auto alice = cloud.member("alice");
    CHECK(passwordStatus(cloud, alice, "wrong") == 401);
    CHECK(passwordStatus(cloud, alice, "wrong") == 401);
    CHECK(passwordStatus(cloud, alice, alice.password) == 201); // which starts the count again
    for (int each = 0; each < 3; ++each) CHECK(passwordStatus(cloud, alice, "wrong") == 401);
    const auto locked = logsIn(cloud, passwordLogin(alice));
    CHECK(locked.status == 401);
    CHECK(stateOf(root, alice.token) == 200); // what was given stays: else anybody could throw anybody out
    auto nobody = alice;
    nobody.user = "nobody";
    CHECK(logsIn(cloud, passwordLogin(nobody)).body == locked.body);
    CHECK(changes(cloud, alice, alice.password, "another").status == 401);
    cloud.passes(61s);
    CHECK(passwordStatus(cloud, alice, alice.password) == 201);

    for (int each = 0; each < 3; ++each) passwordStatus(cloud, alice, "wrong");
    CHECK(resets(root, alice, "another") == 200); // the administrator's help
    CHECK(passwordStatus(cloud, alice, "another") == 201);
    setsOption(root, alice, R"({"ignore_lockout_failure_attempts":true})");
    for (int each = 0; each < 5; ++each) passwordStatus(cloud, alice, "wrong");
    CHECK(passwordStatus(cloud, alice, "another") == 201);
}

TEST_CASE("Passcodes are not to be guessed: wrong ones lock the account, too", "[identity][compliance][totp]") {
    TestAppliance cloud({{"identity", "lockout_failure_attempts", "3"}, {"identity", "lockout_duration", "60"}});
    const auto alice = cloud.member("alice");
    keepsSeed(alice);
    for (int each = 0; each < 3; ++each)
        CHECK(logsIn(cloud, login(R"(["totp"])", totpPart(alice, "12345"))).status == 401);
    CHECK(logsIn(cloud, login(R"(["totp"])", totpPart(alice, codeAt(RealAmbient().now())))).status == 401);
}

TEST_CASE("A password expires, and its user can still change it", "[identity][compliance]") {
    TestAppliance cloud({{"identity", "password_expires_days", "10"}});
    const auto root = cloud.admin();
    const auto alice = cloud.member("alice");
    const auto shown = root.gets("/identity/v3/users/" + alice.user).json().object("user").text("password_expires_at");
    CHECK(parseIsoTime(shown).value() > RealAmbient().now() + 9 * 24h);
    CHECK(root.gets("/identity/v3/users?password_expires_at=gt:2001-01-01T00:00:00Z").json().array("users").size() ==
          1);
    CHECK(root.gets("/identity/v3/users?password_expires_at=lt:2001-01-01T00:00:00Z").json().array("users").size() ==
          0);
    CHECK(root.gets("/identity/v3/users?password_expires_at=soon").status == 400);
    cloud.passes(11 * 24h);
    const auto expired = logsIn(cloud, passwordLogin(alice));
    CHECK(expired.status == 401);
    CHECK_THAT(expired.body, Contains("The password is expired and needs to be changed for user: " + alice.user));
    CHECK(passwordStatus(cloud, alice, "wrong") == 401);
    CHECK(changes(cloud, alice, alice.password, "another").status == 204);
    CHECK(passwordStatus(cloud, alice, "another") == 201);
    cloud.passes(11 * 24h);
    setsOption(cloud.admin(), alice, R"({"ignore_password_expiry":true})");
    CHECK(passwordStatus(cloud, alice, "another") == 201);
}

TEST_CASE("A password must match what the operator asks for, and is never repeated in an answer",
          "[identity][compliance]") {
    TestAppliance cloud({{"identity", "password_regex", "^(?=.*\\d)(?=.*[a-z]).{7,}$"},
                         {"identity", "password_regex_description", "Seven, with a digit"}});
    const auto root = cloud.admin();
    const auto made = root.posts("/identity/v3/users", R"({"user":{"name":"alice","password":"onlyletters"}})");
    CHECK(made.status == 400);
    CHECK_THAT(made.body, Contains("Seven, with a digit") && Contains("password") && !Contains("onlyletters"));
    const auto good = root.posts("/identity/v3/users", R"({"user":{"name":"alice","password":"letters4u"}})");
    REQUIRE(good.status == 201);
    Member alice;
    alice.user = good.json().object("user").text("id");
    CHECK(resets(root, alice, "short1") == 400);
    CHECK(changes(cloud, alice, "letters4u", "onlyletters").status == 400);
    CHECK(changes(cloud, alice, "letters4u", "letters5u").status == 204);
    CHECK(root.posts("/identity/v3/users", R"({"user":{"name":"bob","password":""}})").status == 400);
}

TEST_CASE("A user may not take one of the last passwords again; an administrator may give it",
          "[identity][compliance]") {
    TestAppliance cloud({{"identity", "unique_last_password_count", "2"}});
    const auto root = cloud.admin();
    const auto alice = cloud.member("alice");
    CHECK(changes(cloud, alice, alice.password, "one").status == 204);
    CHECK(changes(cloud, alice, "one", "one").status == 400);
    CHECK(changes(cloud, alice, "one", alice.password).status == 400);
    CHECK(changes(cloud, alice, "one", "two").status == 204);
    CHECK(changes(cloud, alice, "two", alice.password).status == 204);
    CHECK(resets(root, alice, alice.password) == 200);
}

TEST_CASE("A password stays for its minimum age, unless it has to be changed", "[identity][compliance]") {
    TestAppliance cloud({{"identity", "minimum_password_age", "2"}});
    const auto alice = cloud.member("alice");
    CHECK(changes(cloud, alice, alice.password, "one").status == 400);
    CHECK(resets(cloud.admin(), alice, "set") == 200);
    cloud.passes(3 * 24h);
    CHECK(changes(cloud, alice, "set", "one").status == 204);
    CHECK(changes(cloud, alice, "one", "two").status == 400);
    setsOption(cloud.admin(), alice, R"({"lock_password":true})");
    cloud.passes(3 * 24h);
    CHECK(changes(cloud, alice, "one", "two").status == 400);
}

TEST_CASE("A password that an administrator set is good for nothing but to change it, where that is asked for",
          "[identity][compliance]") {
    TestAppliance cloud(
        {{"identity", "change_password_upon_first_use", "true"}, {"identity", "minimum_password_age", "1"}});
    const auto root = cloud.admin();
    Member alice;
    alice.user = root.posts("/identity/v3/users", R"({"user":{"name":"alice","password":"first"}})")
                     .json()
                     .object("user")
                     .text("id");
    CHECK(passwordStatus(cloud, alice, "first") == 401);
    CHECK(changes(cloud, alice, "first", "own").status == 204);
    CHECK(passwordStatus(cloud, alice, "own") == 201);
    CHECK(resets(root, alice, "second") == 200);
    CHECK(passwordStatus(cloud, alice, "second") == 401);
    setsOption(root, alice, R"({"ignore_change_password_upon_first_use":true})");
    CHECK(resets(root, alice, "third") == 200);
    CHECK(passwordStatus(cloud, alice, "third") == 201);
}

TEST_CASE("An account that nobody used for long counts as disabled until it is enabled again",
          "[identity][compliance]") {
    TestAppliance cloud({{"identity", "disable_user_account_days_inactive", "30"}});
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    cloud.passes(20 * 24h);
    cloud.admin(); // the administrator's account is one, too
    CHECK(passwordStatus(cloud, alice, alice.password) == 201);
    cloud.passes(20 * 24h);
    CHECK(passwordStatus(cloud, alice, alice.password) == 201);
    CHECK(passwordStatus(cloud, bob, bob.password) == 401);
    const auto root = cloud.admin();
    const auto path = "/identity/v3/users/" + bob.user;
    const auto enabled = [&] { return root.gets(path).json().object("user").at("enabled").boolean(); };
    const auto listed = [&](const std::string& truth) {
        return root.gets("/identity/v3/users?name=bob&enabled=" + truth).json().array("users").size();
    };
    CHECK_FALSE(enabled());
    CHECK(listed("true") == 0);
    CHECK(listed("false") == 1);
    CHECK(root.patches(path, R"({"user":{"description":"still asleep"}})").status == 200);
    CHECK(passwordStatus(cloud, bob, bob.password) == 401);
    CHECK(root.patches(path, R"({"user":{"enabled":true}})").json().object("user").at("enabled").boolean());
    CHECK(passwordStatus(cloud, bob, bob.password) == 201);
    cloud.passes(20 * 24h);
    cloud.admin();
    cloud.passes(20 * 24h);
    CHECK(passwordStatus(cloud, bob, bob.password) == 401);
    setsOption(cloud.admin(), bob, R"({"ignore_user_inactivity":true})");
    CHECK(passwordStatus(cloud, bob, bob.password) == 201);
}

TEST_CASE("A login that fails takes as long whatever is wrong with it, and says the same",
          "[identity][compliance][S26]") {
    TestAppliance cloud({{"identity", "password_hash_rounds", "8"},
                         {"identity", "lockout_failure_attempts", "2"},
                         {"identity", "lockout_duration", "3600"}});
    const auto root = cloud.admin();
    auto wrong = cloud.member("wrong"), disabled = cloud.member("disabled"), locked = cloud.member("locked"),
         nobody = wrong, without = wrong;
    nobody.user = "nobody";
    setsOption(root, wrong, R"({"ignore_lockout_failure_attempts":true})");
    without.user =
        root.posts("/identity/v3/users", R"({"user":{"name":"without a password"}})").json().object("user").text("id");
    REQUIRE(root.patches("/identity/v3/users/" + disabled.user, R"({"user":{"enabled":false}})").status == 200);
    for (int each = 0; each < 2; ++each) passwordStatus(cloud, locked, "wrong");
    // The right password where that is not what is wrong.
    const std::pair<Member, std::string> logins[] = {{wrong, "wrong"},
                                                     {nobody, "wrong"},
                                                     {without, "wrong"},
                                                     {disabled, disabled.password},
                                                     {locked, locked.password}};
    std::vector<double>
        times[std::size(logins)]; // of the processor, of all threads: a busy machine changes nothing in it
    const auto spent = [] {
        timespec now{};
        ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
    };
    std::set<std::string> answers;
    for (int round = 0; round < 41; ++round)
        for (std::size_t each = 0; each < std::size(logins); ++each) {
            auto who = logins[each].first;
            who.password = logins[each].second;
            const auto began = spent();
            const auto answer = logsIn(cloud, passwordLogin(who));
            times[each].push_back(spent() - began);
            answers.insert(std::to_string(answer.status) + answer.body);
        }
    CHECK(answers.size() == 1);
    for (auto& each : times) std::nth_element(each.begin(), each.begin() + 20, each.end());
    for (const auto& each : times) CHECK(each[20] / times[0][20] == Approx(1).margin(0.05));
}

TEST_CASE("A password of any length gets the same answer, whether or not there is such a user",
          "[identity][login][S26][S35]") {
    TestAppliance cloud;
    auto alice = cloud.member("alice");
    const auto root = cloud.admin();
    auto nobody = alice;
    nobody.user = "nobody";
    for (const std::size_t length : {72U, 73U, 511U, 512U, 4096U}) {
        INFO(length);
        CHECK(passwordStatus(cloud, alice, std::string(length, 'x')) == 401);
        CHECK(passwordStatus(cloud, nobody, std::string(length, 'x')) == 401);
    }
    for (const std::size_t length : {4097U, 409600U}) {
        INFO(length);
        CHECK(passwordStatus(cloud, alice, std::string(length, 'x')) == 400);
        CHECK(passwordStatus(cloud, nobody, std::string(length, 'x')) == 400);
    }
    // bcrypt looks at the first 72 bytes.
    for (const std::size_t length : {73U, 512U, 4096U}) {
        const std::string password = std::string(length - 1, 'y') + "z";
        INFO(length);
        CHECK(resets(root, alice, password) == 200);
        CHECK(passwordStatus(cloud, alice, password) == 201);
        CHECK(passwordStatus(cloud, alice, std::string(71, 'y')) == 401);
        CHECK(root.posts("/identity/v3/users",
                         R"({"user":{"name":"u)" + std::to_string(length) + R"(","password":")" + password + "\"}}")
                  .status == 201);
    }
    CHECK(resets(root, alice, std::string(4097, 'y')) == 400);
    CHECK(root.posts("/identity/v3/users", R"({"user":{"name":"u","password":")" + std::string(4097, 'y') + "\"}}")
              .status == 400);
    const auto longOriginal = std::string(512, 'y');
    CHECK(resets(root, alice, longOriginal) == 200);
    CHECK(changes(cloud, alice, longOriginal, std::string(4097, 'n')).status == 400);
    CHECK(changes(cloud, alice, longOriginal, std::string(600, 'n')).status == 204);
}

TEST_CASE("No refusal of a body repeats the password in it", "[identity][login][S28]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto alice = cloud.member("alice");
    const std::string bodies[] = {
        R"({"user":{"name":7,"password":"hunter2"}})",
        R"({"user":{"name":"n","password":{"a":"hunter2"}}})",
        R"({"user":["hunter2",{"password":"hunter2"}]})",
        R"({"user":{"name":"n","password":"hunter2","options":{"x":"y"}}})",
        R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"n","password":["hunter2"]}}}}})",
        R"({"auth":{"identity":{"methods":["password"],"password":{"user":"hunter2"}}}})",
        R"({"auth":{"identity":{"methods":["password"],"password":"hunter2"}}})",
        R"({"auth":{"identity":"hunter2"}})",
        R"({"auth":"hunter2"})",
        R"({"user":{"original_password":["hunter2"],"password":"hunter2"}})"};
    for (const auto& body : bodies)
        for (const auto& path :
             {std::string("/identity/v3/users"), "/identity/v3/users/" + alice.user,
              "/identity/v3/users/" + alice.user + "/password", std::string("/identity/v3/auth/tokens")}) {
            const auto answer = root.asks(path.ends_with(alice.user) ? Method::Patch : Method::Post, path, body);
            INFO(path << " " << body << ": " << answer.status);
            CHECK(answer.body.find("hunter2") == std::string::npos);
        }
}

namespace {

/// A connection of a client to the appliance's own listener.
class Wire {
public:
    explicit Wire(TestAppliance& cloud) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const auto& endpoint = cloud.appliance().endpoint();
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    }

    void posts(const std::string& path, const std::string& body, const std::string& token = "") {
        const auto request = "POST " + path + " HTTP/1.1\r\nHost: cloud.test\r\nX-Auth-Token: " + token +
                             "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        REQUIRE(::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(request.size()));
    }

    /// The beginning of the answer; empty where none comes in time.
    std::string hears(std::chrono::milliseconds patience) {
        pollfd watched{fd_.get(), POLLIN, 0};
        if (::poll(&watched, 1, static_cast<int>(patience.count())) <= 0) return {};
        std::string heard(4096, '\0');
        const auto got = ::recv(fd_.get(), heard.data(), heard.size(), 0);
        heard.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return heard;
    }

private:
    Fd fd_;
};

}

TEST_CASE("150 wrong logins at once are mostly told to come back, and nobody else waits for them",
          "[identity][login][S36][time]") {
    TestAppliance cloud({{"identity", "password_hash_rounds", "12"}, {"DEFAULT", "endpoint", ""}}); // its own address
    const auto alice = cloud.member("alice");
    auto wrong = alice;
    wrong.password = "wrong";
    std::vector<std::unique_ptr<Wire>> flood;
    for (int each = 0; each < 150; ++each) {
        flood.push_back(std::make_unique<Wire>(cloud));
        flood.back()->posts("/identity/v3/auth/tokens", passwordLogin(wrong));
    }
    Wire member(cloud), known(cloud);
    const auto began = std::chrono::steady_clock::now();
    member.posts("/network/v2.0/networks", R"({"network":{"name":"n"}})", alice.token);
    CHECK_THAT(member.hears(5s), Catch::StartsWith("HTTP/1.1 201"));
    known.posts("/identity/v3/auth/tokens", tokenLogin(alice.token, projectScope(alice.project))); // hashes nothing
    CHECK_THAT(known.hears(5s), Catch::StartsWith("HTTP/1.1 201"));
    CHECK(std::chrono::steady_clock::now() - began < 3s);
    int busy = 0;
    for (auto& each : flood) {
        const auto heard = each->hears(0ms);
        if (!heard.starts_with("HTTP/1.1 503")) continue;
        ++busy;
        CHECK_THAT(heard, Contains("Retry-After"));
    }
    CHECK(busy >= 80);
}
