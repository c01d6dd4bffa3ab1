#include "compute/keypair/keypair.hpp"

#include <catch2/catch.hpp>
#include <stratolet/error.hpp>

using namespace stratolet;
using namespace stratolet::compute;

namespace {

constexpr auto ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKst7RIje1QEZvkIg8Hv8ajK4gC9xVgXSPN/MrQc/BOz me@example";
constexpr auto rsa =
    "ssh-rsa "
    "AAAAB3NzaC1yc2EAAAADAQABAAABAQDfpvjRq56Qy0StPE8yfNpFAX9WqqULTydE6fsRxMLCYy7Wz0UDKmdjg3ShQf1zaOecoHp0OBklfhZGavKaON"
    "bpj"
    "WnoaFnnJSBZEBu5EI1olPaeXLzHdYJiYSH29N+W4RDPZrtyiCCd4RwQCTtB69PYyMV0Sn5KfQp3yESJt6zjtptJQdah6LDYbDBgaX2OLGbRSkr/"
    "RDnVwVbEO6Xd52OQYiAYG2V+OUA1GO0ixz2GZfnQaDKVi2KlD5qNG8Moe6tU6NW9tln4SCCWNuLQYdXFHkXEwjd6Tpt+syQUUPRSIae0bNm2u+"
    "rBonfEUE3qMtjvmD2ZMuLjP6DGZUXpcGeP ";

}

TEST_CASE("A public key has the fingerprint that ssh-keygen shows", "[compute][keypair]") {
    CHECK(sshFingerprint(ed25519) == "51:0a:f1:95:7c:be:db:2a:3a:2b:cb:90:cc:dc:86:17");
    CHECK(sshFingerprint(rsa) == "78:02:64:5b:96:8a:d6:79:95:44:a4:5d:b8:c2:90:91");
    CHECK(sshFingerprint(std::string(rsa) + "\n") == "78:02:64:5b:96:8a:d6:79:95:44:a4:5d:b8:c2:90:91");
    CHECK(sshFingerprint(std::string(rsa) + "\nanother line") ==
          "78:02:64:5b:96:8a:d6:79:95:44:a4:5d:b8:c2:90:91"); // as compute does
}

TEST_CASE("What is no public key is refused", "[compute][keypair]") {
    const std::string key = ed25519;
    for (const std::string& wrong :
         {std::string("ssh-rsa"), std::string("ssh-rsa JUNK"), std::string("ssh-dss AAAA"), std::string(" "),
          "ssh-rsa " + key.substr(key.find(' ') + 1), // says it is another kind
          key.substr(0, 60), "\n" + key, key + std::string(1, '\0'), "command=\"x\" " + key}) {
        CAPTURE(wrong);
        CHECK_THROWS_AS(sshFingerprint(wrong), Error);
    }
}

TEST_CASE("A generated key pair is whole and new each time", "[compute][keypair]") {
    const FreshKey one = generateRsaKey(), other = generateRsaKey();
    CHECK(one.publicKey.starts_with("ssh-rsa AAAAB3NzaC1yc2E"));
    CHECK(one.privateKey.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    CHECK(one.publicKey != other.publicKey);
    CHECK(sshFingerprint(one.publicKey).size() == 47);
}
