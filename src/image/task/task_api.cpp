#include <stratolet/error.hpp>

#include "image/image_api.hpp"
#include "resource/listing.hpp"

namespace stratolet::image {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

void write(JsonWriter& out, const Task& task, bool whole) {
    const auto one = out.object();
    showInto(out, taskColumns, task);
    if (task.expires) out.field("expires_at", isoSecondsZ(*task.expires));
    if (whole) {
        out.rawField("input", task.input);
        out.rawField("result", task.result.value_or("null"));
        out.field("message", task.message);
        out.field("image_id", task.image);
        out.field("request_id", task.request);
        out.field("user_id", task.user);
    }
    out.field("self", "/v2/tasks/" + task.id);
    out.field("schema", "/v2/schemas/task");
}

Response ofImage(Request& request, Imports& imports) {
    const auto tasks = imports.tasksOf(callerOf(request), imageIn(request));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("tasks");
        for (const auto& each : tasks) write(out, each, true);
    });
}

// Image API v2, "List tasks": one key and one direction.
constexpr resource::Sorting sorting{
    .direction = [](std::string_view) { return std::string_view("desc"); },
    .notSorted =
        [](std::string_view key) {
            return Error(Failure::Invalid, "Invalid value '", key, "' for sort_key: tasks cannot be sorted by it.");
        },
    .noDirection =
        [](std::string_view direction) {
            return Error(Failure::Invalid, "Invalid value '", direction, "' for sort_dir: it must be asc or desc.");
        },
    .limit = 25,
    .limitMax = 1000};

resource::Listing listingIn(const http::Query& query) {
    const auto& table = taskColumns.text();
    auto listing = resource::listingIn(query, table, taskColumns.words(), sorting);
    for (const auto& each : taskColumns.words())
        if (const auto value = each.may(resource::Filter) ? query.find(each.name) : std::nullopt)
            listing.conditions.add(each.kept(table.alias) + " = ?", *value);
    return listing;
}

Response list(Request& request, Imports& imports) {
    const auto listing = listingIn(request.query);
    const auto tasks = imports.tasks(callerOf(request), listing);
    const bool full = !tasks.empty() && static_cast<std::int64_t>(tasks.size()) == listing.limit;
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        {
            const auto items = out.array("tasks");
            for (const auto& each : tasks) write(out, each, false);
        }
        writeLinks(out, request, "/v2/tasks", full ? std::optional(tasks.back().id) : std::nullopt);
        out.field("schema", "/v2/schemas/tasks");
    });
}

Response show(Request& request, Imports& imports) {
    const auto& id = request.param("task_id");
    const auto task = imports.task(callerOf(request), id);
    if (!task) throw Error(Failure::NotFound, "No task found with ID ", id);
    return http::jsonResponse(200, [&](JsonWriter& out) { write(out, *task, true); });
}

/// {"type": "import", "input": {"import_from": URL, "import_from_format": DISK FORMAT, "image_properties": {…}}}
Response create(Request& request, Imports& imports) {
    const auto body = request.json();
    if (!body.isObject()) throw Error(Failure::Invalid, "Request body must be a JSON object.");
    body.onlyKnows({"type", "input"});
    if (body.text("type") != "import") body.at("type").refuse("It must be import.");
    const auto input = body.object("input");
    input.onlyKnows({"import_from", "import_from_format", "image_properties"});
    ImageRecord wanted;
    wanted.owner = callerOf(request).project;
    const auto properties = input.object("image_properties");
    for (const auto& name : properties.names()) assign(wanted, name, properties.at(name));
    if (!wanted.diskFormat) assign(wanted, "disk_format", input.at("import_from_format"));
    if (!wanted.containerFormat) wanted.containerFormat = "bare";
    const auto task = imports.create(callerOf(request), std::move(wanted), input.text("import_from"), input.dump());
    auto response = http::jsonResponse(201, [&](JsonWriter& out) { write(out, task, true); });
    response.headers.add("Location", request.base + "/v2/tasks/" + task.id);
    return response;
}

}

http::Routes taskRoutes(Imports& imports) {
    using http::policy;
    const auto with = http::boundTo(std::ref(imports));
    return {
        {Method::Get, "/v2/images/{image_id}/tasks", policy("get_image"), with(ofImage)},
        {Method::Post, "/v2/tasks", policy("add_task"), with(create)},
        {Method::Get, "/v2/tasks", policy("get_tasks"), with(list)},
        {Method::Get, "/v2/tasks/{task_id}", policy("get_task"), with(show)},
    };
}
}
