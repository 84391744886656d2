#include <understudy/admin/answer.hpp>

#include <openssl/crypto.h>

#include <charconv>
#include <optional>

#include <understudy/admin/requests.hpp>
#include <understudy/base/ascii.hpp>
#include <understudy/telemetry/exposition.hpp>
#include <understudy/telemetry/text.hpp>

#include "admin/page.hpp"
#include "admin/uri.hpp"

namespace understudy::admin {
namespace {

constexpr std::size_t max_target_bytes = 2'048;

reply problem(int status, std::string_view message) {
  reply out;
  out.status = status;
  out.body = R"({"error":{"message":)";
  telemetry::append_json(out.body, message);
  out.body += "}}\n";
  return out;
}

reply text_reply(int status, std::string_view body) {
  reply out;
  out.status = status;
  out.content_type = "text/plain; charset=utf-8";
  out.body = body;
  return out;
}

reply json_reply(std::string body) {
  reply out;
  out.body = std::move(body);
  if (!out.body.ends_with('\n')) out.body += '\n';
  return out;
}

reply page(int status) {
  reply out;
  out.status = status;
  out.content_type = "text/html; charset=utf-8";
  out.body = page_html;
  out.content_security_policy = page_policy();
  return out;
}

reply wrong_method(std::string_view allowed) {
  auto out = problem(405, "use " + std::string{allowed});
  out.allow = allowed;
  return out;
}

/// Takes the part behind the last slash off.
std::string_view take_last(std::string_view& path) {
  const auto slash = path.rfind('/');
  const auto last = slash == std::string_view::npos ? path : path.substr(slash + 1);
  path = slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
  return last;
}

/// `ROUTE/BACKEND/ADDRESS/eject|uneject`; the route's name has slashes of its own, the other
/// parts have theirs percent-encoded.
reply endpoint_action(std::string_view path, const hooks& h) {
  const auto action = take_last(path);
  const auto address = percent_decoded(take_last(path));
  const auto backend = percent_decoded(take_last(path));
  const auto route = percent_decoded(path);
  const bool is_eject = action == "eject";
  if ((!is_eject && action != "uneject") || !address || !backend || !route || address->empty() ||
      backend->empty() || route->empty() || !h.set_ejected)
    return problem(404, "the path is /endpoints/ROUTE/BACKEND/ADDRESS/eject or …/uneject");
  if (!h.set_ejected(*route, *backend, *address, is_eject))
    return problem(404, "no such endpoint; /status lists them");
  return json_reply(is_eject ? R"({"ejected":true})" : R"({"ejected":false})");
}

reply reload(const hooks& h) {
  const auto result = h.reload();
  std::string body =
      result.is_accepted ? R"({"accepted":true,"findings":[)" : R"({"accepted":false,"findings":[)";
  std::string_view rest = result.findings;
  bool is_begun = false;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    if (line.empty()) continue;
    if (is_begun) body += ',';
    telemetry::append_json(body, line, 4'000);
    is_begun = true;
  }
  auto out = json_reply(body + "]}");
  out.status = result.is_accepted ? 200 : 422;
  return out;
}

reply events(const request& r, const hooks& h) {
  if (h.events == nullptr) return problem(404, "no such path");
  reply out;
  out.is_event_stream = r.method == "GET";
  out.content_type = "text/event-stream";
  const char* end = r.last_event_id.data() + r.last_event_id.size();
  if (std::from_chars(r.last_event_id.data(), end, out.events_after).ec != std::errc{})
    out.events_after = 0;
  return out;
}

reply metrics(const request& r, const hooks& h) {
  const bool is_openmetrics = telemetry::exposition::is_openmetrics_wanted(r.accept);
  auto out = text_reply(200, h.metrics(is_openmetrics));
  out.content_type = telemetry::exposition::content_type(is_openmetrics);
  return out;
}

reply requests(std::string_view query, const hooks& h) {
  const auto filter = parse_filter(query);
  if (!filter) return problem(400, filter.error().message);
  return json_reply(requests_json(h.stories(*filter), h.kept_stories));
}

reply request_named(std::string_view path, const hooks& h) {
  const auto id = percent_decoded(path);
  const auto found = id ? h.story(*id) : std::nullopt;
  if (!found)
    return problem(404, "no such request among the last " + std::to_string(h.kept_stories) +
                            " that have ended; /requests lists them");
  return json_reply(story_json(*found));
}

reply readiness(const hooks& h) {
  return !h.is_ready || h.is_ready() ? text_reply(200, "ready\n") : text_reply(503, "not ready\n");
}

std::string_view query_of(const request& r) {
  const auto mark = r.target.find('?');
  return mark == std::string_view::npos ? std::string_view{} : r.target.substr(mark + 1);
}

reply get(std::string_view path, const request& r, const hooks& h) {
  constexpr std::string_view one_request = "/requests/";
  if (path == "/") return page(200);
  if (base::is_one_of(path, {"/health", "/healthz", "/livez"})) return text_reply(200, "ok\n");
  if (base::is_one_of(path, {"/ready", "/readyz"})) return readiness(h);
  if (path == "/metrics" && h.metrics) return metrics(r, h);
  if (path == "/status" && h.status_json) return json_reply(h.status_json());
  if (path == "/config" && h.config_json) return json_reply(h.config_json());
  if (path == "/events") return events(r, h);
  if (path == "/requests" && h.stories) return requests(query_of(r), h);
  if (path.starts_with(one_request) && h.story)
    return request_named(path.substr(one_request.size()), h);
  return problem(404, "no such path");
}

reply post(std::string_view path, const hooks& h) {
  constexpr std::string_view endpoints = "/endpoints/";
  if (path.starts_with(endpoints)) return endpoint_action(path.substr(endpoints.size()), h);
  if (path == "/reload" && h.reload) return reload(h);
  if (path == "/drain" && h.drain) {
    h.drain();
    auto out = json_reply(R"({"draining":true})");
    out.status = 202;
    return out;
  }
  return problem(404, "no such path");
}

/// `eject default/r/b/127.0.0.1:1`, `drain`: the action and on what, as the path has it.
audit_entry audit_of(const request& r, std::string_view path, const reply& out) {
  audit_entry entry;
  entry.client = r.client;
  entry.status = out.status;
  entry.action = take_last(path);
  constexpr std::string_view endpoints = "/endpoints/";
  if (path.starts_with(endpoints))
    entry.target = percent_decoded(path.substr(endpoints.size())).value_or("");
  return entry;
}

bool is_action(std::string_view path) {
  return path == "/drain" || path == "/reload" || path.starts_with("/endpoints/");
}

/// Probes and scrapers come by any name and are told nothing that a page could use.
bool is_open_to_any_name(std::string_view path) {
  return base::is_one_of(path, {"/health", "/healthz", "/livez", "/ready", "/readyz", "/metrics"});
}

bool has_token(const request& r, std::string_view token) {
  constexpr std::string_view scheme = "bearer ";
  return base::istarts_with(r.authorization, scheme) &&
         is_same_secret(base::trim(r.authorization.substr(scheme.size())), token);
}

/// A browser says where a request comes from; others don't, and may.
bool is_from_another_site(const request& r) {
  if (!r.fetch_site.empty() && r.fetch_site != "same-origin" && r.fetch_site != "none") return true;
  return !r.origin.empty() && r.origin != "http://" + std::string{r.host} &&
         r.origin != "https://" + std::string{r.host};
}

}  // namespace

bool is_same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_local_name(std::string_view host) {
  if (host.starts_with('[')) return host.find(']') != std::string_view::npos;
  host = host.substr(0, host.find(':'));
  if (base::iequals(host, "localhost") ||
      (host.size() > 10 && base::iequals(host.substr(host.size() - 10), ".localhost")))
    return true;
  // No top-level domain is a number, so a name of digits and dots is an address.
  return !host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

namespace {

reply answer_unaudited(const request& r, std::string_view token, const hooks& h) {
  if (r.target.size() > max_target_bytes) return problem(414, "the path is too long");
  const auto path = r.target.substr(0, r.target.find('?'));
  if (!token.empty() && !has_token(r, token)) {
    // The page asks for the token; all it shows comes from requests that carry it.
    if (path == "/" && r.method == "GET") return page(401);
    return problem(401, "this listener wants `authorization: Bearer` with the --admin-token");
  }
  if (token.empty() && !is_open_to_any_name(path) && !is_local_name(r.host))
    return problem(403, "ask by address or as localhost, or set --admin-token");
  const bool is_read = r.method == "GET" || r.method == "HEAD";
  if (is_action(path)) {
    if (r.method != "POST") return wrong_method("POST");
    if (is_from_another_site(r)) return problem(403, "asked for by a page of another site");
    return post(path, h);
  }
  if (is_read) return get(path, r, h);
  const bool is_known = path == "/" || is_open_to_any_name(path) ||
                        base::is_one_of(path, {"/status", "/config", "/events", "/requests"}) ||
                        path.starts_with("/requests/");
  return is_known ? wrong_method("GET, HEAD") : problem(404, "no such path");
}

}  // namespace

reply answer(const request& r, std::string_view token, const hooks& h) {
  auto out = answer_unaudited(r, token, h);
  const auto path = r.target.substr(0, r.target.find('?'));
  if (h.audit && r.method == "POST" && is_action(path) && r.target.size() <= max_target_bytes)
    h.audit(audit_of(r, path, out));
  return out;
}

}  // namespace understudy::admin
