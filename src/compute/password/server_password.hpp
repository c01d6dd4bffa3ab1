#pragma once

#include <stratolet/ids.hpp>

#include <cstddef>
#include <string>

#include "compute/core.hpp"
#include "platform/http/http.hpp"
#include "platform/store/store.hpp"

// The password of a guest's administrator, as the guest has told it once: encrypted for the key of its owner, so that
// nobody else can read it, this program included. It is told through the metadata service and read through the API.

namespace stratolet::compute {

/// SQL of passwords, and nothing else.
struct PasswordTable {
    static constexpr std::size_t bytesMax = 4 * 255; ///< as Nova keeps it: four columns

    static std::string of(store::Reader& db, const ServerId& server); ///< empty where none was told
    static bool set(store::Transaction& tx, const ServerId& server,
                    const std::string& password); ///< false where there is one already
    static void clear(store::Transaction& tx, const ServerId& server);
};

/// GET and DELETE /servers/{id}/os-server-password.
void addPasswordRoutes(http::Routes& routes, Core& core);

}
