#include "block/message/message_query.hpp"

#include <array>

#include "block/message/message.hpp"

namespace stratolet::block {
namespace {

constexpr std::array<ListFilter, 6> filters{{
    {"resource_uuid"},
    {"resource_type"},
    {"event_id"},
    {"request_id"},
    {"message_level"},
    {"id", nullptr, {}, true},
}};

}

ListNoun messageLists() { return {"message", filters, messageColumns.text(), messageColumns.words()}; }

}
