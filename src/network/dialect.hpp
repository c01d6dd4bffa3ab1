#pragma once

#include "resource/dialect.hpp"

namespace stratolet::network {

/// How the network API's plain resources speak: envelopes by noun, filters by every attribute with a column and an
/// error for any other,
/// "<plural>_links", attributes that have rules of their own ("create_network:shared"), revisions in If-Match.
const resource::Dialect& dialect();

}
