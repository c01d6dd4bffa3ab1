#include "platform/http/failures.hpp"

#include <cstdlib>

namespace stratolet::http {

int usualStatus(Failure failure) {
    switch (failure) {
    case Failure::Invalid: return 400;
    case Failure::Unauthenticated: return 401;
    case Failure::Forbidden: return 403;
    case Failure::NotFound: return 404;
    case Failure::Conflict: return 409;
    case Failure::OverLimit:
    case Failure::TooLarge: return 413;
    case Failure::Unsupported: return 415;
    case Failure::TimedOut: return 504;
    case Failure::Busy: return 503;
    case Failure::Full: return 507;
    case Failure::Broken: return 500;
    }
    std::abort();
}

Failure failureOf(int status) {
    switch (status) {
    case 400: return Failure::Invalid;
    case 401: return Failure::Unauthenticated;
    case 403: return Failure::Forbidden;
    case 404: return Failure::NotFound;
    case 409: return Failure::Conflict;
    case 413: return Failure::OverLimit;
    case 503: return Failure::Busy;
    default: return Failure::Broken;
    }
}

}
