#include "image/task/task.hpp"

namespace stratolet::image {

using namespace resource;

const Table<Task> taskColumns("image_tasks", 'k',
                              {
                                  attribute<&Task::id>("id", Show | Sort),
                                  attribute<&Task::type>("type", Show | Find),
                                  attribute<&Task::status>("status", Show | Find),
                                  attribute<&Task::owner>("owner", Show),
                                  attribute<&Task::created>("created_at", Show | Sort).in("created"),
                                  attribute<&Task::updated>("updated_at", Show | Sort).in("updated"),
                                  column<&Task::user>("user"),
                                  column<&Task::request>("request"),
                                  column<&Task::image>("image_id"),
                                  column<&Task::input>("input"),
                                  column<&Task::result>("result"),
                                  column<&Task::message>("message"),
                                  column<&Task::expires>("expires"),
                              });

namespace {

constexpr auto kept = std::chrono::hours(48);

}

void TaskTable::insert(store::Transaction& tx, const Task& task) { taskColumns.insert(tx, task); }

std::optional<Task> TaskTable::find(store::Reader& db, const std::string& id) { return taskColumns.find(db, id); }

std::vector<Task> TaskTable::ofImage(store::Reader& db, const ImageId& image) {
    return taskColumns.where(db, "WHERE image_id = ? ORDER BY created DESC, id", image);
}

void TaskTable::begin(store::Transaction& tx, const std::string& id, Time now) {
    tx.execute("UPDATE image_tasks SET status = 'processing', updated = ? WHERE id = ? AND status = 'pending'", now,
               id);
}

void TaskTable::succeed(store::Transaction& tx, const std::string& id, const std::string& result, Time now) {
    tx.execute("UPDATE image_tasks SET status = 'success', result = ?, updated = ?, expires = ? WHERE id = ?", result,
               now, now + kept, id);
}

void TaskTable::fail(store::Transaction& tx, const std::string& id, const std::string& message, Time now) {
    tx.execute("UPDATE image_tasks SET status = 'failure', message = ?, updated = ?, expires = ? WHERE id = ?", message,
               now, now + kept, id);
}

void TaskTable::forgetExpired(store::Transaction& tx, Time now) {
    tx.execute("DELETE FROM image_tasks WHERE expires < ?", now);
}

bool TaskTable::anyExpired(store::Reader& db, Time now) {
    return db.query("SELECT 1 FROM image_tasks WHERE expires < ?", now).any();
}

}
