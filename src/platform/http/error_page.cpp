#include "platform/http/error_page.hpp"

#include "platform/text/text.hpp"

namespace stratolet::http {
namespace {

std::string escaped(std::string_view text) {
    std::string safe;
    for (const char each : text) {
        switch (each) {
        case '<': safe += "&lt;"; break;
        case '>': safe += "&gt;"; break;
        case '&': safe += "&amp;"; break;
        case '"': safe += "&quot;"; break;
        case '\'': safe += "&#x27;"; break;
        default: safe += each;
        }
    }
    return safe;
}

}

Response errorPage(const Request& request, int status, std::string_view about) {
    const auto text = asUtf8(about);
    const auto accept = lowered(request.headers["Accept"]);
    const auto takes = [&](std::string_view type) { return accept.find(type) != std::string::npos; };
    const std::string title = std::to_string(status) + " " + std::string(reasonOf(status));

    if (takes("html") || takes("*/*"))
        return textResponse(status,
                            "<html>\n <head>\n  <title>" + title + "</title>\n </head>\n <body>\n  <h1>" + title +
                                "</h1>\n  " + escaped(text) + "<br /><br />\n\n\n </body>\n</html>",
                            "text/html; charset=UTF-8");
    if (takes("application/json"))
        return jsonResponse(status, [&](JsonWriter& out) {
            const auto body = out.object();
            out.field("message", text + "<br /><br />\n\n\n");
            out.field("code", title);
            out.field("title", reasonOf(status));
        });
    return textResponse(status, title + "\n\n" + text + "\n\n   ");
}

}
