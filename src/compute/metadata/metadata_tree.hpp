#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compute/device/device.hpp"
#include "compute/device/injected.hpp"
#include "compute/metadata/vendor_data.hpp"
#include "compute/server/server_reading.hpp"
#include "platform/log/log.hpp"

namespace stratolet::compute {

/// All that the documents say of a server.
struct MetadataFacts {
    Server server;
    ServerDetails details;
    Injected injected = {};
    std::vector<network::SubnetFacts> subnets = {}; ///< that its ports have addresses of
    std::vector<Device> ownDisks = {};              ///< those that are no volumes
    std::string randomSeed = {};                    ///< fresh random bytes, for the guest's own generator
    std::string vendorData = "{}";                  ///< what who runs the cloud tells every guest, a JSON object
    VendorAnswers vendorAnswers = {};               ///< what services say of it
    std::string domain = "novalocal";               ///< of the host names; empty: they are told as they are
};

/// All documents that a guest finds at 169.254.169.254, by path ("latest/meta-data/hostname"): a pure function.
std::map<std::string, std::string> metadataTree(const MetadataFacts& facts);

/// What the file says, which must be a JSON object: "{}" where it isn't, which the log then says why, and where no file
/// is named.
std::string vendorDataIn(const std::string& file, Log& log);

/// The same of a server as it is now, with a fresh seed. `vendorAnswers`: see MetadataFacts.
std::map<std::string, std::string> metadataOf(Core& core, store::Reader& db, const Server& server,
                                              VendorAnswers vendorAnswers = {});

/// A path at which a guest finds what services say of it, in the versions that have it.
bool isVendorPath(std::string_view path);

/// Where a guest finds what it has told of its administrator's password, in the versions that have it.
void addPassword(std::map<std::string, std::string>& tree, const std::string& password);

/// A path at which a guest tells it.
bool isPasswordPath(std::string_view path);

/// The answer to one path: a document, or the listing of what is below; nothing where there is neither.
struct MetadataAnswer {
    std::string type;
    std::string body;
};
std::optional<MetadataAnswer> metadataAt(const std::map<std::string, std::string>& tree, std::string_view path);

}
