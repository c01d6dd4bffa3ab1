#include "appliance/operator/backup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <ostream>
#include <set>

#include <stratolet/error.hpp>

#include "appliance/appliance.hpp"
#include "appliance/fresh_store/all_migrations.hpp"
#include "appliance/operator/archive.hpp"
#include "appliance/operator/table.hpp"
#include "appliance/state_folder.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/cloud/cloud.hpp"
#include "platform/os/folder.hpp"
#include "platform/os/temporary_folder.hpp"
#include "platform/text/text.hpp"

namespace stratolet {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t formatNow = 1;
const std::string manifestName = "manifest.json", storeName = "stratolet.db";

/// Below the state directory: what is of this process alone, or made anew at each start. So is what begins with
/// "stratolet" (what belongs to the store, what commands need for a while).
constexpr std::array passing{"lock",    "operator.sock", "network",          "previous",
                             "staging", "configuration", "instance-uploads", "volume-uploads"};

/// The folders with the data of images, volumes and servers; those of further stores and back ends are named after them
/// ("volumes-fast").
constexpr std::array data{"images", "image-cache", "volumes", "backups", "instances", "hypervisor"};

bool isOneOf(const auto& names, const std::string& name, bool withEnding) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& each) {
        return name == each || (withEnding && name.starts_with(each + "-"));
    });
}

/// What running guests write to: how the names of their files in "instances", and of their volumes' files, begin.
std::set<std::string> inUse(store::Reader& db) {
    std::set<std::string> names;
    constexpr auto running = "deleted IS NULL AND vm_state NOT IN ('stopped', 'shelved', 'shelved_offloaded')";
    for (auto& each : db.query(std::string("SELECT id FROM compute_servers WHERE ") + running).texts())
        names.insert(std::move(each));
    for (const auto& each :
         db.query(
               std::string("SELECT volume_id FROM volume_attachments WHERE server_id = '' OR server_id IN (SELECT id "
                           "FROM compute_servers WHERE ") +
               running + ")")
             .texts())
        names.insert("volume-" + each);
    return names;
}

/// "volume-ID" of "volume-ID.layers", "ID" of "ID_disk".
std::string withoutEnding(const std::string& name) { return name.substr(0, name.find_first_of("._")); }

/// What is taken of a state directory, and what of it is not.
class Choice {
public:
    Choice(bool disks, std::set<std::string> used) : disks_(disks), used_(std::move(used)) {}

    bool wants(const fs::path& below) {
        const auto top = below.begin()->string();
        if (isOneOf(passing, top, false) || top.starts_with("stratolet")) return false;
        const bool isData = isOneOf(data, top, true);
        if (isData && !disks_) return false;
        const auto name = below.filename().string();
        if (isData && below.has_parent_path() && used_.contains(withoutEnding(name))) {
            leftOut_.insert(below.string());
            return false;
        }
        return !name.ends_with(".new"); // being written
    }

    const std::set<std::string>& leftOut() const { return leftOut_; }

private:
    bool disks_;
    std::set<std::string> used_, leftOut_;
};

std::string manifestOf(const Asked& asked, store::Reader& db, bool disks) {
    std::string text;
    JsonWriter out(text);
    {
        const auto body = out.object();
        out.field("format", formatNow);
        out.field("made", isoSecondsZ(RealAmbient().now()));
        out.field("state_dir", asked.stateDir.string());
        out.field("disks", disks);
        const auto cloud = cloudIn(db);
        out.field("cloud", cloud.id);
        out.field("host", cloud.host);
        const auto schema = out.object("schema");
        for (auto rows = db.query("SELECT module, number FROM schema_versions ORDER BY module"); rows.next();)
            out.field(rows.row().text(0), rows.row().integer(1));
    }
    return text;
}

void addConfiguration(ArchiveWriter& archive, const Asked& asked, const std::optional<fs::path>& configFile) {
    if (configFile) archive.add(*configFile, "state/configuration/stratolet.conf");
    const fs::path policies = asked.settings.config.text("DEFAULT", "policy_dir");
    if (!policies.empty() && fs::is_directory(policies)) archive.add(policies, "state/configuration/policy.d");
    for (const auto* each : {"certificate", "key"})
        if (const fs::path file = asked.settings.config.text("DEFAULT", each); !file.empty())
            archive.add(file, std::string("state/configuration/") + each + ".pem");
}

/// Written under another name until it is whole.
class NewFile {
public:
    explicit NewFile(const fs::path& file) : file_(file), partial_(file.string() + ".partial") {
        if (fs::exists(file))
            throw Error(Failure::Invalid, file.string(), " is there already; name a file that is not");
        out_ = Fd(static_cast<int>(check(::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
                                         "write " + partial_.string())));
    }
    ~NewFile() { ::unlink(partial_.c_str()); } // nothing, once it is whole
    NewFile(const NewFile&) = delete;

    const Fd& out() const { return out_; }

    void isWhole() {
        check(::fsync(out_.get()), "write " + file_.string());
        check(::rename(partial_.c_str(), file_.c_str()), "write " + file_.string());
        syncFolder(fs::absolute(file_).parent_path());
    }

private:
    fs::path file_, partial_;
    Fd out_;
};

/// Error(Invalid) where the store that a manifest speaks of was written by a newer program.
void requireKnown(const Json& manifest, const fs::path& file) {
    if (manifest.integer("format", 0) != formatNow)
        throw Error(Failure::Invalid, file.string(), " was made by a version that writes other backups (format ",
                    manifest.integer("format", 0), ")");
    std::map<std::string, std::int64_t> newest;
    for (const auto& each : allMigrations())
        newest[std::string(each.module)] = std::max<std::int64_t>(newest[std::string(each.module)], each.number);
    const auto schema = manifest.object("schema");
    for (const auto& module : schema.names())
        if (schema.integer(module) > newest[module])
            throw Error(Failure::Invalid, file.string(), " has the store of a newer version (", module, " ",
                        schema.integer(module), ", known here ", newest[module], "): install that version first");
}

/// It stands in the place of another from now on.
void takeIntoService(const fs::path& state, const Config& config) {
    store::Store store(storeIn(state, config));
    store.write([](store::Transaction& tx) { tx.execute("UPDATE cloud SET epoch = epoch + 1"); });
}

/// The store comes last: without it there is no cloud.
void moveInto(const fs::path& from, const fs::path& into) {
    std::vector<fs::path> parts(fs::directory_iterator(from), {});
    std::stable_partition(parts.begin(), parts.end(),
                          [](const fs::path& each) { return each.filename() != storeName; });
    for (const auto& each : parts) fs::rename(each, into / each.filename());
    syncFolder(into);
}

}

int backUp(const Asked& asked, const fs::path& file, bool disks, const std::optional<fs::path>& configFile) {
    store::Store store(storeIn(asked.stateDir, asked.settings.config));
    NewFile written(file);
    const TemporaryFolder folder("stratolet-backup", fs::absolute(file).parent_path()); // it may be as large
    const auto copy = folder.path() / storeName;
    store.backupTo(copy);
    store::Store copied(storeOptions(copy, asked.settings.config)); // all that is said is of that moment
    Choice choice(disks, inUse(copied.reader()));
    ArchiveWriter archive(written.out());
    archive.addText(manifestName, manifestOf(asked, copied.reader(), disks));
    archive.add(copy, "state/" + storeName);
    archive.add(asked.stateDir, "state", [&](const fs::path& below) { return choice.wants(below); });
    addConfiguration(archive, asked, configFile);
    archive.finish();
    written.isWhole();
    const auto bytes = static_cast<std::int64_t>(fs::file_size(file));
    if (asked.json) {
        std::string text;
        JsonWriter out(text);
        {
            const auto body = out.object();
            out.field("file", file.string());
            out.field("bytes", bytes);
            const auto left = out.array("left_out");
            for (const auto& each : choice.leftOut()) out.value(each);
        }
        asked.out << text << '\n';
        return 0;
    }
    for (const auto& each : choice.leftOut()) asked.out << "left out, a running guest writes to it: " << each << '\n';
    asked.out << file.string() << " has all " << (choice.leftOut().empty() ? "of it" : "else") << " ("
              << sizeText(bytes) << ", with keys: keep it where nobody else reads);"
              << " \"stratolet restore " << file.string() << "\" makes a cloud of it\n";
    return 0;
}

int restore(const Asked& asked, const fs::path& file) {
    const auto manifest = Json::parse(firstTextIn(file, manifestName));
    requireKnown(manifest, file);
    const auto stateDir = fs::absolute(asked.stateDir);
    if (fs::exists(stateDir) && !fs::is_empty(stateDir))
        throw Error(Failure::Invalid, stateDir.string(),
                    " is not empty: a backup is restored into a state directory that is not there or empty");
    // Where the folder is there it may be a file system of its own: what becomes part of it is made in it.
    const bool there = fs::exists(stateDir);
    const fs::path partial = there ? stateDir / ".restoring" : fs::path(stateDir.string() + ".restoring");
    ensureFolder(partial.parent_path(), Lets::OthersThrough);
    removeSoon(partial);
    try {
        ensureFolder(partial, Lets::Nobody);
        unpack(file, partial);
        const auto state = partial / "state";
        takeIntoService(state, asked.settings.config);
        there ? moveInto(state, stateDir)
              : void(check(::rename(state.c_str(), stateDir.c_str()), "restore " + stateDir.string()));
        removeSoon(partial);
    } catch (...) {
        removeSoon(partial);
        throw;
    }
    syncFolder(stateDir.parent_path());
    if (asked.json) {
        asked.out << manifest.dump() << '\n';
        return 0;
    }
    auto& out = asked.out;
    out << stateDir.string() << " has the cloud of " << manifest.text("host") << " as it was at "
        << manifest.text("made")
        << (manifest.boolean("disks", false) ? ", with disks" : ", without the data of images, volumes and servers")
        << '\n';
    if (fs::exists(stateDir / "configuration"))
        out << "its configuration is in " << (stateDir / "configuration").string()
            << "; put what you want of it into /etc/stratolet, then start stratolet\n";
    if (manifest.boolean("disks", false) && manifest.text("state_dir") != stateDir.string())
        out << "its disks name each other by " << manifest.text("state_dir")
            << ": servers start only where the state directory is called so\n";
    return 0;
}

}
