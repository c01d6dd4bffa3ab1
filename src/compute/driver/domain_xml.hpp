#pragma once

#include <stratolet/driver/hypervisor.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stratolet::compute {

/// What a domain says besides its guest.
struct DomainOptions {
    std::string virtType = "qemu"; ///< "kvm" or "qemu"
    std::filesystem::path consoleLog = {};
    std::string cloud = {};   ///< whose guest it is, where several share a libvirt
    std::string version = {}; ///< of this program, for SMBIOS
};

/// The namespace of our element in a domain's metadata: what has it is ours.
inline constexpr std::string_view guestNamespace = "urn:stratolet:guest:1";

/// libvirt's description of a guest. A pure function; everything that came from a user is escaped.
std::string domainXml(const GuestSpec& spec, const DomainOptions& options);

/// The element that marks a guest: it stays in the domain's metadata, and libvirt gives it back.
std::string markXml(const std::string& server, const std::string& name, const std::string& project,
                    const std::string& cloud);

/// Whose guest a mark, as libvirt writes it, says this is.
bool isMarkOf(std::string_view mark, std::string_view cloud);

/// A mark that a version before made, which named the folder of the cloud's guests, as one of `cloud`; nothing where it
/// is another's.
std::optional<std::string> markAnew(std::string_view mark, std::string_view folder, std::string_view cloud);

std::string diskXml(const GuestDisk& disk);
std::string nicXml(const GuestNic& nic);

/// `text` for an attribute or an element's content. What XML 1.0 cannot carry becomes "?".
std::string xmlEscaped(std::string_view text);

/// From a domain's description as libvirt writes it: its devices of one kind, each as its own XML ("disk",
/// "interface").
std::vector<std::string> deviceBlocks(std::string_view domain, std::string_view kind);

/// A device's XML with the place on the guest's bus that `defined`, the same device as libvirt wrote it, has; as it is
/// where that has none.
std::string placedAs(const std::string& device, std::string_view defined);

/// The content of `<serial>…</serial>` of a disk, empty where it has none.
std::string serialOf(std::string_view disk);

/// The device of `<target dev='…'/>` of a disk, by which libvirt knows it: "vdb". Empty where it has none.
std::string targetOf(std::string_view disk);

/// The files of a disk, as libvirt writes it for a guest: the one it writes to, then those below that, topmost first.
/// Devices count as files.
std::vector<std::string> filesOf(std::string_view disk);

/// A secret that a domain, or a device of it, names: "iscsi", "ceph", "passphrase", and its UUID.
struct SecretNamed {
    std::string type, id;
    auto operator<=>(const SecretNamed&) const = default;
};
std::vector<SecretNamed> secretsIn(std::string_view xml);

/// The address of `<mac address='…'/>` of an interface, lower case, empty where it has none.
std::string macOf(std::string_view nic);

}
