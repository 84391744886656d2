#pragma once
#include "sim/ledger.hpp"
#include "sim/proxy.hpp"
#include "sim/scenario.hpp"

namespace sim {

/// The invariants of a whole run; what does not hold becomes a problem in the ledger.
void check(const scenario& plan, ledger& book, const remains& left, int wires_alive);

}  // namespace sim
