#pragma once

#include <stratolet/ids.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/store/store.hpp"

// What a server's owner has told its guest besides metadata: files, and which interface is which.

namespace stratolet::compute {

/// SQL of the files that a guest finds by its metadata.
struct FileTable {
    static void add(store::Transaction& tx, const ServerId& server, const std::string& path,
                    const std::string& content);
    static std::vector<std::pair<std::string, std::string>> of(store::Reader& db, const ServerId& server);
    static void removeAll(store::Transaction& tx, const ServerId& server);
};

/// SQL of the tags of servers' interfaces, by port.
struct NicTable {
    static void setTag(store::Transaction& tx, const PortId& port, const std::optional<std::string>& tag);
    static std::map<std::string, std::string> of(store::Reader& db, const std::vector<std::string>& ports);
    static void remove(store::Transaction& tx, const PortId& port);
};

/// All of it, for one server.
struct Injected {
    std::vector<std::pair<std::string, std::string>> files; ///< path, content
    std::map<std::string, std::string> nicTags;             ///< by port
};
Injected injectedOf(store::Reader& db, const ServerId& server, const std::vector<std::string>& ports);

}
