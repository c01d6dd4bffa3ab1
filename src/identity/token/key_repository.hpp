#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "platform/ambient/ambient.hpp"

namespace stratolet::identity {

/// A folder of Fernet keys, files named by numbers: 0 is staged (it will be primary next), the highest is primary (it
/// encrypts), those in between are secondary (they only decrypt). Several processes may use one folder; only rotate()
/// and prune() change it, one at a time.
class KeyRepository {
public:
    /// The base64url-decoded keys, 32 bytes each, the primary first and the staged one last.
    using Keys = std::vector<std::string>;

    /// Reads the folder, or makes it with keys 0 and 1 where it is empty or absent. Error(Broken) where a key is no
    /// key. `durable`: what it writes is on disk when it returns.
    KeyRepository(std::filesystem::path folder, Ambient& ambient, bool durable = true);

    std::shared_ptr<const Keys> keys() const;

    /// A name for the primary key that doesn't give it away.
    std::string primaryName() const;

    /// When the primary key began to encrypt.
    Time primarySince() const;

    /// Looks at the folder again; true where the keys are others than before. A broken file is Error(Broken), and the
    /// old keys stay.
    bool reread();

    /// Makes the staged key the primary and stages a new one, then prune().
    void rotate(std::size_t keysMax, std::chrono::seconds livesFor);

    /// Removes the oldest keys beyond `keysMax` (all kinds counted, at least 3), but none that encrypted within the
    /// last `livesFor`, nor the one that keys() has as primary: what it encrypted may still be in use.
    void prune(std::size_t keysMax, std::chrono::seconds livesFor);

private:
    Keys read() const;
    std::filesystem::path folder_;
    Ambient& ambient_;
    const bool durable_;
    mutable std::mutex mutex_;
    std::shared_ptr<const Keys> keys_;
};

}
