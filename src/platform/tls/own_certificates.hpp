#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "platform/ambient/ambient.hpp"

namespace stratolet::tls {

/// Certificates of a cloud that nobody has given any: an authority of its own and, signed by it, what the listener
/// shows. Made by the appliance at start and looked at every day; who knows the authority's file trusts the listener.
struct OwnCertificates {
    std::filesystem::path authority;   ///< PEM, for everybody to read: the "cacert" of clients
    std::filesystem::path certificate; ///< PEM, for the names below
    std::filesystem::path key;         ///< PEM, 0600
    bool fresh = false;                ///< the certificate is another one than before
};

/// What is in the folder, made where it is missing, broken, for other names, or about to end: the certificate is good
/// for a year and made anew a month before its end. The authority's certificate is good for ten years and written anew,
/// with the same key, more than a year before its end: whoever has the one before goes on trusting. `names` are
/// addresses and host names; one that is neither is left out. Error(Broken) where something can't be written.
OwnCertificates ensureOwnCertificates(const std::filesystem::path& folder, const std::vector<std::string>& names,
                                      Time now);

}
