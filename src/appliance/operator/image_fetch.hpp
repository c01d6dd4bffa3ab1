#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/operator/commands.hpp"

namespace stratolet {

/// A cloud image that somebody publishes, and where its checksums are.
struct KnownImage {
    std::string name;        ///< "debian-12"
    std::string description; ///< "Debian 12 (bookworm)"
    std::string url;
    std::string checksums;  ///< an address of a file that names the image, in either of the usual forms
    std::string digest;     ///< "md5", "sha256", "sha512"
    std::string diskFormat; ///< "qcow2"
    std::string user;       ///< who is logged in by the key
    int minDisk = 0;        ///< GiB
};

/// The table of images as JSON: {"images": [{name, description, url, checksums, digest, disk_format, user, min_disk}]}.
/// Error(Invalid) naming what is wrong in it.
std::vector<KnownImage> knownImagesIn(std::string_view json);

/// What a file of checksums says of `file`, in the form of coreutils ("HEX  file", "HEX *file"), that of BSD
/// ("SHA256 (file) = HEX"), or a lone "HEX"; in small letters. Nothing where it says nothing of it.
std::optional<std::string> checksumOf(std::string_view checksums, std::string_view file);

/// Hexadecimal digest of a file's bytes. Error(Invalid) for one that is not known.
std::string digestOf(const std::filesystem::path& file, const std::string& digest);

/// Downloads the image, verifies it, and makes a public image of that name of it. Error(Invalid) where its checksum is
/// not the one that is published, and nothing is left then. `table`: instead of the one that the program has.
int fetchImage(const Asked& asked, const std::string& name, const std::optional<std::filesystem::path>& table);
int listImages(const Asked& asked, const std::optional<std::filesystem::path>& table);

}
