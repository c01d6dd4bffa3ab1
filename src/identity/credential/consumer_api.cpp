#include "identity/catalog/catalog.hpp"
#include "identity/record.hpp"
#include "identity/token/fernet.hpp"

// OS-OAUTH1: programs that ask for access in a user's name. Their registration only.

namespace stratolet::identity {
namespace {

using namespace http;

const std::initializer_list<std::string_view> consumerAttributes = {"id", "description", "secret", "links"};

void writeConsumer(JsonWriter& out, const Request& request, const store::Row& row) {
    const auto object = out.object();
    out.field("id", row.text(0));
    out.field("description", row.maybeText(1));
    writeExtra(out, row.text(2));
    writeSelf(out, request, "OS-OAUTH1/consumers/" + row.text(0));
}

const RecordKind consumerKind = {"consumer",
                                 "consumers",
                                 "OS-OAUTH1/consumers",
                                 "consumers",
                                 "SELECT id, description, extra FROM consumers",
                                 {{"description", "description"}},
                                 writeConsumer};

Response create(Request& request, Core& core) {
    const Json body = request.json().object("consumer");
    callerOf(request).enforce();
    if (const auto secret = body.find("secret")) secret->refuse("It is chosen here, and shown once.");
    const auto id = core.parts.ambient.hexId(), secret = core.parts.ambient.secret(32);
    const auto description = body.maybeText("description");
    const auto extra = mergedExtra("{}", body, consumerAttributes);
    core.parts.store.write([&](store::Transaction& tx) {
        tx.execute("INSERT INTO consumers VALUES (?, ?, ?, ?)", id, description, core.sealing.seal(secret), extra);
    });
    return jsonResponse(201, [&](JsonWriter& out) {
        const auto whole = out.object();
        const auto object = out.object("consumer");
        out.field("id", id);
        out.field("description", description);
        out.field("secret", secret);
        writeExtra(out, extra);
        writeSelf(out, request, "OS-OAUTH1/consumers/" + id);
    });
}

Response update(Request& request, Core& core) {
    const Json body = request.json().object("consumer");
    demandToChange(request, consumerKind, core);
    if (const auto secret = body.find("secret")) secret->refuse("It cannot be changed.");
    const auto& id = request.param("id");
    core.parts.store.write([&](store::Transaction& tx) {
        auto rows = tx.query(consumerKind.select + " WHERE id = ?", id);
        if (!rows.next()) throw notFound(consumerKind, id);
        const auto row = rows.row();
        tx.execute("UPDATE consumers SET description = ?, extra = ? WHERE id = ?",
                   body.has("description") ? body.maybeText("description") : row.maybeText(1),
                   mergedExtra(row.text(2), body, consumerAttributes), id);
    });
    return recordAnswer(request, 200, consumerKind, id, core);
}

}

void addConsumerRoutes(Routes& routes, Core& core) {
    addReadingRoutes(routes, consumerKind, core);
    addDeletingRoute(routes, consumerKind, core);
    routes.push_back({Method::Post, "/v3/OS-OAUTH1/consumers", policy("identity:create_consumer"),
                      [&](Request& request) { return create(request, core); }});
    routes.push_back({Method::Patch, "/v3/OS-OAUTH1/consumers/{id}", policy("identity:update_consumer"),
                      [&](Request& request) { return update(request, core); }});
}

}
