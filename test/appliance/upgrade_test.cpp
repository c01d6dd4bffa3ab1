#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <sstream>

#include "appliance/appliance.hpp"
#include "appliance/fresh_store/all_migrations.hpp"
#include "appliance/state_folder.hpp"
#include "appliance/upgrade.hpp"
#include "platform/store/store.hpp"
#include "support/folder.hpp"

#include <stratolet/error.hpp>

using namespace stratolet;
using namespace stratolet::test;
using Catch::Contains;

namespace {

/// A host with a program in its place and the store of a cloud that has stopped.
struct Host {
    Host() {
        std::ofstream(program.file) << "the old one";
        write([](store::Transaction& tx) { tx.execute("CREATE TABLE notes (text TEXT)"); });
        store::Store(storeOptions(state / "stratolet.db", settings.config)).migrate(allMigrations());
    }

    template <class Work> void write(Work work) {
        store::Store(storeOptions(state / "stratolet.db", settings.config)).write(work);
    }
    void notes(const std::string& text) {
        write([&](store::Transaction& tx) { tx.execute("INSERT INTO notes VALUES (?)", text); });
    }
    std::vector<std::string> noted(const std::string& file = "stratolet.db") {
        store::Store store(storeOptions(state / file, settings.config));
        return store.reader().query("SELECT text FROM notes").texts();
    }

    /// What a package does: keeps what is there, then puts another in its place.
    void upgrades() {
        keepVersion(settings, state, program, said);
        std::ofstream(program.file) << "the new one";
        program.version = "2";
    }
    /// What the first start of a version does that reads another form of the store.
    void changesForm() {
        write([](store::Transaction& tx) {
            tx.execute("UPDATE schema_versions SET number = number + 1 WHERE module = 'compute'");
        });
    }
    void rollsBack(bool storeToo = false) { rollBack(settings, state, program, storeToo, said); }

    Folder folder;
    std::filesystem::path state = folder.path();
    Settings settings;
    InstalledProgram program{folder / "program", "1", {}, {}};
    std::ostringstream said;
};

}

TEST_CASE("Rolled back, the version before an upgrade is in its place, and what was done since is still there",
          "[appliance][upgrade]") {
    Host host;
    host.notes("before");
    host.upgrades();
    host.notes("after");
    host.rollsBack();
    CHECK(contentOf(host.program.file) == "the old one");
    struct stat about {};
    REQUIRE(::stat(host.program.file.c_str(), &about) == 0);
    CHECK((about.st_mode & 07777) == 0755);
    CHECK(host.noted() == std::vector<std::string>{"before", "after"});
    CHECK_THAT(host.said.str(), Contains("is stratolet 1 again, instead of 2") && Contains("the store stays"));
}

TEST_CASE(
    "A store of another form goes back with its program, also where it is asked for; what it was until then is kept "
    "beside it",
    "[appliance][upgrade]") {
    const bool asked = GENERATE(false, true);
    Host host;
    host.notes("before");
    host.upgrades();
    if (!asked) host.changesForm();
    host.notes("after");
    host.rollsBack(asked);
    CHECK(host.noted() == std::vector<std::string>{"before"});
    CHECK(host.noted("stratolet.db.rolled-back") == std::vector<std::string>{"before", "after"});
    CHECK(contentOf(host.program.file) == "the old one");
    store::Store(storeOptions(host.state / "stratolet.db", host.settings.config)).migrate(allMigrations());
    CHECK_THAT(host.said.str(), Contains("doctor"));
}

TEST_CASE("Where nothing was kept a rollback is refused and changes nothing; one that was done can't be done again",
          "[appliance][upgrade]") {
    Host host;
    CHECK_THROWS_WITH(host.rollsBack(), Contains("nothing to go back to"));
    CHECK(contentOf(host.program.file) == "the old one");
    host.upgrades();
    host.rollsBack();
    CHECK_THROWS_WITH(host.rollsBack(), Contains("nothing to go back to"));
}

TEST_CASE("An upgrade keeps the version before it alone, and none where there is no store yet",
          "[appliance][upgrade]") {
    Host host;
    host.upgrades();
    std::ofstream(host.program.file) << "the second one";
    host.upgrades();
    std::ofstream(host.program.file) << "the third one";
    host.rollsBack();
    CHECK(contentOf(host.program.file) == "the second one");
    const Folder empty;
    keepVersion(host.settings, empty.path(), host.program, host.said);
    CHECK(std::filesystem::is_empty(empty.path()));
}

TEST_CASE("A cloud that runs is kept as it is at a moment; to be rolled back it is stopped, and started again after",
          "[appliance][upgrade]") {
    Host host;
    host.notes("before");
    auto running = std::make_optional(lockOf(host.state, false));
    store::Store open(storeOptions(host.state / "stratolet.db", host.settings.config));
    host.upgrades();
    CHECK_THROWS_WITH(host.rollsBack(), Contains("in use by another stratolet"));
    CHECK(contentOf(host.program.file) == "the new one");
    std::string told;
    host.program.stop = [&] {
        told += "stopped ";
        running.reset();
    };
    host.program.start = [&] { told += "started " + contentOf(host.program.file); };
    host.rollsBack();
    CHECK(told == "stopped started the old one");
}
