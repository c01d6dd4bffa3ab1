#include <stratolet/error.hpp>

#include "block/api.hpp"
#include "block/qos/qos.hpp"
#include "block/wire.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {
namespace {

using http::Method;
using http::Request;
using http::Response;
using identity::callerOf;

const std::string& qosIn(const Request& request) { return request.param("qos"); }

void write(JsonWriter& out, const Qos& qos) {
    const auto one = out.object();
    showInto(out, qosColumns, qos);
    writeMetadata(out, "specs", qos.specs);
}

Response qosResponse(const Request& request, const Qos& qos) {
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        out.key("qos_specs");
        write(out, qos);
        writeLinks(out, request.base, "/" + callerOf(request).project.text + "/qos-specs/" + qos.id);
    });
}

/// What a body says of its keys, but for the name: the consumer is none of the specs. A null is kept as the empty text.
void readInto(std::optional<std::string>& consumer, std::map<std::string, std::string>& specs, const Json& body) {
    for (const auto& name : body.names()) {
        const auto value = body.at(name);
        if (name == "name") continue;
        if (name.empty() || lengthInCharacters(name) > 255) value.refuse("A key has 1 to 255 characters.");
        auto text = shortTextOrNull(value).value_or("");
        if (name == "consumer")
            consumer = std::move(text);
        else
            specs[name] = std::move(text);
    }
}

Response list(Request& request, QosSpecs& all) {
    const auto query = listQueryIn(request, qosLists());
    const auto page = all.list(callerOf(request), query);
    return listResponse(
        request, "qos_specs", query, page, [](const Qos& each) { return each.id; },
        [](JsonWriter& out, const Qos& each) { write(out, each); });
}

Response show(Request& request, QosSpecs& all) {
    return qosResponse(request, all.show(callerOf(request), qosIn(request)));
}

Response create(Request& request, QosSpecs& all) {
    const auto wanted = nounIn(request, "qos_specs");
    Qos qos;
    qos.name = trimmed(wanted.text("name"));
    if (qos.name.empty() || lengthInCharacters(qos.name) > 255)
        wanted.at("name").refuse("It must have 1 to 255 characters.");
    std::optional<std::string> consumer;
    readInto(consumer, qos.specs, wanted);
    if (consumer) qos.consumer = *consumer;
    return qosResponse(request, all.create(callerOf(request), std::move(qos)));
}

Response update(Request& request, QosSpecs& all) {
    std::optional<std::string> consumer;
    std::map<std::string, std::string> specs;
    readInto(consumer, specs, nounIn(request, "qos_specs"));
    all.set(callerOf(request), qosIn(request), consumer, specs);
    if (consumer) specs.emplace("consumer", *consumer);
    return metadataResponse(specs, "qos_specs"); // as it was asked for
}

Response deleteKeys(Request& request, QosSpecs& all) {
    const auto body = request.json();
    body.onlyKnows({"keys"});
    constexpr std::size_t most = 1000;
    const auto keys = body.array("keys");
    if (keys.size() > most) keys.refuse("It must have at most 1000 keys.");
    std::vector<std::string> names;
    for (const auto& each : keys.items()) names.push_back(each.text());
    all.unset(callerOf(request), qosIn(request), names);
    return http::emptyResponse(202);
}

Response remove(Request& request, QosSpecs& all) {
    const auto force = request.query.find("force");
    const auto truth = force ? truthOf(*force) : false;
    if (!truth) refuseParameter("force", *force, "It must be true or false.");
    return all.remove(callerOf(request), qosIn(request), *truth), http::emptyResponse(202);
}

Response associations(Request& request, QosSpecs& all) {
    const auto types = all.associations(callerOf(request), qosIn(request));
    return http::jsonResponse(200, [&](JsonWriter& out) {
        const auto body = out.object();
        const auto list = out.array("qos_associations");
        for (const auto& each : types) {
            const auto one = out.object();
            out.field("association_type", "volume_type");
            out.field("name", each.name);
            out.field("id", each.id);
        }
    });
}

std::string typeIn(const Request& request) {
    const auto type = request.query.find("vol_type_id");
    if (!type || type->empty()) throw Error(Failure::Invalid, "Volume Type id must not be None.");
    return *type;
}

Response associate(Request& request, QosSpecs& all) {
    return all.associate(callerOf(request), qosIn(request), typeIn(request)), http::emptyResponse(202);
}

Response disassociate(Request& request, QosSpecs& all) {
    return all.disassociate(callerOf(request), qosIn(request), typeIn(request)), http::emptyResponse(202);
}

Response disassociateAll(Request& request, QosSpecs& all) {
    return all.disassociateAll(callerOf(request), qosIn(request)), http::emptyResponse(202);
}

}

http::Routes qosRoutes(QosSpecs& specs) {
    http::Routes routes;
    const auto with = http::boundTo(std::ref(specs));
    const std::string one = "/qos-specs/{qos}", rule = "volume_extension:qos_specs_manage:";
    add(routes, Method::Get, "/qos-specs", rule + "get_all", with(list));
    add(routes, Method::Post, "/qos-specs", rule + "create", with(create));
    add(routes, Method::Get, one, rule + "get", with(show));
    add(routes, Method::Put, one, rule + "update", with(update));
    add(routes, Method::Delete, one, rule + "delete", with(remove));
    add(routes, Method::Put, one + "/delete_keys", rule + "delete", with(deleteKeys));
    add(routes, Method::Get, one + "/associations", rule + "get_all", with(associations));
    // These change something although they are asked with GET: they write, so they run on a worker.
    add(routes, Method::Get, one + "/associate", rule + "update", with(associate), http::Runs::Worker);
    add(routes, Method::Get, one + "/disassociate", rule + "update", with(disassociate), http::Runs::Worker);
    add(routes, Method::Get, one + "/disassociate_all", rule + "update", with(disassociateAll), http::Runs::Worker);
    return routes;
}
}
