#include <catch2/catch.hpp>

#include <sys/stat.h>

#include "platform/os/process.hpp"
#include "platform/tls/own_certificates.hpp"
#include "support/folder.hpp"

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;
using std::chrono::days;

namespace {

const Time today = fromMicros(1'800'000'000'000'000);

unsigned modeOf(const std::filesystem::path& file) {
    struct stat about {};
    return ::stat(file.c_str(), &about) == 0 ? about.st_mode & 07777 : 0;
}

/// Whether openssl(1), which is not ours, believes the certificate for this name at this time.
bool isBelieved(const std::filesystem::path& authority, const std::filesystem::path& certificate,
                const std::string& name, Time when) {
    const bool address = name.find(':') != name.npos || name.find_first_not_of("0123456789.") == name.npos;
    return process::run(
               {.argv = {"openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-attime",
                         std::to_string(toMicros(when) / 1'000'000), address ? "-verify_ip" : "-verify_hostname", name,
                         "-CAfile", authority.string(), certificate.string()}})
        .succeeded();
}

}

TEST_CASE("A cloud's own certificate is believed by who knows its authority, for the names it was made for, as long as "
          "it is good; its keys are nobody else's",
          "[tls]") {
    Folder folder;
    const auto made = tls::ensureOwnCertificates(folder / "tls", {"10.1.2.3", "fd00::1", "cloud.example"}, today);
    CHECK(made.fresh);
    for (const auto* name : {"10.1.2.3", "fd00::1", "cloud.example"})
        CHECK(isBelieved(made.authority, made.certificate, name, today));
    CHECK_FALSE(isBelieved(made.authority, made.certificate, "10.1.2.4", today));
    CHECK_FALSE(isBelieved(made.authority, made.certificate, "other.example", today));
    CHECK_FALSE(isBelieved(made.authority, made.certificate, "cloud.example", today + days(366)));
    CHECK(modeOf(made.key) == 0600);
    CHECK(modeOf(folder / "tls" / "ca.key") == 0600);
    CHECK(modeOf(made.authority) == 0644);
    const auto other = tls::ensureOwnCertificates(folder / "other", {"cloud.example"}, today);
    CHECK_FALSE(isBelieved(other.authority, made.certificate, "cloud.example", today));
}

TEST_CASE("A certificate stays until a month before its end, and while this host is called the same", "[tls]") {
    Folder folder;
    const auto ensured = [&](std::vector<std::string> names, Time when) {
        return tls::ensureOwnCertificates(folder / "tls", names, when).fresh;
    };
    CHECK(ensured({"10.1.2.3"}, today));
    const auto authority = contentOf(folder / "tls" / "ca.pem");
    CHECK_FALSE(ensured({"10.1.2.3"}, today));
    CHECK_FALSE(ensured({"10.1.2.3"}, today + days(330)));
    CHECK(ensured({"10.1.2.3"}, today + days(340)));
    CHECK(isBelieved(folder / "tls" / "ca.pem", folder / "tls" / "server.pem", "10.1.2.3", today + days(700)));
    CHECK(ensured({"10.1.2.3", "10.1.2.4"}, today + days(340)));
    CHECK_FALSE(ensured({"10.1.2.4"}, today + days(340)));
    CHECK(contentOf(folder / "tls" / "ca.pem") == authority);
    std::ofstream(folder / "tls" / "server.pem") << "torn";
    CHECK(ensured({"10.1.2.3"}, today + days(340)));
}

TEST_CASE("Who has the authority's certificate of the beginning goes on trusting when it is written anew", "[tls]") {
    Folder folder;
    const auto made = tls::ensureOwnCertificates(folder / "tls", {"10.1.2.3"}, today);
    const auto first = folder / "first.pem";
    std::filesystem::copy_file(made.authority, first);
    const auto late = today + days(3650 - 300);
    tls::ensureOwnCertificates(folder / "tls", {"10.1.2.3"}, late);
    CHECK(contentOf(made.authority) != contentOf(first));
    CHECK(isBelieved(first, made.certificate, "10.1.2.3", late + days(200)));
    CHECK(isBelieved(made.authority, made.certificate, "10.1.2.3", late + days(200)));
}

TEST_CASE("What is neither an address nor a name never comes into a certificate", "[tls]") {
    Folder folder;
    const auto made = tls::ensureOwnCertificates(
        folder / "tls", {"10.1.2.3", "a,DNS:evil.example", "b\nx", "", "*.example", "fe80::1%eth0"}, today);
    CHECK(isBelieved(made.authority, made.certificate, "10.1.2.3", today));
    CHECK_FALSE(isBelieved(made.authority, made.certificate, "evil.example", today));
    CHECK_FALSE(isBelieved(made.authority, made.certificate, "any.example", today));
}
