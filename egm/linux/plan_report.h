#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "egm/tray_plan.h"

namespace egm {

/// The plan as tables for people.
std::string plan_text(const TrayPlan& plan);

/// Adds the plan to a JSON document: sizes in bytes, addresses as numbers. docs/egmctl.md lists its keys.
void add_plan(nlohmann::ordered_json& json, const TrayPlan& plan);

} // namespace egm
