#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "appliance/sandbox/faults.hpp"
#include "platform/ambient/ambient.hpp"
#include "platform/store/store.hpp"

namespace stratolet {

/// A sandbox as it was: what it keeps in files lies below its state directory, the rest is here.
struct Snapshot {
    std::string id, name;
    Time created;
    std::chrono::microseconds ahead{0}; ///< of its clock
    std::vector<Fault> faults;
};

/// The snapshots of one sandbox, for as long as its process runs. Their files are below the state directory, in
/// "snapshots", and are what they were: a snapshot may be gone back to as often as one likes. What is configured to be
/// outside of that directory is no part of them. Any thread.
class Snapshots {
public:
    explicit Snapshots(const std::filesystem::path& stateDir);

    /// Removes what a process before has left there. Nobody else has the state directory.
    void clear() const;

    /// Who takes one holds this, from before the cloud stands still until it goes on.
    std::unique_lock<std::mutex> turn() { return std::unique_lock(turns_); }

    /// Copies the store and all files, while nobody changes either. Error(Full), Error(Broken), and nothing is left of
    /// it.
    void take(const Snapshot& snapshot, store::Store& store);

    std::vector<Snapshot> all() const;                 ///< oldest first
    Snapshot named(const std::string& idOrName) const; ///< the newest of that name; Error(NotFound)
    void remove(const std::string& idOrName);          ///< Error(NotFound)

    /// Makes a copy of its files ready to be put in their place. Error(Full), and nothing has changed.
    void prepare(const Snapshot& snapshot) const;

    /// What was prepared last is in the place of what is there. The cloud doesn't run.
    void bringBack() const;

private:
    std::filesystem::path placeOf(const Snapshot& snapshot) const { return folder_ / snapshot.id; }

    const std::filesystem::path stateDir_, folder_, coming_;
    std::mutex turns_;
    mutable std::mutex mutex_;
    std::vector<Snapshot> snapshots_;
};

}
