#pragma once

namespace sim {

/// How exactly traffic is worked out (docs/fidelity.md).
enum class Fidelity {
    kTransaction, ///< every burst, in time order
    kFluid,       ///< max-min fair rates over what each stream costs
    kBound,       ///< what no run may exceed
    kAll,         ///< the transaction level, and beside it what the other two say
};

inline const char* to_string(Fidelity fidelity) {
    switch (fidelity) {
    case Fidelity::kTransaction:
        return "transaction";
    case Fidelity::kFluid:
        return "fluid";
    case Fidelity::kBound:
        return "bound";
    case Fidelity::kAll:
        return "all";
    }
    return "";
}

} // namespace sim
