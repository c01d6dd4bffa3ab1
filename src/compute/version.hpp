#pragma once

#include <string_view>

#include "compute/api.hpp"
#include "platform/http/http.hpp"

// Which microversion a request asks for, and which it gets (API reference, "Microversions"; API-SIG, "Microversion
// Specification").

namespace stratolet::compute {

inline constexpr std::string_view genericHeader = "OpenStack-API-Version", oldHeader = "X-OpenStack-Nova-API-Version";

struct AskedVersion {
    int major = 2, minor = versionMin;
    bool wellFormed = true;
    bool served() const { return major == 2 && minor >= versionMin && minor <= versionMax; }
};
AskedVersion askedVersion(const http::Request& request);

bool isLegacy(const http::Request& request); ///< came to /v2, which knows no microversions

/// The minor version that the request gets. Error(Invalid) where it asks for none, Error(Unsupported) for one that
/// isn't served.
int negotiated(const http::Request& request);

}
