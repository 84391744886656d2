#pragma once
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace understudy::base {

/// Value or error, used everywhere pure; no exceptions on the data plane.
template <class T, class E = boost::system::error_code>
using result = boost::system::result<T, E>;

}  // namespace understudy::base
