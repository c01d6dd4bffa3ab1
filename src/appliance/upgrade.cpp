#include "appliance/upgrade.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <ostream>

#include <stratolet/error.hpp>

#include "appliance/state_folder.hpp"
#include "platform/os/file.hpp"
#include "platform/os/folder.hpp"
#include "platform/store/store.hpp"

namespace stratolet {
namespace {

namespace fs = std::filesystem;

constexpr const char* storeName = "stratolet.db";
constexpr const char* programName = "stratolet";
constexpr const char* versionName = "version"; // written last: with it the folder is whole

fs::path previousIn(const fs::path& stateDir) { return stateDir / "previous"; }

/// In the place of what is there, whole or not at all.
void copyProgram(const fs::path& from, const fs::path& to) {
    const auto fresh = to.string() + ".new";
    const auto doing = "copy " + from.string() + " to " + to.string();
    std::error_code problem;
    fs::copy_file(from, fresh, fs::copy_options::overwrite_existing, problem);
    if (problem) throw Error(Failure::Broken, "could not ", doing, ": ", problem.message());
    check(::chmod(fresh.c_str(), 0755), doing);
    const Fd file(static_cast<int>(check(::open(fresh.c_str(), O_RDONLY | O_CLOEXEC), doing)));
    check(::fsync(file.get()), doing);
    check(::rename(fresh.c_str(), to.c_str()), doing);
    syncFolder(to.parent_path());
}

/// Which migrations have made it what it is.
std::string formOf(const fs::path& file, const Config& config) {
    store::Store store(storeOptions(file, config));
    return store.reader()
        .query("SELECT group_concat(module || ' ' || number) FROM (SELECT * FROM schema_versions ORDER BY module)")
        .maybeText()
        .value_or("");
}

void copyStore(const fs::path& from, const fs::path& to, const Config& config) {
    store::Store(storeOptions(from, config)).backupTo(to);
}

void removeLog(const fs::path& store) {
    for (const auto* each : {"-wal", "-shm"}) fs::remove(store.string() + each);
}

/// The cloud's folder is nobody else's from here on; the service is stopped where it has it.
Fd takenFrom(const InstalledProgram& program, const fs::path& stateDir, bool& stopped) {
    try {
        return lockOf(stateDir, false);
    } catch (const Error& problem) {
        if (problem.failure() != Failure::Broken || !program.stop) throw;
    }
    program.stop();
    stopped = true;
    return lockOf(stateDir, false);
}

void putStoreBack(const fs::path& stateDir, const Config& config, std::ostream& out) {
    const auto now = stateDir / storeName, replaced = stateDir / "stratolet.db.rolled-back",
               fresh = stateDir / "stratolet.db.fresh";
    copyStore(now, replaced, config);
    copyStore(previousIn(stateDir) / storeName, fresh, config);
    removeLog(fresh);
    removeLog(now); // what it had is in the copy; it would be taken for the log of the one that comes
    check(::rename(fresh.c_str(), now.c_str()), "put the store back");
    syncFolder(stateDir);
    out << "the store is again what it was before the upgrade; what it was until now is in " << replaced.string()
        << ", and what has been made on the host since is kept: \"stratolet doctor\" lists it\n";
}

}

void keepVersion(const Settings& settings, const fs::path& stateDir, const InstalledProgram& program,
                 std::ostream& out) {
    if (!fs::exists(stateDir / storeName)) {
        out << "there is no store in " << stateDir.string() << " yet, and nothing to be kept\n";
        return;
    }
    const auto folder = previousIn(stateDir), fresh = fs::path(folder.string() + ".new");
    fs::remove_all(fresh);
    ensureFolder(fresh, Lets::Nobody);
    copyStore(stateDir / storeName, fresh / storeName, settings.config);
    removeLog(fresh / storeName);
    copyProgram(program.file, fresh / programName);
    writeFile(fresh / versionName, program.version + "\n");
    syncFolder(fresh);
    fs::remove_all(folder);
    check(::rename(fresh.c_str(), folder.c_str()), "keep the program and its store in " + folder.string());
    syncFolder(stateDir);
    out << "stratolet " << program.version << " and a copy of its store are kept in " << folder.string()
        << "; \"stratolet rollback\" goes back to them\n";
}

void rollBack(const Settings& settings, const fs::path& stateDir, const InstalledProgram& program, bool storeToo,
              std::ostream& out) {
    const auto folder = previousIn(stateDir);
    std::string version;
    if (std::ifstream in(folder / versionName); !std::getline(in, version))
        throw Error(Failure::Invalid, "there is nothing to go back to: no version is kept in ", folder.string(),
                    ". The upgrade of a package keeps the one before it there, until it has been gone back to");
    bool stopped = false;
    {
        const auto lock = takenFrom(program, stateDir, stopped);
        if (storeToo || formOf(folder / storeName, settings.config) != formOf(stateDir / storeName, settings.config))
            putStoreBack(stateDir, settings.config, out);
        else
            out << "the store stays: both versions read the same form of it\n";
        copyProgram(folder / programName, program.file);
        fs::remove(folder / versionName);
        fs::remove_all(folder);
    }
    out << program.file.string() << " is stratolet " << version << " again, instead of " << program.version << '\n';
    if (stopped) program.start();
}

}
