#include "identity/directory/group.hpp"

#include "identity/noun.hpp"

namespace stratolet::identity {

using namespace resource;

const Table<Group> groupTable("groups", 'g',
                              {attribute<&Group::id>("id", Show),
                               named<&Group::name, 64>("name", Post | Put | Show | Find | Needed).foundBy(nameKey),
                               attribute<&Group::domain>("domain_id", Show | Find),
                               attribute<&Group::description>("description", Post | Put | Show | Find), extra<Group>(),
                               links<Group>(), computed<Group>("domain", Kind::Other, 0), created<Group>(),
                               foldedNameOf<Group>()});

void takeGroup(Group& group, const Json& body, Use when) { take(group, groupTable, body, when); }

void writeGroup(JsonWriter& out, const http::Request& request, const Group& group) {
    const auto object = out.object();
    showFields(out, groupTable, group, request);
}

}
