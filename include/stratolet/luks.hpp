#pragma once

#include <stratolet/sizes.hpp>

namespace stratolet {

/// What the header of a LUKS disk takes: QEMU's, with its eight key slots. The guest sees that much less than there is.
constexpr Bytes luksHeaderBytes{2068480};

}
