#include <catch2/catch.hpp>

#include "block/qos/qos.hpp"
#include "block/type/encryption.hpp"

using namespace stratolet;
using namespace stratolet::block;

TEST_CASE("A guest's host holds a volume to what is meant for it, by the gigabyte too", "[block][qos]") {
    Qos qos;
    qos.specs = {{"total_iops_sec", "500"}, {"colour", "red"}, {"read_bytes_sec", "fast"}};
    qos.consumer = "back-end";
    CHECK(guestLimits(qos, GiB{10}).empty());
    using Limits = std::map<std::string, std::int64_t>;
    for (const auto* each : {"front-end", "both"}) {
        qos.consumer = each;
        CHECK(guestLimits(qos, GiB{10}) == Limits{{"total_iops_sec", 500}});
    }
    qos.specs = {{"total_iops_sec_per_gb", "5"}, {"total_iops_sec_per_gb_min", "30"}};
    CHECK(guestLimits(qos, GiB{10}) == Limits{{"total_iops_sec", 50}});
    CHECK(guestLimits(qos, GiB{2}) == Limits{{"total_iops_sec", 30}});
    qos.specs = {{"total_iops_sec", "-1"}, {"read_iops_sec", "99999999999999999999"}};
    CHECK(guestLimits(qos, GiB{2}).empty());
}

TEST_CASE("LUKS is known by its word and by the names of its classes", "[block][encryption]") {
    for (const auto* each : {"luks", "LuksEncryptor", "nova.volume.encryptors.luks.LuksEncryptor",
                             "os_brick.encryptors.luks.LuksEncryptor"})
        CHECK(formatOf(each) == "luks");
    CHECK(formatOf("luks2") == "luks2");
    for (const auto* each : {"", "plain", "cryptsetup", "LUKS", "luks.", "NoOpEncryptor"})
        CHECK(formatOf(each).empty());
}
