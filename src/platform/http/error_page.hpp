#pragma once

#include <string_view>

#include "platform/http/http.hpp"

namespace stratolet::http {

/// A refusal outside of any service's envelope, in the form that the client's Accept asks for: a page where it takes
/// HTML or anything,
/// {"message", "code", "title"} where it takes JSON, else plain text.
Response errorPage(const Request& request, int status, std::string_view text);

}
