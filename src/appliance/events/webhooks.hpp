#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/config/config.hpp"
#include "platform/parts.hpp"

namespace stratolet {

/// [events]
std::vector<ConfigOption> eventOptions();

/// The signature of a delivery as standardwebhooks.com has it: "v1," and the base64 of HMAC-SHA256 of
/// "ID.TIMESTAMP.BODY". `secret` is what the file says: bytes as they are, or "whsec_" and their base64. Error(Invalid)
/// where that is none.
std::string webhookSignature(const std::string& secret, const std::string& id, const std::string& timestamp,
                             const std::string& body);

/// Tells web addresses ([events] webhooks) of all events, in order, each at least once: POST {"events": […]} of up to
/// 100, signed where there is a secret. One that doesn't answer, or not with success, is told again, with pauses that
/// grow to five minutes, and delays no other. What each has had is in the store. A thread for each, from start() to
/// stop(). One that is new hears of what comes from now on.
class Webhooks {
public:
    explicit Webhooks(const Parts& parts); ///< Error(Invalid) where the secret can't be read
    ~Webhooks();

    void start();
    void stop();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Declares that events are kept for [events] keep_hours.
void declareEventPruning(const Parts& parts);

}
