#include "image/task/task.hpp"

namespace stratolet::image {
namespace {

constexpr std::string_view selectTask =
    "SELECT id, type, status, owner, user, request, image_id, input, result, message, created, updated, expires FROM image_tasks";
constexpr auto kept = std::chrono::hours(48);

Task fromRow(const store::Row& row) {
    return {row.text(0), row.text(1),      row.text(2), row.id<ProjectId>(3), row.id<UserId>(4), row.text(5),      row.id<ImageId>(6),
            row.text(7), row.maybeText(8), row.text(9), row.time(10),         row.time(11),      row.maybeTime(12)};
}

}

void TaskTable::insert(store::Transaction& tx, const Task& task) {
    tx.execute("INSERT INTO image_tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", task.id, task.type, task.status, task.owner,
               task.user, task.request, task.image, task.input, task.result, task.message, task.created, task.updated, task.expires);
}

std::optional<Task> TaskTable::find(store::Reader& db, const std::string& id) {
    return db.query(std::string(selectTask) + " WHERE id = ?", id).maybe<Task>(fromRow);
}

std::vector<Task> TaskTable::ofImage(store::Reader& db, const ImageId& image) {
    return db.query(std::string(selectTask) + " WHERE image_id = ? ORDER BY created DESC, id", image).all<Task>(fromRow);
}

std::vector<Task> TaskTable::list(store::Reader& db, const store::Conditions& conditions, const std::vector<store::SortKey>& order,
                                  std::int64_t limit) {
    auto values = conditions.values();
    values.emplace_back(limit);
    return db.run(std::string(selectTask) + conditions.where() + store::orderBy(order) + " LIMIT ?", values).all<Task>(fromRow);
}

void TaskTable::begin(store::Transaction& tx, const std::string& id, Time now) {
    tx.execute("UPDATE image_tasks SET status = 'processing', updated = ? WHERE id = ? AND status = 'pending'", now, id);
}

void TaskTable::succeed(store::Transaction& tx, const std::string& id, const std::string& result, Time now) {
    tx.execute("UPDATE image_tasks SET status = 'success', result = ?, updated = ?, expires = ? WHERE id = ?", result, now, now + kept, id);
}

void TaskTable::fail(store::Transaction& tx, const std::string& id, const std::string& message, Time now) {
    tx.execute("UPDATE image_tasks SET status = 'failure', message = ?, updated = ?, expires = ? WHERE id = ?", message, now, now + kept,
               id);
}

void TaskTable::forgetExpired(store::Transaction& tx, Time now) { tx.execute("DELETE FROM image_tasks WHERE expires < ?", now); }

bool TaskTable::anyExpired(store::Reader& db, Time now) { return db.query("SELECT 1 FROM image_tasks WHERE expires < ?", now).any(); }

}
