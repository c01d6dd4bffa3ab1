#pragma once

#include <stratolet/ids.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "network/core.hpp"
#include "network/l2/port.hpp"

namespace stratolet::network {

inline constexpr std::string_view subportOwner = "trunk:subport"; ///< whose a port is while it is in a trunk

using TrunkId = Id<struct TrunkTag>;

/// A port whose frames, tagged, are those of another one, the trunk's parent.
struct Subport {
    PortId port;
    TrunkId trunk;
    std::string type = "vlan";
    int number = 0;  ///< VLAN id
    std::string mac; ///< of the port; only read
};

/// A trunk as it is kept.
struct Trunk {
    TrunkId id;
    Standard standard;
    bool adminUp = true;
    PortId port;                 ///< the parent
    std::string status = "DOWN"; ///< of what the host has made of it
    std::vector<Subport> subports;
};

extern const resource::Table<Trunk> trunkTable; ///< alias k; read with its sub-ports, written without

/// Of these parents; those that are none are missing.
std::map<std::string, Trunk> trunksOnPorts(store::Reader& db, const Texts& ports);

/// What a port's frames go through where it is a sub-port of a trunk that is up; nothing where it is none.
struct TrunkPlace {
    PortId parent;
    int number = 0;
    std::string host; ///< that the parent is bound to
};
std::optional<TrunkPlace> trunkPlaceOf(store::Reader& db, const PortId& port);

/// Ports whose way the port is.
std::vector<PortId> subportsOver(store::Reader& db, const PortId& parent);

/// The port is a parent or a sub-port.
bool isInTrunk(store::Reader& db, const PortId& port);

/// Error(Conflict) where the port is in a trunk, so that it can't go.
void checkNotInTrunk(store::Reader& db, const PortId& port);

/// Writes the field "trunk_details" of a port that is a parent.
void writeTrunkDetails(JsonWriter& out, const Trunk& trunk);

/// A port that is to be in a trunk.
struct WantedSubport {
    PortId port;
    std::optional<int> number; ///< VLAN id; nothing: that of its own network
};

// What bodies say of them; Error(Invalid) by the attribute's name.
std::vector<WantedSubport> subportsIn(const Body& body);    ///< of a new trunk
std::vector<WantedSubport> subportsToAdd(const Json& body); ///< of an action
std::vector<PortId> subportsToTake(const Json& body);       ///< of an action

/// The rules of trunks. Used on the writer's thread; owned by the module.
class Trunks {
public:
    Trunks(Core& core, Ports& ports) : core_(core), ports_(ports) {}

    Trunk create(store::Transaction& tx, const identity::Caller& caller, const Body& body);
    Trunk update(store::Transaction& tx, Trunk trunk, const Body& body);
    void remove(store::Transaction& tx, const Trunk& trunk);
    Trunk add(store::Transaction& tx, const identity::Caller& caller, Trunk trunk,
              const std::vector<WantedSubport>& wanted);
    Trunk take(store::Transaction& tx, Trunk trunk, const std::vector<PortId>& ports);

    Core& core() { return core_; }

private:
    std::vector<Subport> checked(store::Reader& db, const identity::Caller& caller, const Trunk& trunk,
                                 const std::vector<WantedSubport>& wanted);
    void insert(store::Transaction& tx, const Trunk& trunk, const std::vector<Subport>& subports);
    void letGo(store::Transaction& tx, const Subport& subport);
    void changed(store::Transaction& tx, const Trunk& trunk);

    Core& core_;
    Ports& ports_;
};

void addTrunkRoutes(http::Routes& routes, Trunks& trunks);

}
