#include "translate/small_operation.hpp"

#include <charconv>

#include <understudy/base/ascii.hpp>

#include "translate/upstream_error.hpp"

namespace understudy::translate {
namespace {

std::optional<std::uint64_t> count_of(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || behind != end) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::uint64_t> count_member(std::string_view object, std::string_view name) {
  const auto found = codec::find_member(object, name);
  if (!found || found->kind != codec::json_kind::number) return std::nullopt;
  if (const auto whole = count_of(found->text)) return whole;
  // Cohere writes its counts as floating-point numbers.
  const auto dot = found->text.find(".0");
  return dot != std::string_view::npos && dot + 2 == found->text.size()
             ? count_of(found->text.substr(0, dot))
             : std::nullopt;
}

std::optional<std::uint64_t> count_field(const codec::response_head& head, std::string_view name) {
  return count_of(base::trim(head.fields.find(name).value_or("")));
}

bool is_readable(const codec::response_head& head) {
  return base::iequals(head.fields.find("content-encoding").value_or("identity"), "identity");
}

bool small_operation::refuse(std::string message, int status) {
  refusal_ = {status, std::move(message)};
  return false;
}

bool small_operation::lose(std::string_view name, std::string message) {
  return losses_.may_lose(name) || refuse(std::move(message));
}

std::string small_operation::broken(std::string_view what) {
  refuse("the upstream's answer holds no " + std::string{what}, 502);
  return {};
}

void small_operation::set_usage(std::optional<std::uint64_t> input,
                                std::optional<std::uint64_t> total) {
  usage_.input = input;
  usage_.total = total ? total : input;
}

base::result<upstream_request, refusal> small_operation::request(const request_view& original,
                                                                 const backend_view& backend) {
  model_ = backend.model_override.empty() ? original.model : backend.model_override;
  if (model_.empty()) return refusal{400, "invalid request body: `model` is missing"};
  // Dot segments would be resolved away and name another path.
  if (model_ == "." || model_ == "..") return refusal{400, "invalid request body: invalid `model`"};
  refusal malformed;
  const auto asked = request_object(original.body, malformed);
  if (!asked) return malformed;
  losses_ = loss_ledger{backend.may_drop};
  upstream_request out;
  // The answer is read here, so it must not come compressed.
  out.set = {{"content-type", "application/json"},
             {"accept", "application/json"},
             {"accept-encoding", "identity"}};
  if (!build(*asked, original, backend, out))
    return refusal{refusal_.status, "invalid request body: " + refusal_.message};
  out.dropped = losses_.take();
  return out;
}

response_plan small_operation::head(const codec::response_head& /*head*/, base::wall_time /*now*/) {
  return {body_mode::whole, {{"content-type", "application/json"}}};
}

base::result<reply, refusal> small_operation::whole(const codec::response_head& head,
                                                    std::string_view body) {
  reply out{head.status, {{"content-type", "application/json"}}, {}};
  if (!is_readable(head)) return refusal{502, "the upstream's answer is compressed unasked"};
  if (head.status < 200 || head.status >= 300) {
    out.body = error_answer(op_, head, body);
    return out;
  }
  if (codec::check_json(body)) return refusal{502, "the upstream's answer is no JSON"};
  out.body = answer(head, body);
  if (out.body.empty()) return refusal_;
  return out;
}

}  // namespace understudy::translate
