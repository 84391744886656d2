#pragma once
// Debian 12 has Catch2 2.13, the others 3: one name for both.
#if UNDERSTUDY_CATCH2 >= 3
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
