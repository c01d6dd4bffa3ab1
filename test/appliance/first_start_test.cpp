#include <catch2/catch.hpp>

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appliance/appliance.hpp"
#include "platform/log/log.hpp"
#include "platform/web/web.hpp"
#include "support/folder.hpp"

#include <stratolet/error.hpp>

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;

namespace {

/// A cloud as somebody starts it, simulated, at the given addresses.
struct Started {
    explicit Started(std::vector<ListenAddress> addresses, const std::string& plainHttp = "false",
                     const std::string& adminGroup = "") {
        Settings settings;
        settings.config.set("compute", "hypervisor", "simulated", "test");
        settings.config.set("network", "driver", "records", "test");
        settings.config.set("DEFAULT", "admin_group", adminGroup, "test");
        settings.stateDir = folder.path();
        settings.durable = false;
        settings.listen = std::move(addresses);
        settings.config.set("identity", "password_hash_rounds", "4", "test");
        settings.config.set("DEFAULT", "policy_dir", "", "test");
        settings.config.set("DEFAULT", "plain_http", plainHttp, "test");
        cloud.emplace(std::move(settings), ambient, log);
        cloud->start();
    }

    /// Whether it answers there to somebody who believes these certificates.
    bool answers(const std::string& url, const std::string& certificates = {}) const {
        try {
            web::fetch({.url = url + "/healthz", .certificates = certificates, .bytesMax = 64}, [](auto) {});
            return true;
        } catch (const Error&) {
            return false;
        }
    }

    std::string port() const { return cloud->endpoint().substr(cloud->endpoint().rfind(':')); }

    Folder folder;
    RealAmbient ambient;
    Log log{{.level = Log::Level(99)}};
    std::optional<Appliance> cloud;
};

unsigned modeOf(const std::filesystem::path& file) {
    struct stat about {};
    return ::stat(file.c_str(), &about) == 0 ? about.st_mode & 07777 : 0;
}

}

TEST_CASE("Beyond the loopback a cloud speaks TLS with a certificate of its own, whose authority clouds.yaml and the "
          "openrc name",
          "[appliance][tls]") {
    const Started there({{"0.0.0.0", 0}});
    const auto authority = (there.folder / "tls" / "ca.pem").string();
    CHECK_THAT(there.cloud->endpoint(), Catch::StartsWith("https://127.0.0.1:"));
    CHECK(there.answers(there.cloud->endpoint(), authority));
    CHECK_FALSE(there.answers(there.cloud->endpoint())); // nobody else's authority has signed it
    CHECK_FALSE(there.answers("http://127.0.0.1" + there.port()));
    CHECK_THAT(contentOf(there.folder / "clouds.yaml"), Contains("cacert: \"" + authority + "\""));
    CHECK_THAT(contentOf(there.folder / "admin-openrc"), Contains("export OS_CACERT=" + authority + "\n"));
}

TEST_CASE("On the loopback alone it is plain HTTP, and elsewhere only where plain_http says so", "[appliance][tls]") {
    const Started loopback({{"127.0.0.1", 0}, {"127.0.0.2", 0}});
    CHECK(loopback.answers("http://127.0.0.1" + loopback.port()));
    CHECK_FALSE(std::filesystem::exists(loopback.folder / "tls"));
    CHECK_THAT(contentOf(loopback.folder / "clouds.yaml"), !Contains("cacert"));
    const Started plain({{"0.0.0.0", 0}}, "true");
    CHECK(plain.answers("http://127.0.0.1" + plain.port()));
}

TEST_CASE(
    "What says how to enter the cloud is read by its owner alone, and by the group of administrators where this host "
    "has it",
    "[appliance]") {
    const Started alone({{"127.0.0.1", 0}}, "false", "no-such-group");
    const auto* group = ::getgrgid(::getegid());
    REQUIRE(group);
    const Started shared({{"127.0.0.1", 0}}, "false", group->gr_name);
    for (const auto* each : {"admin-openrc", "clouds.yaml", "endpoint"}) {
        CHECK(modeOf(alone.folder / each) == 0600);
        CHECK(modeOf(shared.folder / each) == 0640);
    }
}
