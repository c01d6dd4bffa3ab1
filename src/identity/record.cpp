#include "identity/record.hpp"

namespace stratolet::identity {

using namespace http;

Error notFound(const RecordKind& kind, const std::string& id) {
    std::string words = kind.name;
    for (auto& each : words)
        if (each == '_') each = ' ';
    return Error(Failure::NotFound, "Could not find ", words, ": ", id, ".");
}

namespace {

void demand(const Request& request, const RecordKind& kind, Core& core, Absence told) {
    const auto& id = request.param("id");
    const bool isThere = core.parts.store.reader().query("SELECT 1 FROM " + kind.table + " WHERE id = ?", id).any();
    callerOf(request).demand(isThere ? std::optional(true) : std::nullopt, {}, notFound(kind, id), told);
}

}

void demandToChange(const Request& request, const RecordKind& kind, Core& core) { demand(request, kind, core, kind.changesTold); }

Response recordAnswer(const Request& request, int status, const RecordKind& kind, const std::string& id, Core& core) {
    auto rows = core.parts.store.reader().query(kind.select + " WHERE id = ?", id);
    if (!rows.next()) throw notFound(kind, id);
    return jsonResponse(status, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key(kind.name);
        kind.write(out, request, rows.row());
    });
}

Response recordList(const Request& request, const RecordKind& kind, store::Conditions conditions, Core& core) {
    auto& db = core.parts.store.reader();
    applyFilters(conditions, request.query, kind.filters);
    const auto page = Page::from(request.query, conditions, db, kind.table, kind.filters, "id");
    struct Written {
        std::string id, json;
    };
    const auto found = db.run(kind.select + conditions.where() + page.order, conditions.values()).all<Written>([&](const store::Row& row) {
        Written written{row.text(0), {}};
        JsonWriter out(written.json);
        kind.write(out, request, row);
        return written;
    });
    return pageResponse(
        request, kind.collection, page, found.size(), [&](std::size_t at) { return found[at].id; },
        [&](JsonWriter& out, std::size_t at) { out.raw(found[at].json); });
}

void addReadingRoutes(Routes& routes, const RecordKind& kind, Core& core) {
    routes.push_back({Method::Get, "/v3/" + kind.path, policy("identity:list_" + kind.collection), [&core, kind](Request& request) {
                          callerOf(request).enforce();
                          return recordList(request, kind, {}, core);
                      }});
    routes.push_back({Method::Get, "/v3/" + kind.path + "/{id}", policy("identity:get_" + kind.name), [&core, kind](Request& request) {
                          demand(request, kind, core, kind.readsTold);
                          return recordAnswer(request, 200, kind, request.param("id"), core);
                      }});
}

void addDeletingRoute(Routes& routes, const RecordKind& kind, Core& core,
                      std::function<void(store::Transaction& tx, const std::string& id)> before) {
    routes.push_back({Method::Delete, "/v3/" + kind.path + "/{id}", policy("identity:delete_" + kind.name),
                      [&core, kind, before = std::move(before)](Request& request) {
                          demandToChange(request, kind, core);
                          const auto& id = request.param("id");
                          core.parts.store.write([&](store::Transaction& tx) {
                              if (before) before(tx, id);
                              if (tx.execute("DELETE FROM " + kind.table + " WHERE id = ?", id) == 0) throw notFound(kind, id);
                              core.forgetValidated(tx);
                          });
                          return emptyResponse(204);
                      }});
}

}
