#pragma once

#include <stratolet/error.hpp>

#include <cstdlib>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string>
#include <string_view>

#include "platform/os/fd.hpp"

// What every caller of libvirt needs. For the drivers in this folder alone.
namespace stratolet::compute::libvirt {

inline void freeDomain(virDomainPtr domain) { virDomainFree(domain); }
using Domain = Handle<virDomain, freeDomain>;

/// libvirt's own word for what went wrong last on this thread; the next call to it forgets that.
using Trouble = Handle<virError, virFreeError>;
inline Trouble trouble() { return Trouble(virSaveLastError()); }

[[noreturn]] inline void fail(std::string_view doing, const Trouble& last = trouble()) {
    throw Error(last && last->code == VIR_ERR_OPERATION_TIMEOUT ? Failure::TimedOut : Failure::Broken, "could not ",
                doing, ": ", last && last->message ? last->message : "libvirt gives no reason");
}

template <class Result> Result checked(Result result, std::string_view doing) {
    if (result < 0) fail(doing);
    return result;
}

inline int lastCode() {
    const virErrorPtr last = virGetLastError();
    return last ? last->code : VIR_ERR_OK;
}

inline std::string taken(char* text, std::string_view doing) {
    if (!text) fail(doing);
    const Handle<char, free> owner(text);
    return text;
}

inline std::string descriptionOf(virDomainPtr domain, unsigned flags) {
    return taken(virDomainGetXMLDesc(domain, flags), "read a guest's description");
}

}
