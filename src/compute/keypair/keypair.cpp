#include "compute/keypair/keypair.hpp"

namespace stratolet::compute {
namespace {

using enum resource::Use;

void null(JsonWriter& out, const Keypair&) { out.value(nullptr); }

}

const std::vector<Line<Keypair>>& keypairLines() {
    static const std::vector<Line<Keypair>> lines{
        line<&Keypair::name>("name", Show, "name").inBrief(),
        line<&Keypair::publicKey>("public_key", Show, "public_key").inBrief(),
        line<&Keypair::fingerprint>("fingerprint", Show, "fingerprint").inBrief(),
        line<&Keypair::type>("type", Show, "type").inBrief().since(2),
        line<&Keypair::user>("user_id", Show, "user"),
        {resource::attribute<&Keypair::number>("id", Show).computed("$.number")}, // the store counts them
        {resource::attribute<&Keypair::created>("created_at", Show)
             .in("created")
             .shown([](JsonWriter& out, const Keypair& keypair) { out.value(isoTime(keypair.created, true, "")); })},
        computedLine<Keypair>("updated_at", Show, null), // nothing changes one
        computedLine<Keypair>("deleted_at", Show, null),
        computedLine<Keypair>("deleted", Show, [](JsonWriter& out, const Keypair&) { out.value(false); })};
    return lines;
}

}
