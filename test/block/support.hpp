#pragma once

#include <catch2/catch.hpp>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "block/driver/disk_bytes.hpp"
#include "block/driver/file.hpp"
#include "support/test_appliance.hpp"

// What members do with volumes and snapshots in the tests of block storage.

namespace stratolet::test {

inline const std::string volumesPath = "/volume/v3/{project}/volumes", snapshotsPath = "/volume/v3/{project}/snapshots";

/// The header for microversion 3.`minor`.
inline std::pair<const char*, std::string> since(int minor) {
    return {"OpenStack-API-Version", "volume 3." + std::to_string(minor)};
}

inline std::string makes(TestAppliance& cloud, const Member& who, const std::string& more = "") {
    const auto answer = who.posts(volumesPath, R"({"volume":{"size":1,"name":"disk")" + more + "}}");
    INFO(answer.body);
    REQUIRE(answer.status == 202);
    CHECK(answer.json().object("volume").text("status") == "creating");
    cloud.settle();
    return answer.json().object("volume").text("id");
}

inline std::string snaps(TestAppliance& cloud, const Member& who, const std::string& volume,
                         const std::string& more = "") {
    const auto answer = who.posts(snapshotsPath, R"({"snapshot":{"volume_id":")" + volume + "\"" + more + "}}");
    INFO(answer.body);
    REQUIRE(answer.status == 202);
    cloud.settle();
    return answer.json().object("snapshot").text("id");
}

inline Json shows(const Member& who, const std::string& volume) {
    const auto answer = who.gets(volumesPath + "/" + volume);
    REQUIRE(answer.status == 200);
    return answer.json().object("volume");
}

inline std::string statusOf(const Member& who, const std::string& volume) { return shows(who, volume).text("status"); }

inline Answer acts(const Member& who, const std::string& volume, std::string action, HeaderList headers = {}) {
    return who.posts(volumesPath + "/" + volume + "/action", std::move(action), headers);
}

inline std::string uploads(const Member& who, const std::string& format, std::string data,
                           const std::string& more = "") {
    const auto image = who.posts("/image/v2/images", R"({"name":"guest","container_format":"bare","disk_format":")" +
                                                         format + "\"" + more + "}")
                           .json()
                           .text("id");
    REQUIRE(
        who.puts("/image/v2/images/" + image + "/file", std::move(data), {{"Content-Type", "application/octet-stream"}})
            .status == 204);
    return image;
}

inline std::filesystem::path fileOf(const TestAppliance& cloud, const std::string& volume) {
    return cloud.folder() / "volumes" / ("volume-" + volume);
}

/// How many volumes and snapshots there are in the back end, whether or not the cloud knows them.
inline std::size_t filesIn(const TestAppliance& cloud) {
    std::size_t count = 0;
    const auto volumes = cloud.folder() / "volumes";
    for (const auto& folder : {volumes, volumes / "released"})
        if (std::filesystem::exists(folder))
            for (const auto& each : std::filesystem::directory_iterator(folder))
                count += each.path().filename() != "released" ? 1 : 0;
    return count;
}

/// As a guest would, whatever layers the bytes lie in.
inline std::unique_ptr<block::DiskBytes> diskOf(const TestAppliance& cloud, const std::string& volume,
                                                block::DiskUse use = block::DiskUse::Read) {
    const auto driver = block::fileVolumeDriver({.folder = cloud.folder() / "volumes"});
    return block::openDisk(driver->source(VolumeId{volume}), use);
}

inline void writes(const TestAppliance& cloud, const std::string& volume, const std::string& bytes,
                   std::int64_t at = 0) {
    const auto disk = diskOf(cloud, volume, block::DiskUse::Write);
    disk->write(at, std::as_bytes(std::span(bytes)));
    disk->flush();
}

inline std::string bytesOf(const TestAppliance& cloud, const std::string& volume, std::size_t count,
                           std::int64_t at = 0) {
    std::string bytes(count, '?');
    diskOf(cloud, volume)->read(at, std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

inline std::string messageOf(const Answer& answer, std::string_view fault) {
    return answer.json().object(fault).text("message");
}

}
