#pragma once

#include <string>
#include <string_view>

namespace stratolet::compute {

/// Error(Invalid) naming the extra spec where its namespace is one of ours ("hw:", "quota:", "trait:", …) and there is
/// no such name in it, or where its value is none for that name. Other namespaces are their owners' matter. As the API
/// has it since 2.86.
void requireValidSpec(std::string_view name, std::string_view value);

/// One of the traits that every cloud knows by the same name ("HW_CPU_X86_AVX").
bool isStandardTrait(std::string_view name);

}
