#pragma once

#include <memory>

#include <stratolet/driver/hypervisor.hpp>

namespace stratolet::compute {

/// The screens and serial ports of guests that run nothing: a screen is a small black one that shows itself to any VNC
/// client, a serial port says back what it is told. One thread, from the first that is asked for.
class SimulatedConsoles {
public:
    SimulatedConsoles();
    ~SimulatedConsoles();

    Endpoint screen(); ///< on the loopback; the same for all
    std::unique_ptr<ByteStream> serial();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}
