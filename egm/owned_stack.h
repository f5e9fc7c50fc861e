#pragma once

#include <utility>
#include <vector>

namespace egm {

/// Owned things in the order of their acquisition; the destructor releases the last one first, which a plain vector
/// does not promise.
template <class T>
class OwnedStack {
public:
    OwnedStack() = default;
    OwnedStack(OwnedStack&&) noexcept = default;
    OwnedStack& operator=(OwnedStack&&) = delete;
    ~OwnedStack() {
        while (!items_.empty())
            items_.pop_back();
    }

    T& push(T item) { return items_.emplace_back(std::move(item)); }
    void pop() { items_.pop_back(); } ///< releases the last one. Precondition: there is one.
    const T& operator[](std::size_t i) const { return items_[i]; }
    std::size_t size() const { return items_.size(); }
    auto begin() const { return items_.begin(); }
    auto end() const { return items_.end(); }

private:
    std::vector<T> items_;
};

} // namespace egm
