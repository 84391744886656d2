#pragma once
#include <string>
#include <string_view>
#include <utility>

#include <understudy/base/result.hpp>
#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/translator.hpp>

namespace understudy::proxy {

/// What is wrong with a body, in words for the client; status 400.
struct body_error {
  body_error() = default;
  explicit body_error(std::string text) : message{std::move(text)} {}
  std::string message;
};

/// What routing needs to know of a request's body: a JSON object or, for operations that upload a
/// file, a form (spec/gateway-config.md §2.1; `/v1/images/edits` takes either, as at OpenAI). Of an
/// operation that is only passed on, whatever can be read; its body may be anything.
base::result<codec::request_summary, body_error> summarize(translate::operation op,
                                                           std::string_view path,
                                                           std::string_view content_type,
                                                           std::string_view body);

}  // namespace understudy::proxy
