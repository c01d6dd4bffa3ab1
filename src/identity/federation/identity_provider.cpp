#include "identity/federation/identity_provider.hpp"

#include "identity/noun.hpp"

namespace stratolet::identity {

using namespace resource;

namespace {

void takeMinutes(IdentityProvider& provider, const Json& value, const Reading&) {
    constexpr std::int64_t minutesMax = 366 * 24 * 60;
    provider.minutes.reset();
    if (value.isNull()) return;
    provider.minutes = value.integer();
    if (*provider.minutes < 0 || *provider.minutes > minutesMax) value.refuse("It must be from 0 to 527040 minutes.");
}

void takeRemoteIds(IdentityProvider& provider, const Json& value, const Reading&) {
    provider.remoteIds.clear();
    if (value.isNull()) return;
    for (const auto& each : value.items()) provider.remoteIds.push_back(checkedName(each, 255));
}

void writeProviderLinks(JsonWriter& out, const IdentityProvider& provider, const http::Request& request) {
    const auto links = out.object("links");
    const auto self = (request.base + "/v3/").append(IdentityProvider::path).append("/") + provider.id;
    out.field("self", self);
    out.field("protocols", self + "/protocols");
}

}

const Table<IdentityProvider> providerTable(
    "identity_providers", 'i',
    {attribute<&IdentityProvider::id>("id", Show | Find), attribute<&IdentityProvider::domain>("domain_id", Show),
     attribute<&IdentityProvider::enabled>("enabled", Post | Put | Show | Find),
     attribute<&IdentityProvider::description>("description", Post | Put | Show),
     attribute<&IdentityProvider::minutes>("authorization_ttl", Post | Put | Show).readBy(takeMinutes),
     attribute<&IdentityProvider::remoteIds>("remote_ids", Post | Put | Show)
         .computed("(SELECT json_group_array(remote_id) FROM (SELECT remote_id FROM identity_provider_remote_ids WHERE "
                   "provider_id = $.id "
                   "ORDER BY remote_id))")
         .readBy(takeRemoteIds),
     computed<IdentityProvider>("links", Kind::Other, Show | Unasked).written(writeProviderLinks)});

}
