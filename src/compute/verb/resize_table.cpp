#include "compute/verb/resize_table.hpp"

#include "compute/codec.hpp"

namespace stratolet::compute {
namespace {

using Specs = resource::Codec<std::map<std::string, std::string>>;

}

void ResizeTable::insert(store::Transaction& tx, const Resize& resize) {
    const auto& flavor = resize.flavor;
    tx.execute("INSERT INTO compute_resizes (server, vm_state, flavor, flavor_name, vcpus, ram, disk, ephemeral, swap, "
               "extra_specs, host, migration) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               resize.server, nameOf(resize.vm), flavor.id, flavor.name, flavor.vcpus, flavor.ram.count,
               flavor.disk.count, flavor.ephemeral.count, flavor.swap.count, Specs::bind(flavor.extraSpecs),
               resize.host, resize.migration);
}

std::optional<Resize> ResizeTable::find(store::Reader& db, const ServerId& server) {
    return db
        .query("SELECT vm_state, flavor, flavor_name, vcpus, ram, disk, ephemeral, swap, extra_specs, host, migration "
               "FROM compute_resizes WHERE server = ?",
               server)
        .maybe<Resize>([&](const store::Row& row) {
            Resize resize;
            resize.server = server;
            resize.vm = vmStateOf(row.text(0));
            resize.flavor.id = row.id<FlavorId>(1);
            resize.flavor.name = row.text(2);
            resize.flavor.vcpus = row.integer(3);
            resize.flavor.ram = {row.integer(4)};
            resize.flavor.disk = {row.integer(5)};
            resize.flavor.ephemeral = {row.integer(6)};
            resize.flavor.swap = {row.integer(7)};
            resize.flavor.extraSpecs = Specs::load(row, 8);
            resize.host = row.text(9);
            resize.migration = row.text(10);
            return resize;
        });
}

void ResizeTable::done(store::Transaction& tx, const ServerId& server, Time now) {
    tx.execute("UPDATE compute_resizes SET done = ? WHERE server = ?", now, server);
}

std::vector<ServerId> ResizeTable::doneBefore(store::Reader& db, Time time) {
    std::vector<ServerId> found;
    auto rows = db.query("SELECT server FROM compute_resizes WHERE done < ? ORDER BY done LIMIT 100", time);
    while (rows.next()) found.push_back(rows.row().id<ServerId>(0));
    return found;
}

void ResizeTable::remove(store::Transaction& tx, const ServerId& server) {
    tx.execute("DELETE FROM compute_resizes WHERE server = ?", server);
}

}
