#include "block/quota/quota_table.hpp"

namespace stratolet::block::quota_table {

std::map<std::string, Held> held(store::Reader& db, const ProjectId& project) {
    std::map<std::string, Held> all;
    auto& total = all[""];
    auto volumes = db.query("SELECT t.name, count(*), sum(coalesce(v.new_size, v.size)) FROM volumes v JOIN "
                            "volume_types t ON t.id = v.type_id WHERE v.project_id = ? AND v.use_quota GROUP BY t.name",
                            project);
    while (volumes.next()) {
        auto& of = all[volumes.row().text(0)];
        total.volumes += of.volumes = volumes.row().integer(1);
        total.gigabytes += of.gigabytes = volumes.row().integer(2);
    }
    auto snapshots = db.query("SELECT t.name, count(*), sum(s.size) FROM volume_snapshots s JOIN volumes v ON v.id = "
                              "s.volume_id JOIN volume_types t ON t.id = v.type_id WHERE s.project_id = ? AND "
                              "s.use_quota GROUP BY t.name",
                              project);
    while (snapshots.next()) {
        auto& of = all[snapshots.row().text(0)];
        total.snapshots += of.snapshots = snapshots.row().integer(1);
        total.snapshotGigabytes += of.snapshotGigabytes = snapshots.row().integer(2);
    }
    return all;
}

std::int64_t volumesOf(store::Reader& db, const ProjectId& project, const std::string& type) {
    return db
        .query("SELECT count(*) FROM volumes WHERE project_id = ?1 AND use_quota AND ?2 IN (type_id, new_type_id)",
               project, type)
        .integer();
}

std::int64_t gigabytesOf(store::Reader& db, const ProjectId& project, const std::string& type) {
    return db
        .query("SELECT coalesce(sum(coalesce(new_size, size)), 0) FROM volumes WHERE project_id = ?1 AND use_quota "
               "AND ?2 IN (type_id, new_type_id)",
               project, type)
        .integer();
}

std::int64_t snapshotsOf(store::Reader& db, const ProjectId& project, const std::string& type) {
    return db
        .query(
            "SELECT count(*) FROM volume_snapshots s JOIN volumes v ON v.id = s.volume_id WHERE s.project_id = ? AND "
            "s.use_quota AND v.type_id = ?",
            project, type)
        .integer();
}

std::int64_t snapshotGigabytesOf(store::Reader& db, const ProjectId& project, const std::string& type) {
    return db
        .query("SELECT coalesce(sum(s.size), 0) FROM volume_snapshots s JOIN volumes v ON v.id = s.volume_id WHERE "
               "s.project_id = ? AND s.use_quota AND v.type_id = ?",
               project, type)
        .integer();
}

std::int64_t groupsOf(store::Reader& db, const ProjectId& project) {
    return db.query("SELECT count(*) FROM volume_groups WHERE project_id = ?", project).integer();
}

}
