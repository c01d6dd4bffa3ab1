#include "block/message/message.hpp"
#include "block/rows.hpp"

namespace stratolet::resource {

template <> struct Codec<block::Doing> {
    static constexpr Kind kind = Kind::Whole;
    static block::Doing load(const store::Row& row, int column) {
        return static_cast<block::Doing>(row.integer(column));
    }
    static store::Value bind(block::Doing action) { return static_cast<int>(action); }
};

template <> struct Codec<block::Wrong> {
    static constexpr Kind kind = Kind::Whole;
    static block::Wrong load(const store::Row& row, int column) {
        return static_cast<block::Wrong>(row.integer(column));
    }
    static store::Value bind(block::Wrong detail) { return static_cast<int>(detail); }
};

}

namespace stratolet::block {

using namespace resource;

namespace {

store::Value bindEvent(const Message& message) { return eventOf(message); }
void showEvent(JsonWriter& out, const Message& message) { out.value(eventOf(message)); }
void showWords(JsonWriter& out, const Message& message) { out.value(wordsOf(message)); }

}

const Table<Message> messageColumns(
    "volume_messages", 'm',
    {
        attribute<&Message::id>("id", Show | Find),
        derived<Message>("event_id", Kind::Text, Show | Find, bindEvent, showEvent),
        computed<Message>("user_message", Kind::Text, Show, showWords),
        attribute<&Message::level>("message_level", Show | Find).in("level"),
        attribute<&Message::created>("created_at", Show | Sort).in("created").shown(showMicros<&Message::created>),
        attribute<&Message::expires>("guaranteed_until", Show | Sort)
            .in("expires")
            .shown(showMicros<&Message::expires>),
        attribute<&Message::request>("request_id", Show | Find),
        attribute<&Message::resourceType>("resource_type", Show | Find),
        attribute<&Message::resource>("resource_uuid", Show | Find),
        column<&Message::project>("project_id"),
        column<&Message::action>("action"),
        column<&Message::detail>("detail"),
    });

namespace message_table {

void removeExpired(store::Transaction& tx, Time now, int most) {
    tx.execute("DELETE FROM volume_messages WHERE id IN (SELECT id FROM volume_messages WHERE expires <= ? ORDER BY "
               "expires LIMIT ?)",
               now, most);
}

void keepNewest(store::Transaction& tx, const ProjectId& project, int most) {
    tx.execute("DELETE FROM volume_messages WHERE id IN (SELECT id FROM volume_messages WHERE project_id = ? ORDER BY "
               "created DESC, id DESC LIMIT -1 OFFSET ?)",
               project, most);
}

}
}
