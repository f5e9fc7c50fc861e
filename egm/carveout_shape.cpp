#include "egm/carveout_shape.h"

#include <algorithm>
#include <cassert>

namespace egm {
namespace {

constexpr DriverShape kShapes[] = {DriverShape::kA, DriverShape::kB,  DriverShape::kC,
                                   DriverShape::kD, DriverShape::kE1, DriverShape::kE2};

template <class Predicate>
bool all_of(ShapeSet shapes, Predicate holds) {
    assert(!shapes.empty());
    return std::all_of(std::begin(kShapes), std::end(kShapes),
                       [&](DriverShape shape) { return !shapes.contains(shape) || holds(traits(shape)); });
}

template <class Predicate>
bool any_of(ShapeSet shapes, Predicate holds) {
    return !all_of(shapes, [&](const ShapeTraits& shape) { return !holds(shape); });
}

bool has(const std::vector<std::string>& entries, std::string_view name) {
    return std::find(entries.begin(), entries.end(), name) != entries.end();
}

} // namespace

const ShapeTraits& traits(DriverShape shape) {
    static constexpr ShapeTraits kA{SecondOpen::kShared, false, false, true, false};
    static constexpr ShapeTraits kB{SecondOpen::kUnusable, false, false, false, false};
    static constexpr ShapeTraits kC{SecondOpen::kBusy, true, false, false, false};
    static constexpr ShapeTraits kD{SecondOpen::kBusy, true, false, false, true};
    static constexpr ShapeTraits kE1{SecondOpen::kShared, true, true, false, false};
    static constexpr ShapeTraits kE2{SecondOpen::kBusy, true, true, false, false};
    switch (shape) {
    case DriverShape::kA:
        return kA;
    case DriverShape::kB:
        return kB;
    case DriverShape::kC:
        return kC;
    case DriverShape::kD:
        return kD;
    case DriverShape::kE1:
        return kE1;
    case DriverShape::kE2:
        return kE2;
    }
    assert(false);
    return kE2;
}

std::string_view to_string(DriverShape shape) {
    static constexpr std::string_view kNames[] = {"A", "B", "C", "D", "E1", "E2"};
    return kNames[unsigned(shape)];
}

ShapeSet shapes_of(const std::vector<std::string>& entries) {
    if (has(entries, "gpu_devices"))
        return {DriverShape::kA};
    if (has(entries, "device"))
        return {DriverShape::kB, DriverShape::kC, DriverShape::kD};
    return kStandAloneShapes;
}

bool always_exclusive(ShapeSet shapes) {
    return all_of(shapes, [](const ShapeTraits& shape) { return shape.second_open == SecondOpen::kBusy; });
}

bool always_honours_offset(ShapeSet shapes) {
    return all_of(shapes, [](const ShapeTraits& shape) { return shape.offset_honoured; });
}

bool may_be_unusable_when_second(ShapeSet shapes) {
    return any_of(shapes, [](const ShapeTraits& shape) { return shape.second_open == SecondOpen::kUnusable; });
}

bool may_use_physical_position(ShapeSet shapes) {
    return any_of(shapes, [](const ShapeTraits& shape) { return shape.position_may_be_physical; });
}

bool may_export_dma_buf(ShapeSet shapes) {
    return any_of(shapes, [](const ShapeTraits& shape) { return shape.exports_dma_buf; });
}

std::string describe(ShapeSet shapes) {
    std::string names;
    for (const DriverShape shape : kShapes)
        if (shapes.contains(shape))
            names += (names.empty() ? "" : " or ") + std::string(to_string(shape));
    if (shapes == ShapeSet{DriverShape::kA})
        names += " (vendor, 2024)";
    else if (shapes == kStandAloneShapes)
        names += " (stand-alone, 2026)";
    return "driver of shape " + names;
}

} // namespace egm
