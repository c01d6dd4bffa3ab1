#pragma once

#include <string>

namespace stratolet::resource {

/// Whether what something says of itself meets what an extra spec asks of it: "<is> True", ">= 5", "s== text",
/// "<or> a <or> b", "<in> part", or the very value (Cinder and Nova, extra_specs_ops).
bool meets(const std::string& capability, const std::string& spec);

}
