#include "identity/directory/ldap.hpp"

#include <ldap.h>

#include <algorithm>

#include <stratolet/error.hpp>

#include "platform/os/fd.hpp"
#include "platform/text/text.hpp"

namespace stratolet::identity::ldap {
namespace {

void unbind(LDAP* handle) { ldap_unbind_ext_s(handle, nullptr, nullptr); }
void freeMessage(LDAPMessage* message) { ldap_msgfree(message); }
void freeText(char* text) { ldap_memfree(text); }
void freeCursor(BerElement* cursor) { ber_free(cursor, 0); }
void freeValues(berval** values) { ldap_value_free_len(values); }
void freeControls(LDAPControl** controls) { ldap_controls_free(controls); }
void freeControl(LDAPControl* control) { ldap_control_free(control); }

using Session = Handle<LDAP, unbind>;
using Message = Handle<LDAPMessage, freeMessage>;
using Text = Handle<char, freeText>;
using Cursor = Handle<BerElement, freeCursor>;
using Control = Handle<LDAPControl, freeControl>;

Entry entryFrom(LDAP* handle, LDAPMessage* message) {
    Entry entry;
    entry.dn = Text(ldap_get_dn(handle, message)).get();
    BerElement* started = nullptr;
    Text name(ldap_first_attribute(handle, message, &started));
    const Cursor cursor(started);
    for (; name; name.reset(ldap_next_attribute(handle, message, cursor.get()))) {
        const Handle<berval*, freeValues> values(ldap_get_values_len(handle, message, name.get()));
        auto& kept = entry.attributes[lowered(name.get())];
        for (auto** each = values.get(); each && *each; ++each) kept.emplace_back((*each)->bv_val, (*each)->bv_len);
    }
    return entry;
}

}

struct Connection::Impl {
    std::string url;
    timeval timeout = {};
    int pageSize = 0;
    Session handle;

    void expect(int code, std::string_view what) const {
        if (code != LDAP_SUCCESS)
            throw Error(Failure::Broken, "directory ", url, ": ", what, ": ", ldap_err2string(code));
    }
    void set(int option, const void* value, std::string_view what) const {
        expect(ldap_set_option(handle.get(), option, value), what);
    }

    void prepareTls(const DirectorySettings& settings) const {
        const auto& strictness = settings.at("tls_req_cert");
        const int require = strictness == "never"   ? LDAP_OPT_X_TLS_NEVER
                            : strictness == "allow" ? LDAP_OPT_X_TLS_ALLOW
                                                    : LDAP_OPT_X_TLS_DEMAND;
        set(LDAP_OPT_X_TLS_REQUIRE_CERT, &require, "tls_req_cert");
        if (const auto& file = settings.at("tls_cacertfile"); !file.empty())
            set(LDAP_OPT_X_TLS_CACERTFILE, file.c_str(), "tls_cacertfile");
        if (const auto& folder = settings.at("tls_cacertdir"); !folder.empty())
            set(LDAP_OPT_X_TLS_CACERTDIR, folder.c_str(), "tls_cacertdir");
        const int client = 0;
        set(LDAP_OPT_X_TLS_NEWCTX, &client, "TLS");
    }
};

std::string_view Entry::first(std::string_view attribute) const {
    const auto found = attributes.find(lowered(attribute));
    return found == attributes.end() || found->second.empty() ? std::string_view()
                                                              : std::string_view(found->second.front());
}

Connection::Connection(const DirectorySettings& settings) : impl_(std::make_unique<Impl>()) {
    impl_->url = settings.at("url");
    impl_->timeout.tv_sec = std::max(1L, std::atol(settings.at("connection_timeout").c_str()));
    impl_->pageSize = std::atoi(settings.at("page_size").c_str());
    LDAP* opened = nullptr;
    impl_->expect(ldap_initialize(&opened, impl_->url.c_str()), "the address is no LDAP address");
    impl_->handle.reset(opened);
    const int version = LDAP_VERSION3;
    impl_->set(LDAP_OPT_PROTOCOL_VERSION, &version, "version 3");
    impl_->set(LDAP_OPT_REFERRALS, LDAP_OPT_OFF, "referrals");
    impl_->set(LDAP_OPT_NETWORK_TIMEOUT, &impl_->timeout, "timeout");
    impl_->set(LDAP_OPT_TIMEOUT, &impl_->timeout, "timeout");
    const auto& tls = settings.at("use_tls");
    const bool starts = tls == "true" || tls == "True" || tls == "1";
    if (starts || impl_->url.starts_with("ldaps:")) impl_->prepareTls(settings);
    if (starts) impl_->expect(ldap_start_tls_s(opened, nullptr, nullptr), "start TLS");
}

Connection::~Connection() = default;

bool Connection::binds(const std::string& dn, const std::string& password) {
    if (password.empty()) return false;
    berval secret{password.size(), const_cast<char*>(password.data())}; // only read
    const int code =
        ldap_sasl_bind_s(impl_->handle.get(), dn.c_str(), LDAP_SASL_SIMPLE, &secret, nullptr, nullptr, nullptr);
    if (code == LDAP_INVALID_CREDENTIALS || code == LDAP_NO_SUCH_OBJECT || code == LDAP_INAPPROPRIATE_AUTH ||
        code == LDAP_INVALID_DN_SYNTAX || code == LDAP_UNWILLING_TO_PERFORM)
        return false;
    impl_->expect(code, "log in");
    return true;
}

std::vector<Entry> Connection::find(const Search& search) {
    std::vector<char*> attributes;
    for (const auto& each : search.attributes) attributes.push_back(const_cast<char*>(each.c_str())); // only read
    attributes.push_back(nullptr);
    std::vector<Entry> found;
    berval cookie{0, nullptr};
    const auto releaseCookie = [&] {
        if (cookie.bv_val) ber_memfree(cookie.bv_val);
        cookie = {0, nullptr};
    };
    for (bool more = true; more;) {
        more = false;
        LDAPControl* page = nullptr;
        if (impl_->pageSize > 0)
            impl_->expect(ldap_create_page_control(impl_->handle.get(), impl_->pageSize, &cookie, 0, &page),
                          "ask for a page");
        releaseCookie();
        const Control control(page);
        LDAPControl* controls[] = {page, nullptr};
        LDAPMessage* answered = nullptr;
        timeval timeout = impl_->timeout;
        const int code = ldap_search_ext_s(impl_->handle.get(), search.base.c_str(),
                                           search.subtree ? LDAP_SCOPE_SUBTREE : LDAP_SCOPE_ONELEVEL,
                                           search.filter.c_str(), attributes.data(), 0, page ? controls : nullptr,
                                           nullptr, &timeout, LDAP_NO_LIMIT, &answered);
        const Message message(answered);
        impl_->expect(code, "search " + search.base);
        for (auto* each = ldap_first_entry(impl_->handle.get(), answered); each;
             each = ldap_next_entry(impl_->handle.get(), each))
            found.push_back(entryFrom(impl_->handle.get(), each));
        if (!page) break;
        LDAPControl** returned = nullptr;
        int result = 0;
        impl_->expect(
            ldap_parse_result(impl_->handle.get(), answered, &result, nullptr, nullptr, nullptr, &returned, 0),
            "read a page");
        const Handle<LDAPControl*, freeControls> all(returned);
        if (auto* paged = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, returned, nullptr)) {
            ber_int_t estimated = 0;
            impl_->expect(ldap_parse_pageresponse_control(impl_->handle.get(), paged, &estimated, &cookie),
                          "read a page");
            more = cookie.bv_len > 0;
        }
    }
    releaseCookie();
    return found;
}

std::string inFilter(std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string escaped;
    for (const char each : text) {
        const auto byte = static_cast<unsigned char>(each);
        if (each == '*' || each == '(' || each == ')' || each == '\\' || byte < 0x20)
            escaped.append(1, '\\').append(1, hex[byte >> 4]).append(1, hex[byte & 15]);
        else
            escaped += each;
    }
    return escaped;
}

std::string comparable(std::string_view dn) {
    std::string result;
    for (const char each : lowered(dn)) {
        const bool separates = each == ',' || each == '=' || each == '+';
        if (separates)
            while (!result.empty() && result.back() == ' ') result.pop_back();
        const bool afterSeparator =
            !result.empty() && (result.back() == ',' || result.back() == '=' || result.back() == '+');
        if (each == ' ' && (result.empty() || afterSeparator)) continue;
        result += each;
    }
    return result;
}

}
