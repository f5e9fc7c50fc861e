#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>

#include "models/linux/host.h"

namespace models::linux {

/// Memory counted against RLIMIT_MEMLOCK for as long as this lives.
class Pin {
public:
    /// -ENOMEM when the limit does not allow it.
    static int take(Host& host, std::uint64_t bytes, std::shared_ptr<const Pin>& pin) {
        if (bytes > host.config.memlock_limit - host.pinned_bytes) {
            return -ENOMEM;
        }
        pin = std::make_shared<const Pin>(host, bytes);
        return 0;
    }

    Pin(Host& host, std::uint64_t bytes) : host_(host), bytes_(bytes) { host_.pinned_bytes += bytes_; }
    ~Pin() { host_.pinned_bytes -= bytes_; }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;

private:
    Host& host_;
    std::uint64_t bytes_;
};

} // namespace models::linux
