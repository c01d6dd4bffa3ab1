#include "block/backup/backup_record.hpp"

#include <stratolet/error.hpp>

#include "block/wire.hpp"
#include "identity/token/crypto.hpp"
#include "identity/token/fernet.hpp"
#include "platform/json/json.hpp"
#include "platform/text/text.hpp"

namespace stratolet::block {

std::string recordOf(const Backup& backup, const std::string& sealed) {
    std::string text;
    {
        JsonWriter out(text);
        const auto body = out.object();
        out.field("id", backup.id);
        out.field("archive_id", backup.archive);
        out.field("volume_id", backup.volume);
        out.field("parent_id", backup.parent.empty() ? std::nullopt : std::optional(backup.parent));
        out.field("display_name", backup.name);
        out.field("display_description", backup.description);
        out.field("size", backup.size.count);
        out.field("data_timestamp", isoMicros(backup.data));
        out.field("container", backup.container);
        out.field("availability_zone", backup.zone);
        out.field("volume", backup.facts);
        out.field("passphrase", sealed);
    }
    return identity::base64(text);
}

Recorded recordIn(const std::string& record) {
    const auto wrong = [](std::string_view what) {
        return Error(Failure::Invalid, "Invalid input for field/attribute backup_url. ", what);
    };
    std::string plain; // as URLs have it, which is what we read
    for (const char each : record)
        if (each != '=') plain += each == '+' ? '-' : each == '/' ? '_' : each;
    const auto text = identity::fromBase64Url(plain);
    if (!text) throw wrong("It is not base64.");
    try {
        const auto body = Json::parse(*text);
        Recorded found;
        auto& backup = found.backup;
        const auto uuid = [&](const char* name) {
            auto id = body.maybeText(name).value_or("");
            if (!id.empty() && !isUuid(id)) throw wrong("An id in it is no UUID.");
            return id;
        };
        backup.id = {uuid("id")};
        backup.archive = {uuid("archive_id")};
        backup.volume = {uuid("volume_id")};
        backup.parent = {uuid("parent_id")};
        if (backup.id.empty() || backup.archive.empty() || backup.volume.empty()) throw wrong("It has no id.");
        backup.name = shortTextOrNull(body.at("display_name"));
        backup.description = shortTextOrNull(body.at("display_description"));
        backup.container = shortTextOrNull(body.at("container"));
        backup.zone = shortTextOrNull(body.at("availability_zone"));
        backup.size = sizeIn(body.at("size"));
        const auto data = parseIsoTime(body.text("data_timestamp"));
        if (!data) throw wrong("Its data_timestamp is no time.");
        backup.data = *data;
        backup.facts = body.text("volume");
        traitsIn(backup.facts); // can be read
        found.sealed = body.text("passphrase");
        return found;
    } catch (const Error& problem) {
        if (problem.failure() == Failure::Invalid) throw wrong(problem.what());
        throw;
    }
}

}
