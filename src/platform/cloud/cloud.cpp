#include "platform/cloud/cloud.hpp"

#include <unistd.h>

#include <array>

#include "platform/ambient/ambient.hpp"
#include "platform/store/store.hpp"

namespace stratolet {

std::string hostName() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] ? name.data() : "localhost";
}

ThisCloud cloudIn(store::Reader& db) {
    auto found = db.query("SELECT id, epoch, host FROM cloud").maybe<ThisCloud>([](const store::Row& row) {
        return ThisCloud{row.text(0), row.integer(1), row.text(2)};
    });
    return found.value_or(ThisCloud());
}

ThisCloud cloudOf(store::Store& store, Ambient& ambient) {
    return store.write([&](store::Transaction& tx) {
        if (auto known = cloudIn(tx); !known.id.empty()) return known;
        const ThisCloud made{.id = ambient.uuid(), .epoch = 1, .host = hostName()};
        tx.execute("INSERT INTO cloud VALUES (1, ?, ?, ?)", made.id, made.epoch, made.host);
        return made;
    });
}

}
