#pragma once

#include <string>

namespace stratolet::resource {

/// Whether what something says of itself meets an extra spec (a type's, a flavor's): "<is> True", ">= 5", "s== text",
/// "<or> a <or> b", "<in> part", or the very value (oslo.utils, specs_matcher; Cinder and Nova, extra_specs_ops).
bool meets(const std::string& capability, const std::string& spec);

}
