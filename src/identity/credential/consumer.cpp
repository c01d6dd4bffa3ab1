#include "identity/credential/credential.hpp"
#include "identity/noun.hpp"
#include "identity/token/fernet.hpp"

// OS-OAUTH1: programs that ask for access in a user's name. Their registration only.

namespace stratolet::identity {

using namespace resource;

namespace {

struct Consumer {
    static constexpr std::string_view noun = "consumer", path = "OS-OAUTH1/consumers";
    std::string id;
    std::optional<std::string> description;
    std::string secret; ///< of one that is just being made: shown once
    std::string sealed; ///< the same as it is kept; not read back
    std::string extra = "{}";
};

const Table<Consumer> consumerTable(
    "consumers", 'c',
    {attribute<&Consumer::id>("id", Show), attribute<&Consumer::description>("description", Post | Put | Show | Find),
     derived<Consumer>("secret", Kind::Text, Show, [](const Consumer& it) -> store::Value { return it.sealed; })
         .written([](JsonWriter& out, const Consumer& it, const http::Request&) {
             if (!it.secret.empty()) out.field("secret", it.secret);
         }),
     extra<Consumer>(), links<Consumer>()});

}

void addConsumerRoutes(http::Routes& routes, Core& core) {
    addNoun<Consumer>(routes, core,
                      {.table = consumerTable,
                       .begin = [&core](const http::Request&, Consumer& consumer, const Json& body, bool creating) {
                           if (const auto secret = body.find("secret"))
                               secret->refuse(creating ? "It is chosen here, and shown once."
                                                       : "It cannot be changed.");
                           if (!creating) return;
                           consumer.id = core.parts.ambient.hexId();
                           consumer.secret = core.parts.ambient.secret(32);
                           consumer.sealed = core.sealing.seal(consumer.secret);
                       }});
}

}
