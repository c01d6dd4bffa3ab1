#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compute/aggregate/aggregate.hpp"
#include "platform/store/store.hpp"

// SQL of aggregates, and nothing else.

namespace stratolet::compute::aggregate_table {

std::vector<Aggregate> all(store::Reader& db); ///< in the order in which they were made
std::optional<Aggregate> find(store::Reader& db, std::int64_t number);
bool named(store::Reader& db, const std::string& name, std::int64_t except);
std::int64_t insert(store::Transaction& tx, const Aggregate& aggregate); ///< its number
void rename(store::Transaction& tx, const Aggregate& aggregate);         ///< and when it was changed
void remove(store::Transaction& tx, std::int64_t number);
void addHost(store::Transaction& tx, std::int64_t number, const std::string& host);
void removeHost(store::Transaction& tx, std::int64_t number, const std::string& host);
void setMetadata(store::Transaction& tx, std::int64_t number, const std::string& name, const std::string& value);
void removeMetadata(store::Transaction& tx, std::int64_t number, const std::string& name);

/// What is said of each host: the metadata of every aggregate that it is in.
std::map<std::string, std::vector<std::map<std::string, std::string>>> metadataByHost(store::Reader& db);

/// The zone that some other aggregate says this host is in.
std::optional<std::string> otherZoneOf(store::Reader& db, const std::string& host, std::int64_t except);

}
