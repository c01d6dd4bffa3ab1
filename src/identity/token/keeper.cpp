#include "identity/token/keeper.hpp"

#include "identity/credential/credential.hpp"
#include "platform/log/log.hpp"
#include "platform/reconcile/reconciler.hpp"

namespace stratolet::identity {
namespace {

constexpr std::size_t credentialKeysMax = 3;

/// For how long what a token key sealed may still be asked about.
std::chrono::seconds tokenMemory(const Config& config) {
    return config.seconds("identity", "token_lifetime") + config.seconds("identity", "allow_expired_window");
}

/// Seals the texts of a column again; each is there once, since no two seals are alike.
int resealTexts(store::Transaction& tx, const Fernet& sealing, const SealedColumn& sealedColumn) {
    const auto& [table, column, condition] = sealedColumn;
    const auto sealed = tx.run("SELECT " + column + " FROM " + table + " WHERE " + condition, {}).texts();
    for (const auto& each : sealed)
        if (const auto text = sealing.open(each))
            tx.run("UPDATE " + table + " SET " + column + " = ? WHERE " + column + " = ?", {sealing.seal(*text), each})
                .next();
    return static_cast<int>(sealed.size());
}

std::size_t tokenKeysMax(const Config& config) {
    return static_cast<std::size_t>(config.integer("identity", "fernet_max_active_keys"));
}

}

std::vector<ConfigOption> keyOptions() {
    return {{"identity", "fernet_max_active_keys", "3", wholeNumber(3, 100)},
            {"identity", "fernet_rotation_interval", "0", wholeNumber(0, 10 * 365 * 24 * 3600)}};
}

Keeper::Keeper(Core& core, KeyRepository& tokenKeys) : core_(core), tokenKeys_(tokenKeys) {
    core.parts.reconciler.declare(
        "identity-keys", [this] { look(); }, std::chrono::seconds(1));
}

void Keeper::look() {
    const auto& config = core_.parts.config;
    if (const auto every = config.seconds("identity", "fernet_rotation_interval");
        every.count() > 0 && tokenKeys_.primarySince() + every <= core_.parts.ambient.now()) {
        tokenKeys_.rotate(tokenKeysMax(config), tokenMemory(config));
        core_.parts.log.info("token keys rotated");
    } else if (tokenKeys_.reread()) {
        core_.parts.log.info("token keys read again");
    }
    auto& repository = core_.sealing.repository();
    repository.reread();
    const auto primary = repository.primaryName();
    if (primary == sealedWith_) return;
    const int count = core_.parts.store.write([&](store::Transaction& tx) {
        int sealed = credential_table::reseal(tx, core_.sealing);
        for (const auto& each : core_.sealed) sealed += resealTexts(tx, core_.sealing, each);
        return sealed;
    });
    repository.prune(credentialKeysMax, std::chrono::seconds(0)); // nothing is sealed with the old ones any more
    sealedWith_ = primary; // not what is primary now: it may have changed meanwhile
    if (count > 0) core_.parts.log.info("stored secrets sealed again", {{"count", std::to_string(count)}});
}

void rotateTokenKeys(const std::filesystem::path& stateDir, const Config& config) {
    RealAmbient ambient;
    KeyRepository(stateDir / "fernet-keys", ambient).rotate(tokenKeysMax(config), tokenMemory(config));
}

void rotateCredentialKeys(const std::filesystem::path& stateDir) {
    RealAmbient ambient;
    // Old keys go once the running cloud has sealed everything again.
    KeyRepository(stateDir / "credential-keys", ambient)
        .rotate(std::numeric_limits<std::size_t>::max(), std::chrono::seconds(0));
}

}
