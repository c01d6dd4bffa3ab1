#include "compute/metadata/vendor_data.hpp"

#include <algorithm>

#include <stratolet/error.hpp>

#include "compute/server/server_table.hpp"
#include "platform/json/json.hpp"
#include "platform/web/web.hpp"

namespace stratolet::compute {
namespace {

VendorTarget targetIn(const std::string& text) {
    const auto at = text.find('@');
    if (at == std::string::npos) return {{}, text};
    return {text.substr(0, at), text.substr(at + 1)};
}

/// "name@http://…": the name is a word of JSON that is nobody else's.
ConfigType vendorTarget() {
    return {"NAME@URL", [](const std::string& option) -> std::string {
                const auto target = targetIn(option);
                if (target.name.empty()) return "it must be a name, @, and a web address";
                if (target.name == "static") return "the name static is that of what vendordata_file says";
                if (!web::parsed(target.url)) return "what stands after the @ must be an http or https address";
                return {};
            }};
}

/// What a service is told of the server that it is asked about (nova: DynamicJSON).
std::string question(Core& core, store::Reader& db, const Server& server) {
    std::string text;
    JsonWriter out(text);
    const auto body = out.object();
    out.field("project-id", server.project);
    out.field("instance-id", server.id);
    out.field("image-id", server.image);
    out.field("user-data", server.userData);
    out.field("hostname", server.hostname);
    {
        const auto metadata = out.object("metadata");
        for (const auto& [name, value] : detailsOf(core, db, server).metadata) out.field(name, value);
    }
    out.field("boot-roles", ServerTable::bootRoles(db, server.id));
    return text;
}

}

std::vector<ConfigOption> vendorOptions() {
    return {{"compute", "vendordata_dynamic_targets", "", orNothing(listOf(vendorTarget()))},
            {"compute", "vendordata_dynamic_connect_timeout", "5", wholeNumber(1, 30)},
            {"compute", "vendordata_dynamic_read_timeout", "5", wholeNumber(1, 30)},
            {"compute", "vendordata_dynamic_ssl_certfile", "", orNothing(readableFile())},
            {"compute", "vendordata_dynamic_failure_fatal", "false", trueOrFalse()}};
}

VendorData::VendorData(const Config& config, Log& log)
    : connectTimeout_(config.seconds("compute", "vendordata_dynamic_connect_timeout")),
      timeout_(connectTimeout_ + config.seconds("compute", "vendordata_dynamic_read_timeout")),
      certificates_(config.text("compute", "vendordata_dynamic_ssl_certfile")),
      failureIsFatal_(config.boolean("compute", "vendordata_dynamic_failure_fatal")),
      log_(log) {
    for (const auto& each : config.list("compute", "vendordata_dynamic_targets")) {
        auto target = targetIn(each);
        const bool known = std::any_of(targets_.begin(), targets_.end(),
                                       [&](const VendorTarget& other) { return other.name == target.name; });
        if (known || targets_.size() == targetsMax)
            throw Error(Failure::Invalid, "[compute] vendordata_dynamic_targets: ",
                        known ? "the name " + target.name + " is there twice" : std::string("there are too many"));
        targets_.push_back(std::move(target));
    }
}

std::string VendorData::askOne(const VendorTarget& target, const std::string& about,
                               const std::function<bool()>& cancelled) const {
    std::string answer;
    web::fetch({.url = target.url,
                .post = about,
                .headers = {"Content-Type: application/json", "Accept: application/json", "Expect:"},
                .certificates = certificates_,
                .bytesMax = answerBytesMax,
                .redirectsMax = 0, // it is the one that was named, and gets what guests keep to themselves
                .connectTimeout = connectTimeout_,
                .timeout = timeout_,
                .cancelled = cancelled},
               [&](std::span<const std::byte> bytes) {
                   answer.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
               });
    if (answer.empty()) return "{}";
    static_cast<void>(Json::parse(answer)); // or why it is none
    return answer;
}

VendorData::Said VendorData::askAll(Core& core, const Server& server, const std::string& about,
                                    const std::function<bool()>& cancelled) const {
    Said said;
    for (const auto& target : targets_) {
        std::string answer = "{}";
        try {
            answer = askOne(target, about, cancelled);
        } catch (const Error& problem) {
            if (problem.failure() == Failure::Busy) throw;
            log_.warning("A service of vendor data said nothing of a server",
                         {{"service", target.name}, {"server", server.id.text}, {"because", problem.what()}});
            if (said.failure.empty()) said.failure = target.name + ": " + problem.what();
            if (failureIsFatal_) break;
        }
        said.answers.emplace_back(target.name, std::move(answer));
    }
    said.until = core.now() + keptFor;
    return said;
}

VendorAnswers VendorData::ask(Core& core, store::Reader& db, const Server& server,
                              const std::function<bool()>& cancelled) {
    if (targets_.empty()) return {};
    const auto told = [&](const Said& said) {
        if (failureIsFatal_ && !said.failure.empty())
            throw Error(Failure::Broken, "the vendor data could not be had of ", said.failure);
        return said.answers;
    };
    {
        const std::lock_guard lock(mutex_);
        const auto now = core.now();
        std::erase_if(said_, [&](const auto& each) { return each.second.until <= now; });
        if (const auto known = said_.find(server.id.text); known != said_.end()) return told(known->second);
    }
    auto said = askAll(core, server, question(core, db, server), cancelled);
    const std::lock_guard lock(mutex_);
    return told(said_[server.id.text] = std::move(said));
}

VendorAnswers VendorData::askFor(Core& core, store::Reader& db, const Server& server) {
    const auto& id = server.id.text;
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.size() >= guestsMax || !waiting_.insert(id).second)
            throw Error(Failure::Busy, "what services tell of servers is being asked for already");
    }
    const auto leave = [&] {
        const std::lock_guard lock(mutex_);
        waiting_.erase(id);
    };
    try {
        auto answers = ask(core, db, server);
        leave();
        return answers;
    } catch (...) {
        leave();
        throw;
    }
}

}
