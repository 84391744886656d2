#include <understudy/base/wipe.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include <catch.hpp>

using namespace understudy::base;

TEST_CASE("a wiped text is empty and its memory zero") {
  std::string text(100, 'x');
  const char* memory = text.data();
  wipe(text);
  CHECK(text.empty());
  CHECK(std::all_of(memory, memory + 100, [](char c) { return c == '\0'; }));
}

TEST_CASE("the last pointer of a wiped object deletes it") {
  struct counted {
    explicit counted(int& n) : count{n} { ++count; }
    ~counted() { --count; }
    int& count;
  };
  int alive = 0;
  auto first = make_wiped<counted>(alive);
  auto second = first;
  first.reset();
  CHECK(alive == 1);
  second.reset();
  CHECK(alive == 0);
}

TEST_CASE("scopes nest, and everything that is freed in one can be freed") {
  const wipe_scope outer;
  {
    const wipe_scope inner;
    auto text = std::make_unique<std::string>(1000, 'x');
    std::vector<std::string> list(10, *text);
  }
  struct alignas(64) wide {
    char data[256];
  };
  auto aligned = std::make_unique<wide>();
  std::memset(aligned->data, 1, sizeof aligned->data);
  aligned.reset();
  wipe_stack();
  SUCCEED();
}
