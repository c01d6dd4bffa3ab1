#include "block/type/encryption_service.hpp"

#include <stratolet/error.hpp>

#include "block/volume/volume_access.hpp"

namespace stratolet::block {

using identity::Caller;

namespace {

void requireUnused(store::Reader& db, const std::string& type, std::string_view verb) {
    if (type_table::anyVolumeOf(db, type))
        throw Error(Failure::Invalid, "Cannot ", verb, " encryption specs. Volume type in use.");
}

Error missingEncryption(const std::string& type) {
    return Error(Failure::NotFound, "Volume type encryption for type ", type, " does not exist.");
}

}

std::optional<Encryption> TypeEncryptions::show(const Caller& caller, const std::string& type) const {
    caller.enforce();
    auto& db = parts_.store.reader();
    types_.visible(db, caller, type);
    return encryption_table::of(db, type);
}

Encryption TypeEncryptions::create(const Caller& caller, Encryption encryption) {
    caller.enforce();
    return parts_.store.write([&](store::Transaction& tx) {
        types_.visible(tx, caller, encryption.type);
        requireUnused(tx, encryption.type, "create");
        if (encryption_table::of(tx, encryption.type))
            throw Error(Failure::Invalid, "Volume type encryption for type ", encryption.type, " already exists.");
        encryption.id = parts_.ambient.uuid();
        encryption.created = parts_.ambient.now();
        encryption_table::save(tx, encryption);
        return encryption;
    });
}

void TypeEncryptions::update(const Caller& caller, const std::string& type,
                             const std::function<void(Encryption&)>& amend) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        types_.visible(tx, caller, type);
        requireUnused(tx, type, "update");
        auto encryption = encryption_table::of(tx, type);
        if (!encryption) throw missingEncryption(type);
        amend(*encryption);
        encryption->updated = parts_.ambient.now();
        encryption_table::save(tx, *encryption);
    });
}

void TypeEncryptions::remove(const Caller& caller, const std::string& type) {
    caller.enforce();
    parts_.store.write([&](store::Transaction& tx) {
        requireUnused(tx, type, "delete");
        if (!encryption_table::remove(tx, type)) throw missingEncryption(type);
    });
}

std::pair<Volume, std::optional<Encryption>> TypeEncryptions::ofVolume(const Caller& caller, const VolumeId& id) const {
    auto& db = parts_.store.reader();
    auto volume = permitted(db, caller, caller.rule, id);
    auto encryption = encryption_table::of(db, volume.type);
    return {std::move(volume), std::move(encryption)};
}

}
