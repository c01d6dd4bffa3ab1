#pragma once

#include <stratolet/ids.hpp>

#include <optional>
#include <string>
#include <vector>

#include "platform/ambient/ambient.hpp"
#include "platform/store/store.hpp"
#include "resource/table.hpp"

namespace stratolet::image {

///  pending ──► processing ──► success
///     │            │
///     └────────────┴────────► failure
/// What a user sees of an import: the job behind it is gone when it has ended, this stays for two days.
struct Task {
    std::string id;
    std::string type;   ///< "api_image_import", or "import" where it was asked for as a task
    std::string status; ///< "pending", "processing", "success", "failure"
    ProjectId owner;
    UserId user;
    std::string request; ///< id of the request that began it
    ImageId image;
    std::string input;                 ///< JSON
    std::optional<std::string> result; ///< JSON
    std::string message;
    Time created, updated;
    std::optional<Time> expires;
};

/// What is true of each attribute of a task; those that are shown are in lists too, in this order.
extern const resource::Table<Task> taskColumns;

/// SQL, and no rule.
class TaskTable {
public:
    void insert(store::Transaction& tx, const Task& task);
    std::optional<Task> find(store::Reader& db, const std::string& id);
    std::vector<Task> ofImage(store::Reader& db, const ImageId& image);  ///< newest first
    void begin(store::Transaction& tx, const std::string& id, Time now); ///< a pending one is processing now
    void succeed(store::Transaction& tx, const std::string& id, const std::string& result, Time now);
    void fail(store::Transaction& tx, const std::string& id, const std::string& message, Time now);
    void forgetExpired(store::Transaction& tx, Time now);
    bool anyExpired(store::Reader& db, Time now);
};

}
