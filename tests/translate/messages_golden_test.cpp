#include "catch.hpp"
#include "golden_pair.hpp"

namespace understudy::translate {
namespace {

TEST_CASE("messages over OpenAI chat", "[golden]") {
  translate_test::check_golden_pair({operation::messages,
                                     schema::openai,
                                     "messages/openai",
                                     "/anthropic/v1/messages",
                                     "",
                                     "text/event-stream",
                                     {}},
                                    60);
}

}  // namespace
}  // namespace understudy::translate
