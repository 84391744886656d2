#pragma once
#include <string_view>
#include <utility>

namespace understudy::config {

/// Where something was written. `file` points into `documents::files` and lives as long as it.
struct position {
  std::string_view file;
  int line = 0;    ///< from 1; 0: nowhere
  int column = 0;  ///< from 1
};

/// A field with its place. The initial value is the CRD's default.
template <class T>
struct located {
  T value{};
  position at;
  bool is_written = false;

  located() = default;
  located(T initial) : value(std::move(initial)) {}  // NOLINT: a default reads as an assignment
};

}  // namespace understudy::config
