#include "identity/directory.hpp"

#include <stratolet/error.hpp>

namespace stratolet::identity {

void refuseInDirectory(store::Reader& db, const DomainId& domain) {
    if (db.query("SELECT 1 FROM directories WHERE domain_id = ?", domain).any())
        throw Error(Failure::Forbidden, "The users and groups of domain ", domain, " are kept in a directory, which is only read.");
}

}
