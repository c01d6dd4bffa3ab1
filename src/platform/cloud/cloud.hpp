#pragma once

#include <cstdint>
#include <string>

namespace stratolet {

class Ambient;
namespace store {
class Reader;
class Store;
}

/// Which cloud this is, wherever it stands and whatever its state directory is called. Read once at start, by
/// appliance, for all.
struct ThisCloud {
    std::string id;         ///< marks what is ours on hosts: guests, links. The same in every copy of the store
    std::int64_t epoch = 1; ///< raised by whoever takes a copy of the store into service in the place of another
    std::string
        host; ///< of this host, as rows name it: what it was called when the cloud began. It keeps that, renamed or not
};

/// The row of a store that has been migrated; made, with an id of its own, where there is none yet.
ThisCloud cloudOf(store::Store& store, Ambient& ambient);

/// The same of a store that another process has made; the id is empty where it has not yet.
ThisCloud cloudIn(store::Reader& db);

/// What this host is called now (gethostname(2)).
std::string hostName();

}
