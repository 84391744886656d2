#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/ascii.hpp>

/// Plain HTTP/1.1 heads. The views point into the connection's read buffer and live as long as
/// the exchange that read them.
namespace understudy::codec {

struct field {
  std::string_view name;
  std::string_view value;
};

/// Header fields in the order received. Names compare case-insensitively.
class field_list {
 public:
  void add(std::string_view name, std::string_view value) {
    items_.push_back({name, value});
    is_checked_ = false;
  }
  void clear() {
    items_.clear();
    is_checked_ = false;
  }
  /// Names and values are known to be well-formed; good until add() or clear().
  void mark_checked() { is_checked_ = true; }
  bool is_checked() const { return is_checked_; }
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

  /// The first field of that name, or nothing.
  std::optional<std::string_view> find(std::string_view name) const {
    for (const auto& f : items_)
      if (base::iequals(f.name, name)) return f.value;
    return std::nullopt;
  }
  std::size_t count(std::string_view name) const {
    std::size_t n = 0;
    for (const auto& f : items_) n += base::iequals(f.name, name) ? 1U : 0U;
    return n;
  }

 private:
  std::vector<field> items_;
  bool is_checked_ = false;
};

struct request_head {
  std::string_view method;
  std::string_view target;
  int version = 11;  ///< 10 or 11
  field_list fields;
};

struct response_head {
  int status = 0;
  std::string_view reason;
  int version = 11;
  field_list fields;
};

/// A field that owns its text, for heads that we make.
struct owned_field {
  std::string name;
  std::string value;
  bool operator==(const owned_field&) const = default;
};

}  // namespace understudy::codec
