#include <catch2/catch.hpp>

#include <limits>
#include <set>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <ctime>
#include <filesystem>
#include <thread>

#include "identity/login/ec2_signature.hpp"
#include "identity/support.hpp"
#include "identity/token/fernet.hpp"
#include "identity/token/keeper.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;
using http::Method;

namespace {

std::string mac(const EVP_MD* kind, const std::string& key, const std::string& text) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    HMAC(kind, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
         text.size(), out, &length);
    return {reinterpret_cast<const char*>(out), length};
}

std::string base64(const std::string& bytes) {
    auto text = identity::base64Url(bytes);
    for (auto& each : text) each = each == '-' ? '+' : each == '_' ? '/' : each;
    text.append((4 - text.size() % 4) % 4, '=');
    return text;
}

std::string hex(const std::string& bytes) {
    std::string text;
    for (const unsigned char each : bytes)
        text.append(1, "0123456789abcdef"[each >> 4]).append(1, "0123456789abcdef"[each & 15]);
    return text;
}

std::string sha256(const std::string& text) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_Digest(text.data(), text.size(), out, &length, EVP_sha256(), nullptr);
    return hex({reinterpret_cast<const char*>(out), length});
}

struct Key {
    std::string access, secret;
};

Key makesKey(const Member& who) {
    const auto answer =
        who.posts("/identity/v3/users/" + who.user + "/credentials/OS-EC2", R"({"tenant_id":")" + who.project + "\"}");
    REQUIRE(answer.status == 201);
    const auto made = answer.json().object("credential");
    return {made.text("access"), made.text("secret")};
}

std::string compact(Time time) {
    auto text = isoSecondsZ(time);
    std::erase_if(text, [](char each) { return each == '-' || each == ':'; });
    return text;
}

/// A request signed in version 2 at this time.
std::string signedBody(const Key& key, Time at, const std::string& secret) {
    const auto when = isoSecondsZ(at);
    const std::string query =
        "AWSAccessKeyId=" + key.access +
        "&Action=Describe&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=" + http::percentEncoded(when);
    const auto signature = base64(mac(EVP_sha256(), secret, "GET\nec2.test:8773\n/services/Cloud\n" + query));
    return R"({"credentials":{"access":")" + key.access + R"(","signature":)" + jsonText(signature) +
           R"(,"verb":"GET","host":"ec2.test:8773","path":"/services/Cloud","params":{"AWSAccessKeyId":")" +
           key.access + R"(","Action":"Describe","SignatureMethod":"HmacSHA256","SignatureVersion":"2","Timestamp":")" +
           when + "\"}}}";
}

}

TEST_CASE("A user keeps credentials of any type, which only that user and the administrator see",
          "[identity][credential][S25]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice"), bob = cloud.member("bob");
    const auto root = cloud.admin();
    const std::string all = "/identity/v3/credentials";
    const auto made = alice.posts(all, R"({"credential":{"type":"certificate","blob":"-----BEGIN-----"}})");
    REQUIRE(made.status == 201);
    const auto id = made.json().object("credential").text("id");
    CHECK(made.json().object("credential").text("user_id") == alice.user);
    CHECK(alice.gets(all + "/" + id).json().object("credential").text("blob") == "-----BEGIN-----");
    CHECK(bob.gets(all + "/" + id).status == 403);
    CHECK(bob.gets(all + "/nothing").status == 403); // whose it would be is what the rule asks
    CHECK(root.gets(all + "/nothing").status == 404);
    CHECK(bob.gets(all).json().array("credentials").size() == 0);
    CHECK(bob.gets(all + "?user_id=" + alice.user).json().array("credentials").size() == 0);
    CHECK(alice.gets(all + "?type=certificate").json().array("credentials").size() == 1);
    CHECK(alice.gets(all + "?type=ec2").json().array("credentials").size() == 0);
    CHECK(root.gets(all + "?user_id=" + alice.user).json().array("credentials").size() == 1);
    CHECK(bob.posts(all, R"({"credential":{"type":"x","blob":"y","user_id":")" + alice.user + "\"}}").status == 403);
    CHECK(alice.patches(all + "/" + id, R"({"credential":{"user_id":")" + bob.user + "\"}}").status ==
          403); // no planting
    CHECK(bob.deletes(all + "/" + id).status == 403);
    CHECK_THAT(alice.posts(all, R"({"credential":{"blob":"y"}})").body, Contains("type"));
    CHECK_THAT(
        alice.posts(all, R"({"credential":{"type":"ec2","blob":"y","project_id":")" + alice.project + "\"}}").body,
        Contains("blob"));
    CHECK_THAT(alice.posts(all, R"({"credential":{"type":"ec2","blob":"{}"}})").body, Contains("project_id"));
    CHECK(alice.deletes(all + "/" + id).status == 204);
    CHECK(alice.gets(all + "/" + id).status == 403);
    CHECK(root.gets(all + "/" + id).status == 404);
}

TEST_CASE("An access key kept as a credential changes its blob and project, and has the digest of its access as id",
          "[identity][credential]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto other = cloud.member("bob").project;
    const auto root = cloud.admin();
    const std::string all = "/identity/v3/credentials";
    const auto body = [&](const std::string& access) {
        return R"({"credential":{"type":"ec2","user_id":")" + alice.user + R"(","project_id":")" + alice.project +
               R"(","blob":"{\"access\":\")" + access + R"(\",\"secret\":\"s\"}"}})";
    };
    const auto made = root.posts(all, body("one"));
    REQUIRE(made.status == 201);
    const auto id = made.json().object("credential").text("id");
    CHECK(id == sha256("one"));
    CHECK(root.posts(all, body("one")).status == 409);
    const auto changed = root.patches(all + "/" + id, R"({"credential":{"type":"ec2","project_id":")" + other +
                                                          R"(","blob":"{\"access\":\"two\",\"secret\":\"t\"}"}})");
    CHECK(changed.status == 200);
    CHECK(changed.json().object("credential").text("id") == id);
    CHECK(changed.json().object("credential").text("project_id") == other);
    CHECK(root.gets("/identity/v3/users/" + alice.user + "/credentials/OS-EC2/two")
              .json()
              .object("credential")
              .text("secret") == "t");
    CHECK(root.patches(all + "/" + id, R"({"credential":{"project_id":"nothing"}})").status == 404);
    CHECK(root.patches(all + "/" + id, R"({"credential":{"type":"totp"}})").status == 400);
    CHECK(root.patches(all + "/" + id,
                       R"({"credential":{"blob":"{\"access\":\"two\",\"secret\":\"t\",\"trust_id\":\"x\"}"}})")
              .status == 400);
}

TEST_CASE("A request signed with an access key gets a token of its user, for a service that asks",
          "[identity][ec2][S22]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto root = cloud.admin();
    const auto key = makesKey(alice);
    const auto now = RealAmbient().now();
    const auto answer = root.posts("/identity/v3/ec2tokens", signedBody(key, now, key.secret));
    REQUIRE(answer.status == 200);
    CHECK(answer.json().object("token").object("user").text("id") == alice.user);
    CHECK(answer.json().object("token").object("project").text("id") == alice.project);
    CHECK(with(alice, tokenOf(answer)).gets("/network/v2.0/networks").status == 200);
    CHECK(root.posts("/identity/v3/ec2tokens", signedBody(key, now, "wrong")).status == 401);
    CHECK(root.posts("/identity/v3/ec2tokens", signedBody({"nothing", ""}, now, "wrong")).status == 401);
    CHECK(root.posts("/identity/v3/ec2tokens", signedBody(key, now - std::chrono::minutes(16), key.secret)).status ==
          401);
    CHECK(root.posts("/identity/v3/ec2tokens", signedBody(key, now + std::chrono::minutes(16), key.secret)).status ==
          401);
    CHECK(alice.posts("/identity/v3/ec2tokens", signedBody(key, now, key.secret)).status == 403);
    CHECK(cloud.asks(Method::Post, "/identity/v3/ec2tokens", signedBody(key, now, key.secret)).status == 401);
    CHECK(cloud.asks(Method::Post, "/identity/v3/s3tokens", "{}").status == 401);
    alice.deletes("/identity/v3/users/" + alice.user + "/credentials/OS-EC2/" + key.access);
    CHECK(root.posts("/identity/v3/ec2tokens", signedBody(key, now, key.secret)).status == 401);
}

TEST_CASE("The old versions of signatures are verified over what they sign", "[identity][ec2]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto root = cloud.admin();
    const auto key = makesKey(alice);
    const auto when = isoSecondsZ(RealAmbient().now());
    const auto ask = [&](const std::string& version, const std::string& action, const std::string& signature,
                         const std::string& method = "") {
        return root
            .posts("/identity/v3/ec2tokens",
                   R"({"credentials":{"access":")" + key.access + R"(","signature":)" + jsonText(signature) +
                       R"(,"verb":"GET","host":"ec2.test","path":"/","params":{"AWSAccessKeyId":")" + key.access +
                       R"(","Action":")" + action + R"(","SignatureVersion":")" + version + R"(","Timestamp":")" +
                       when + "\"" + (method.empty() ? "" : R"(,"SignatureMethod":")" + method + "\"") + "}}}")
            .status;
    };
    const auto signedText = [&](const std::string& text) { return base64(mac(EVP_sha1(), key.secret, text)); };
    const auto zero = signedText("Describe" + when);
    CHECK(ask("0", "Describe", zero) == 200);
    CHECK(ask("0", "Terminate", zero) == 401);
    const auto one = signedText("ActionDescribeAWSAccessKeyId" + key.access + "SignatureVersion1Timestamp" + when);
    CHECK(ask("1", "Describe", one) == 200);
    CHECK(ask("1", "Terminate", one) == 401);
    CHECK(ask("1", "Describe", zero) == 401);
    const auto two = signedText(
        "GET\nec2.test\n/\nAWSAccessKeyId=" + key.access +
        "&Action=Describe&SignatureMethod=HmacSHA1&SignatureVersion=2&Timestamp=" + http::percentEncoded(when));
    CHECK(ask("2", "Describe", two, "HmacSHA1") == 200);
    CHECK(ask("2", "Terminate", two, "HmacSHA1") == 401);
    CHECK(ask("3", "Describe", two) == 400);
}

TEST_CASE("Version 4 signatures are verified over the signed headers, the query and the body's digest",
          "[identity][ec2]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto key = makesKey(alice);
    const auto date = compact(RealAmbient().now());
    const auto day = date.substr(0, 8), scope = day + "/RegionOne/ec2/aws4_request";
    const auto bodyHash = sha256("");
    const std::string canonical =
        "GET\n/\nAction=Describe\nhost:ec2.test\nx-amz-date:" + date + "\n\nhost;x-amz-date\n" + bodyHash;
    const auto text = "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + sha256(canonical);
    const auto sign = [](const std::string& with, const std::string& what) { return mac(EVP_sha256(), with, what); };
    const auto derived = sign(sign(sign(sign("AWS4" + key.secret, day), "RegionOne"), "ec2"), "aws4_request");
    const auto body = [&](const std::string& action, const std::string& signature) {
        return R"({"credentials":{"access":")" + key.access + R"(","signature":")" + signature +
               R"(","verb":"GET","host":"ec2.test","path":"/","params":{"Action":")" + action + R"("},"body_hash":")" +
               bodyHash + R"(","headers":{"Host":"ec2.test","X-Amz-Date":")" + date +
               R"(","Authorization":"AWS4-HMAC-SHA256 Credential=)" + key.access + "/" + scope +
               R"(, SignedHeaders=host;x-amz-date, Signature=x"}}})";
    };
    const auto good = hex(sign(derived, text));
    CHECK(cloud.admin().posts("/identity/v3/ec2tokens", body("Describe", good)).status == 200);
    CHECK(cloud.admin().posts("/identity/v3/ec2tokens", body("Terminate", good)).status == 401);
    CHECK(cloud.admin().posts("/identity/v3/ec2tokens", body("Describe", hex(sign(derived, text + "x")))).status ==
          401);
}

TEST_CASE("What an S3 client signed gets a token, in both versions, for a quarter of an hour", "[identity][ec2][S22]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto key = makesKey(alice);
    const auto root = cloud.admin();
    const auto ask = [&](const std::string& text, const std::string& signature) {
        return root
            .posts("/identity/v3/s3tokens", R"({"credentials":{"access":")" + key.access + R"(","signature":)" +
                                                jsonText(signature) + R"(,"token":")" + identity::base64Url(text) +
                                                "\"}}")
            .status;
    };
    const auto old = [&](Time at) {
        char when[64];
        const auto seconds = static_cast<std::time_t>(toMicros(at) / 1000000);
        std::strftime(when, sizeof when, "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&seconds));
        return std::string("GET\n\n\n") + when + "\n/bucket/object";
    };
    const auto now = RealAmbient().now();
    CHECK(ask(old(now), base64(mac(EVP_sha1(), key.secret, old(now)))) == 200);
    CHECK(ask(old(now), base64(mac(EVP_sha1(), "wrong", old(now)))) == 401);
    const auto late = old(now - std::chrono::minutes(20));
    CHECK(ask(late, base64(mac(EVP_sha1(), key.secret, late))) == 401);

    // An address signed beforehand says in seconds until when it is good.
    const auto until = [](std::int64_t second) { return "GET\n\n\n" + std::to_string(second) + "\n/bucket/object"; };
    const auto second = toMicros(now) / 1000000;
    for (const auto& [when, status] :
         {std::pair{second + 60, 200}, {second - 60, 401}, {std::numeric_limits<std::int64_t>::max(), 200}}) {
        CAPTURE(when);
        CHECK(ask(until(when), base64(mac(EVP_sha1(), key.secret, until(when)))) == status);
    }

    const auto date = compact(now), day = date.substr(0, 8);
    const auto text = "AWS4-HMAC-SHA256\n" + date + "\n" + day + "/RegionOne/s3/aws4_request\n" + sha256("the request");
    const auto sign = [](const std::string& with, const std::string& what) { return mac(EVP_sha256(), with, what); };
    const auto derived = sign(sign(sign(sign("AWS4" + key.secret, day), "RegionOne"), "s3"), "aws4_request");
    CHECK(ask(text, hex(sign(derived, text))) == 200);
    CHECK(ask(text, hex(sign(derived, text + "x"))) == 401);
}

TEST_CASE("An access key made with an application credential can do no more than that, and goes with it",
          "[identity][ec2][S20]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const auto root = cloud.admin();
    const auto own = makesKey(alice);
    const auto parent =
        makesCredential(alice, "parent", R"(,"unrestricted":true,"roles":[{"name":"reader"},{"name":"member"}])");
    const auto robot = with(alice, tokenOf(logsIn(cloud, credentialLogin(parent.id, parent.secret))));
    const auto key = makesKey(robot);
    const auto keys = "/identity/v3/users/" + alice.user + "/credentials/OS-EC2";
    CHECK(robot.gets(keys).json().array("credentials").size() == 1); // not those that the user made
    CHECK(robot.gets(keys + "/" + own.access).status == 404);
    const auto answer = root.posts("/identity/v3/ec2tokens", signedBody(key, RealAmbient().now(), key.secret));
    REQUIRE(answer.status == 200);
    CHECK(answer.json().object("token").object("application_credential").text("id") == parent.id);
    CHECK(logsIn(cloud, tokenLogin(tokenOf(answer), projectScope(alice.project))).status == 403);
    // Nothing that the blob says makes more of it.
    CHECK(robot
              .posts("/identity/v3/credentials",
                     R"({"credential":{"type":"ec2","project_id":")" + root.project +
                         R"(","blob":"{\"access\":\"a\",\"secret\":\"s\",\"trust_id\":\"x\"}"}})")
              .status == 403);
    CHECK(alice.deletes("/identity/v3/users/" + alice.user + "/application_credentials/" + parent.id).status == 204);
    CHECK(stateOf(root, tokenOf(answer)) == 404);
    CHECK(root.posts("/identity/v3/ec2tokens", signedBody(key, RealAmbient().now(), key.secret)).status == 401);
}

TEST_CASE("What a user owns is listed in pages", "[identity][credential]") {
    TestAppliance cloud;
    const auto alice = cloud.member("alice");
    const std::string all = "/identity/v3/credentials";
    for (const auto* each : {"1", "2", "3"})
        REQUIRE(alice.posts(all, R"({"credential":{"type":"x","blob":")" + std::string(each) + R"("}})").status == 201);
    std::set<std::string> seen;
    std::string marker;
    for (int page = 0; page < 3; ++page) {
        const auto answer = alice.gets(all + "?limit=1" + (marker.empty() ? "" : "&marker=" + marker)).json();
        REQUIRE(answer.array("credentials").items().size() == 1);
        marker = answer.array("credentials").items()[0].text("id");
        seen.insert(marker);
        CHECK(answer.object("links").maybeText("next").has_value() == (page < 2));
    }
    CHECK(seen.size() == 3);
    CHECK(alice.gets(all + "?marker=nothing").status == 400);
    CHECK(alice.gets(all + "?limit=0").status == 400);
    CHECK(alice.gets("/identity/v3/OS-TRUST/trusts?trustor_user_id=" + alice.user + "&limit=x").status == 400);
    CHECK(alice.gets("/identity/v3/users/" + alice.user + "/application_credentials?marker=nothing").status == 400);
    CHECK(alice.gets("/identity/v3/users/" + alice.user + "/access_rules?marker=nothing").status == 400);
    CHECK(alice.gets("/identity/v3/users/" + alice.user + "/projects?marker=nothing").status == 400);
    CHECK(alice.gets("/identity/v3/auth/projects?limit=1").json().array("projects").items().size() == 1);
    CHECK(alice.gets("/identity/v3/auth/domains?limit=0").status == 400);
}

TEST_CASE("Secrets lie sealed in the store, and stay readable when their keys rotate again and again",
          "[identity][credential][keys]") {
    TestAppliance cloud;
    const auto root = cloud.admin();
    const auto alice = cloud.member("alice");
    const std::string all = "/identity/v3/credentials";
    const auto id =
        alice.posts(all, R"({"credential":{"type":"x","blob":"very private"}})").json().object("credential").text("id");
    const auto consumer =
        root.posts("/identity/v3/OS-OAUTH1/consumers", R"({"consumer":{}})").json().object("consumer").text("secret");
    REQUIRE(root.puts("/identity/v3/domains/default/config",
                      R"({"config":{"ldap":{"password":"very secret","suffix":"in clear"}}})")
                .status == 201);
    const auto sealed = [&] {
        return cloud.appliance()
            .store()
            .reader()
            .query("SELECT blob || key_name || secret || value FROM credentials, consumers, domain_configs WHERE "
                   "option_name = 'password'")
            .texts()
            .at(0);
    };
    const auto isInAFile = [&](const std::string& text) {
        return contentOf(cloud.folder() / "stratolet.db").find(text) != std::string::npos ||
               contentOf(cloud.folder() / "stratolet.db-wal").find(text) != std::string::npos;
    };
    CHECK(isInAFile("in clear"));
    for (const auto& each : {std::string("very private"), std::string("very secret"), consumer})
        CHECK_FALSE(isInAFile(each));
    for (int round = 0; round < 4; ++round) {
        const auto before = sealed();
        identity::rotateCredentialKeys(cloud.folder());
        for (int tries = 0; tries < 1500 && sealed() == before; ++tries) {
            CHECK(alice.gets(all + "/" + id).status == 200);
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        CHECK(sealed() != before);
        CHECK(alice.gets(all + "/" + id).json().object("credential").text("blob") == "very private");
    }
    int files = 0;
    for (const auto& each : std::filesystem::directory_iterator(cloud.folder() / "credential-keys"))
        files += each.path().filename() != "lock";
    CHECK(files <= 4);
}
