#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <thread>

#include "identity/directory/directory.hpp"
#include "identity/token/keeper.hpp"
#include "platform/os/process.hpp"
#include "platform/reconcile/reconciler.hpp"
#include "support/test_appliance.hpp"

using namespace stratolet;
using namespace stratolet::test;
using namespace std::chrono_literals;
using Catch::Contains;
using http::Method;

namespace {

constexpr const char* slapd = "/usr/sbin/slapd";

constexpr const char* entries = R"(dn: dc=corp,dc=test
objectClass: dcObject
objectClass: organization
o: Corp
dc: corp

dn: ou=People,dc=corp,dc=test
objectClass: organizationalUnit
ou: People

dn: ou=Teams,dc=corp,dc=test
objectClass: organizationalUnit
ou: Teams

dn: uid=anna,ou=People,dc=corp,dc=test
objectClass: inetOrgPerson
uid: anna
cn: Anna
sn: Smith
mail: anna@corp.test
employeeType: TRUE
userPassword: anna's word

dn: uid=ben,ou=People,dc=corp,dc=test
objectClass: inetOrgPerson
uid: ben
cn: Ben
sn: Jones
employeeType: FALSE
userPassword: ben's word

dn: uid=cleo (x)*,ou=People,dc=corp,dc=test
objectClass: inetOrgPerson
uid: cleo (x)*
cn: Cleo
sn: Cleo
employeeType: TRUE
userPassword: cleo's word

dn: cn=builders,ou=Teams,dc=corp,dc=test
objectClass: groupOfNames
cn: builders
description: They build
member: uid=Anna, ou=People, dc=corp, dc=test
)";

int freePort() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool bound = ::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                       ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(socket);
    return bound ? ntohs(address.sin_port) : 0;
}

/// Debian's slapd on a port of its own, its data in a folder that is gone when this is.
class DirectoryServer {
public:
    /// `certifiedFor`: a subjectAltName; with one it also speaks TLS, with a certificate that it signed itself.
    explicit DirectoryServer(const std::string& certifiedFor = "") : port_(freePort()) {
        const auto data = folder_ / "data";
        std::filesystem::create_directory(data);
        std::ofstream(config())
            << "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n"
               "include /etc/ldap/schema/inetorgperson.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n"
            << "pidfile " << (folder_ / "pid").string() << "\n"
            << (certifiedFor.empty() ? "" : certificate(certifiedFor))
            << "database mdb\nmaxsize 16777216\nsuffix dc=corp,dc=test\n"
            << "rootdn cn=root,dc=corp,dc=test\nrootpw root's-word\ndirectory " << data.string()
            << "\naccess to attrs=userPassword by anonymous auth by * none\naccess to * by users read by anonymous "
               "auth\n";
        const auto ldif = (folder_ / "entries.ldif").string();
        std::ofstream(ldif) << entries;
        process::run({.argv = {"slapadd", "-f", config(), "-l", ldif}}).expectSuccess();
        start();
    }
    ~DirectoryServer() { stop(); }

    void start() {
        const auto urls = url() + (securePort_ ? " " + secureUrl() : "");
        pid_ = process::spawn(
            {.argv = {slapd, "-h", urls, "-f", config(), "-d", "0"}, .logFile = (folder_ / "log").string()});
        for (int tries = 0; tries < 200; ++tries) {
            if (process::run({.argv = {"ldapwhoami", "-x", "-H", url()}}).succeeded()) return;
            std::this_thread::sleep_for(20ms);
        }
        FAIL("slapd did not start");
    }
    void stop() { process::end(pid_, config(), 5s); }

    void changes(const std::string& ldif) {
        process::run({.argv = {"ldapmodify", "-x", "-H", url(), "-D", "cn=root,dc=corp,dc=test", "-w", "root's-word"},
                      .input = ldif})
            .expectSuccess();
    }

    std::string url() const { return "ldap://127.0.0.1:" + std::to_string(port_); }
    std::string secureUrl() const { return "ldaps://127.0.0.1:" + std::to_string(securePort_); }
    std::string certificateFile() const { return (folder_ / "cert").string(); }

private:
    /// Makes one; what the server has to be told of it.
    std::string certificate(const std::string& name) {
        securePort_ = freePort();
        const auto key = (folder_ / "key").string();
        process::run(
            {.argv = {"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                      "/CN=directory", "-addext", "subjectAltName=" + name, "-keyout", key, "-out", certificateFile()}})
            .expectSuccess();
        return "TLSCertificateFile " + certificateFile() + "\nTLSCertificateKeyFile " + key + "\n";
    }

    std::string config() const { return (folder_ / "slapd.conf").string(); }

    Folder folder_;
    int port_, securePort_ = 0;
    int pid_ = 0;
};

/// False, said aloud, where there is no slapd.
bool hasServer() {
    if (::access(slapd, X_OK) == 0) return true;
    WARN("skipped: slapd is not installed");
    return false;
}

std::vector<TestOption> optionsFor(const DirectoryServer& server, const std::vector<TestOption>& more = {}) {
    std::vector<TestOption> options{{"ldap", "domain", "Corp"},
                                    {"ldap", "url", server.url()},
                                    {"ldap", "user", "cn=root,dc=corp,dc=test"},
                                    {"ldap", "password", "root's-word"},
                                    {"ldap", "suffix", "dc=corp,dc=test"},
                                    {"ldap", "user_tree_dn", "ou=People,dc=corp,dc=test"},
                                    {"ldap", "user_id_attribute", "uid"},
                                    {"ldap", "user_name_attribute", "uid"},
                                    {"ldap", "user_enabled_attribute", "employeeType"},
                                    {"ldap", "group_tree_dn", "ou=Teams,dc=corp,dc=test"},
                                    {"ldap", "group_name_attribute", "cn"},
                                    {"ldap", "page_size", "2"},
                                    {"ldap", "connection_timeout", "2"},
                                    {"ldap", "sync_interval", "3600"}};
    options.insert(options.end(), more.begin(), more.end());
    return options;
}

/// A cloud with a domain "Corp" whose users are in a directory.
struct Corp {
    explicit Corp(const DirectoryServer& server, const std::vector<TestOption>& more = {})
        : cloud(optionsFor(server, more)) {
        const auto made = root.posts("/identity/v3/domains", R"({"domain":{"name":"Corp"}})");
        REQUIRE(made.status == 201);
        domain = made.json().object("domain").text("id");
        synchronize();
    }

    void synchronize() { cloud.appliance().reconciler().now("identity.directories"); }

    Json listed(const std::string& collection) const {
        return root.gets("/identity/v3/" + collection + "?domain_id=" + domain).json().array(collection);
    }

    std::string idOf(const std::string& collection, const std::string& name) const {
        for (const auto& each : listed(collection).items())
            if (each.text("name") == name) return each.text("id");
        return {};
    }

    Answer logsIn(const std::string& name, const std::string& password, const std::string& scope = R"("unscoped")") {
        return cloud.asks(Method::Post, "/identity/v3/auth/tokens",
                          R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"name":)" +
                              jsonText(name) + R"(,"domain":{"name":"Corp"},"password":)" + jsonText(password) +
                              R"(}}},"scope":)" + scope + "}}");
    }

    TestAppliance cloud;
    Member root = cloud.admin();
    std::string domain;
};

}

TEST_CASE("Users and groups of a directory are listed, shown and members of each other", "[identity][directory]") {
    if (!hasServer()) return;
    DirectoryServer server;
    Corp corp(server);
    CHECK(corp.listed("users").size() == 3);
    const auto anna = corp.root.gets("/identity/v3/users/" + corp.idOf("users", "anna")).json().object("user");
    CHECK(anna.text("email") == "anna@corp.test");
    CHECK(anna.boolean("enabled", false));
    CHECK_FALSE(corp.root.gets("/identity/v3/users/" + corp.idOf("users", "ben"))
                    .json()
                    .object("user")
                    .boolean("enabled", true));
    const auto builders = corp.idOf("groups", "builders");
    CHECK(corp.root.gets("/identity/v3/groups/" + builders).json().object("group").text("description") == "They build");
    const auto members = corp.root.gets("/identity/v3/groups/" + builders + "/users").json().array("users");
    REQUIRE(members.size() == 1);
    CHECK(members.items()[0].text("name") == "anna");
    CHECK_THAT(corp.root.gets("/identity/v3/users").body, !Contains("'s word"));
}

TEST_CASE("A user of a directory logs in with the password that the directory has", "[identity][directory]") {
    if (!hasServer()) return;
    DirectoryServer server;
    Corp corp(server);
    CHECK(corp.logsIn("anna", "anna's word").status == 201);
    CHECK(corp.logsIn("anna", "wrong").status == 401);
    CHECK(corp.logsIn("anna", "").status == 401);
    CHECK(corp.logsIn("ben", "ben's word").status == 401); // disabled
    CHECK(corp.logsIn("cleo (x)*", "cleo's word").status == 201);
    CHECK(corp.logsIn("*", "anna's word").status == 401);
    CHECK(corp.logsIn("nobody", "anna's word").status == 401);
    CHECK(corp.logsIn("anna)(uid=*", "anna's word").status == 401);
    server.changes("dn: uid=dora,ou=People,dc=corp,dc=test\nchangetype: add\nobjectClass: inetOrgPerson\nuid: "
                   "dora\ncn: Dora\nsn: D\n"
                   "employeeType: TRUE\nuserPassword: dora's word\n");
    CHECK(corp.logsIn("dora", "dora's word").status == 201); // without waiting for the next look at the directory
    CHECK(corp.cloud.logsIn("admin", "secret", "admin").size() > 20);
}

TEST_CASE("Wrong passwords lock a user of a directory as they lock any other", "[identity][directory][compliance]") {
    if (!hasServer()) return;
    DirectoryServer server;
    Corp corp(server, {{"identity", "lockout_failure_attempts", "2"}, {"identity", "lockout_duration", "60"}});
    CHECK(corp.logsIn("anna", "wrong").status == 401);
    CHECK(corp.logsIn("anna", "anna's word").status == 201);
    for (int each = 0; each < 2; ++each) CHECK(corp.logsIn("anna", "wrong").status == 401);
    CHECK(corp.logsIn("anna", "anna's word").status == 401);
    CHECK(corp.logsIn("cleo (x)*", "cleo's word").status == 201);
    corp.cloud.passes(61s);
    CHECK(corp.logsIn("anna", "anna's word").status == 201);
}

TEST_CASE("A directory is spoken to in secret where the settings say so, and only when it proves who it is",
          "[identity][directory]") {
    if (!hasServer()) return;
    const bool fromTheStart = GENERATE(true, false);
    const auto options = [&](const DirectoryServer& server, bool trusted) {
        std::vector<TestOption> all{{"ldap", "url", fromTheStart ? server.secureUrl() : server.url()},
                                    {"ldap", "use_tls", fromTheStart ? "false" : "true"}};
        if (trusted) all.push_back({"ldap", "tls_cacertfile", server.certificateFile()});
        return all;
    };
    const DirectoryServer server("IP:127.0.0.1"), elsewhere("DNS:elsewhere.test");
    CHECK(Corp(server, options(server, true)).logsIn("anna", "anna's word").status == 201);
    const auto refused = Contains(fromTheStart ? "log in" : "start TLS");
    CHECK_THROWS_WITH(Corp(server, options(server, false)), refused);
    CHECK_THROWS_WITH(Corp(elsewhere, options(elsewhere, true)), refused);
}

TEST_CASE("Roles are given to users and groups of a directory as to any other", "[identity][directory]") {
    if (!hasServer()) return;
    DirectoryServer server;
    Corp corp(server);
    const auto made = corp.root.posts("/identity/v3/projects", R"({"project":{"name":"p"}})");
    const auto project = made.json().object("project").text("id");
    const auto role = corp.root.gets("/identity/v3/roles?name=member").json().array("roles").items()[0].text("id");
    const auto scope = R"({"project":{"id":")" + project + "\"}}";
    CHECK(corp.logsIn("anna", "anna's word", scope).status == 401);
    CHECK(
        corp.root
            .puts("/identity/v3/projects/" + project + "/groups/" + corp.idOf("groups", "builders") + "/roles/" + role,
                  "")
            .status == 204);
    const auto answer = corp.logsIn("anna", "anna's word", scope);
    REQUIRE(answer.status == 201);
    const std::string token(answer.headers["X-Subject-Token"]);
    CHECK(corp.logsIn("cleo (x)*", "cleo's word", scope).status == 401);
    CHECK(corp.root
              .puts("/identity/v3/projects/" + project + "/users/" + corp.idOf("users", "cleo (x)*") + "/roles/" + role,
                    "")
              .status == 204);
    CHECK(corp.logsIn("cleo (x)*", "cleo's word", scope).status == 201);

    server.changes("dn: cn=builders,ou=Teams,dc=corp,dc=test\nchangetype: modify\nreplace: member\n"
                   "member: uid=ben,ou=People,dc=corp,dc=test\n");
    corp.synchronize();
    CHECK(corp.cloud.asks(Method::Get, "/identity/v3/auth/projects", "", {}, token).status == 401);
}

TEST_CASE("Nothing is written to a directory", "[identity][directory]") {
    if (!hasServer()) return;
    DirectoryServer server;
    Corp corp(server);
    const auto anna = "/identity/v3/users/" + corp.idOf("users", "anna"),
               builders = "/identity/v3/groups/" + corp.idOf("groups", "builders");
    CHECK(corp.root.posts("/identity/v3/users", R"({"user":{"name":"x","domain_id":")" + corp.domain + "\"}}").status ==
          403);
    CHECK(corp.cloud
              .asks(Method::Post, anna + "/password", R"({"user":{"original_password":"anna's word","password":"x"}})")
              .status == 403);
    CHECK(corp.root.patches(anna, R"({"user":{"enabled":false}})").status == 403);
    CHECK(corp.root.deletes(anna).status == 403);
    CHECK(
        corp.root.posts("/identity/v3/groups", R"({"group":{"name":"x","domain_id":")" + corp.domain + "\"}}").status ==
        403);
    CHECK(corp.root.patches(builders, R"({"group":{"name":"x"}})").status == 403);
    CHECK(corp.root.deletes(builders).status == 403);
    CHECK(corp.root.puts(builders + "/users/" + corp.root.user, "").status == 403);
    CHECK(corp.root.deletes(builders + "/users/" + corp.idOf("users", "anna")).status == 403);
    CHECK(corp.root.posts("/identity/v3/users", R"({"user":{"name":"x"}})").status == 201);
    CHECK(corp.listed("users").size() == 3);
}

TEST_CASE("Who is gone from a directory is disabled at the next look, and keeps what was assigned",
          "[identity][directory]") {
    if (!hasServer()) return;
    DirectoryServer server;
    Corp corp(server);
    const auto anna = corp.idOf("users", "anna");
    const auto role = corp.root.gets("/identity/v3/roles?name=member").json().array("roles").items()[0].text("id");
    const auto grant = "/identity/v3/projects/" + corp.root.project + "/users/" + anna + "/roles/" + role;
    REQUIRE(corp.root.puts(grant, "").status == 204);
    const auto scope = R"({"project":{"id":")" + corp.root.project + "\"}}";
    const std::string token(corp.logsIn("anna", "anna's word", scope).headers["X-Subject-Token"]);
    const auto asks = [&] { return corp.cloud.asks(Method::Get, "/identity/v3/auth/projects", "", {}, token).status; };
    CHECK(asks() == 200);
    server.changes("dn: uid=anna,ou=People,dc=corp,dc=test\nchangetype: delete\n");
    corp.synchronize();
    CHECK(asks() == 401);
    CHECK(corp.logsIn("anna", "anna's word").status == 401);
    CHECK_FALSE(corp.root.gets("/identity/v3/users/" + anna).json().object("user").boolean("enabled", true));
    CHECK(corp.root.heads(grant).status == 204);
    server.changes("dn: uid=anna,ou=People,dc=corp,dc=test\nchangetype: add\nobjectClass: inetOrgPerson\nuid: "
                   "anna\ncn: Anna\nsn: S\n"
                   "employeeType: TRUE\nuserPassword: new word\n");
    corp.synchronize();
    CHECK(corp.idOf("users", "anna") == anna);
    CHECK(corp.logsIn("anna", "new word", scope).status == 201);
}

TEST_CASE("A directory that does not answer refuses logins to its domain only, and forgets nobody",
          "[identity][directory]") {
    if (!hasServer()) return;
    DirectoryServer server;
    Corp corp(server);
    server.stop();
    CHECK_THROWS_WITH(corp.synchronize(), Contains("ldap://127.0.0.1"));
    CHECK(corp.logsIn("anna", "anna's word").status == 500);
    CHECK(corp.listed("users").size() == 3);
    CHECK(corp.root.posts("/identity/v3/users", R"({"user":{"name":"x","domain_id":")" + corp.domain + "\"}}").status ==
          403);
    CHECK(corp.cloud.logsIn("admin", "secret", "admin").size() > 20);
    server.start();
    CHECK(corp.logsIn("anna", "anna's word").status == 201);
}

TEST_CASE("A domain's own configuration says that its users are in a directory, where that is allowed",
          "[identity][directory]") {
    if (!hasServer()) return;
    DirectoryServer server;
    const bool allowed = GENERATE(true, false);
    TestAppliance cloud({{"identity", "domain_specific_drivers_enabled", allowed ? "true" : "false"},
                         {"ldap", "connection_timeout", "2"}});
    const auto root = cloud.admin();
    const auto domain =
        root.posts("/identity/v3/domains", R"({"domain":{"name":"Own"}})").json().object("domain").text("id");
    std::string ldap = R"("url":")" + server.url() + "\"";
    for (const auto& [section, key, value] : optionsFor(server))
        if (key != "domain" && key != "url" && key != "sync_interval" && key != "page_size" &&
            key != "connection_timeout")
            ldap += "," + jsonText(key) + ":" + jsonText(value);
    const auto path = "/identity/v3/domains/" + domain + "/config";
    REQUIRE(root.puts(path, R"({"config":{"identity":{"driver":"ldap"},"ldap":{)" + ldap + "}}}").status == 201);
    cloud.appliance().reconciler().now("identity.directories");
    const auto users = [&] { return root.gets("/identity/v3/users?domain_id=" + domain).json().array("users").size(); };
    CHECK(users() == (allowed ? 3 : 0));
    const auto creates = [&] {
        return root.posts("/identity/v3/users", R"({"user":{"name":"x","domain_id":")" + domain + "\"}}").status;
    };
    CHECK(creates() == (allowed ? 403 : 201));
    if (!allowed) return;
    identity::rotateCredentialKeys(cloud.folder()); // which seal the password of the directory
    cloud.appliance().reconciler().now("identity-keys");
    server.changes("dn: uid=new,ou=People,dc=corp,dc=test\nchangetype: add\nobjectClass: inetOrgPerson\nuid: new\ncn: "
                   "new\nsn: new\n");
    cloud.appliance().reconciler().now("identity.directories");
    CHECK(users() == 4);
    CHECK(root.deletes(path).status == 204);
    cloud.appliance().reconciler().now("identity.directories");
    CHECK(creates() == 201);
}

TEST_CASE("Settings of a directory count from when they are made, and no longer than they are there",
          "[identity][directory]") {
    if (!hasServer()) return;
    DirectoryServer server;
    TestAppliance cloud(
        optionsFor(server, {{"ldap", "domain", ""}, {"identity", "domain_specific_drivers_enabled", "true"}}));
    const auto root = cloud.admin();
    const auto made = root.posts("/identity/v3/domains", R"({"domain":{"name":"Corp"}})");
    const auto domain = made.json().object("domain").text("id");
    const auto config = "/identity/v3/domains/" + domain + "/config";
    const auto logsIn = [&] {
        return cloud
            .asks(
                Method::Post, "/identity/v3/auth/tokens",
                R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"anna","domain":{"name":"corp"},)"
                R"("password":"anna's word"}}}}})")
            .status;
    };
    CHECK(logsIn() == 401);
    REQUIRE(root.puts(config, R"({"config":{"identity":{"driver":"ldap"}}})").status == 201);
    CHECK(logsIn() == 201); // the timer is an hour
    CHECK(root.posts("/identity/v3/users", R"({"user":{"name":"own","domain_id":")" + domain + "\"}}").status == 403);
    for (int tries = 0; tries < 500; ++tries) {
        if (root.gets("/identity/v3/users?domain_id=" + domain).json().array("users").size() == 3) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CHECK(root.gets("/identity/v3/users?domain_id=" + domain).json().array("users").size() == 3);
    REQUIRE(root.deletes(config).status == 204);
    CHECK(logsIn() == 401);
    CHECK(root.posts("/identity/v3/users", R"({"user":{"name":"own","domain_id":")" + domain + "\"}}").status == 201);
}

TEST_CASE("The domain that the configuration file names may be made later: its directory counts from then on",
          "[identity][directory]") {
    if (!hasServer()) return;
    DirectoryServer server;
    TestAppliance cloud(optionsFor(server));
    const auto root = cloud.admin();
    const auto domain =
        root.posts("/identity/v3/domains", R"({"domain":{"name":"Corp"}})").json().object("domain").text("id");
    CHECK(root.posts("/identity/v3/users", R"({"user":{"name":"own","domain_id":")" + domain + "\"}}").status == 403);
    CHECK(
        cloud
            .asks(Method::Post, "/identity/v3/auth/tokens",
                  R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"anna","domain":{"id":")" +
                      domain + R"("},"password":"anna's word"}}}}})")
            .status == 201);
}

TEST_CASE("Whether the directory enables a user is read as its settings say, and what is unclear enables nobody",
          "[identity][directory]") {
    struct Case {
        const char *value, *otherwise, *mask, *invert;
        bool enabled;
    };
    const std::vector<Case> cases = {
        {"TRUE", "True", "0", "false", true},   {"true", "True", "0", "false", true},
        {"tRuE", "False", "0", "false", true},  {"1", "False", "0", "false", true},
        {"FALSE", "True", "0", "false", false}, {"false", "True", "0", "false", false},
        {"0", "True", "0", "false", false},     {"", "True", "0", "false", true},
        {"", "False", "0", "false", false},     {"perhaps", "True", "0", "false", false},
        {" true", "True", "0", "false", false}, {"TRUE", "True", "0", "true", false},
        {"false", "True", "0", "true", true},   {"", "False", "0", "true", true},
        {"", "True", "0", "true", false},       {"perhaps", "False", "0", "true", false},
        {"512", "512", "2", "false", true},     {"514", "512", "2", "false", false},
        {"", "512", "2", "false", true},        {"", "True", "2", "false", false},
        {"TRUE", "512", "2", "false", false},   {"512x", "512", "2", "false", false},
        {"-1", "512", "2", "false", false},
    };
    for (const auto& each : cases) {
        const identity::DirectorySettings settings = {{"user_enabled_default", each.otherwise},
                                                      {"user_enabled_mask", each.mask},
                                                      {"user_enabled_invert", each.invert}};
        INFO(each.value << " default " << each.otherwise << " mask " << each.mask << " invert " << each.invert);
        CHECK(identity::isEnabledInDirectory(each.value, settings) == each.enabled);
    }
}
