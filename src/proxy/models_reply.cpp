#include <algorithm>
#include <charconv>

#include <understudy/codec/json_scan.hpp>
#include <understudy/codec/text.hpp>
#include <understudy/proxy/local_reply.hpp>
#include <understudy/proxy/router.hpp>

namespace understudy::proxy {
namespace {

constexpr std::string_view openai_path = "/v1/models";
constexpr std::string_view anthropic_path = "/anthropic/v1/models";

/// 0: not of this host; larger: more specific. A wildcard stands for exactly one label here.
std::size_t specificity(const plan::model_entry& model, std::string_view host) {
  std::size_t best = 0;
  for (const auto& pattern : model.hostnames) {
    if (!hostname_matches(pattern, host)) continue;
    if (!pattern.starts_with("*.")) return ~std::size_t{0};
    const auto label = host.substr(0, host.size() - (pattern.size() - 1));
    if (label.find('.') == label.npos) best = std::max(best, pattern.size());
  }
  return best;
}

std::vector<const plan::model_entry*> models_of_host(const plan::plan& plan,
                                                     std::string_view host) {
  std::vector<const plan::model_entry*> listed;
  std::size_t best = 0;
  for (const auto& m : plan.models) best = std::max(best, specificity(m, host));
  for (const auto& m : plan.models)
    if (best != 0 && specificity(m, host) == best) listed.push_back(&m);
  for (const auto& m : plan.models)
    if (m.hostnames.empty()) listed.push_back(&m);
  return listed;
}

void append_model(std::string& out, const plan::model_entry& model, bool is_anthropic) {
  out += R"({"id":)";
  codec::append_json_string(out, model.id);
  if (is_anthropic) {
    out += R"(,"type":"model","display_name":)";
    codec::append_json_string(out, model.id);
    const base::wall_time created{std::chrono::seconds{model.created}};
    out.append(R"(,"created_at":")").append(codec::rfc3339(created)).append("\"}");
  } else {
    out.append(R"(,"created":)").append(std::to_string(model.created));
    out += R"(,"object":"model","owned_by":)";
    codec::append_json_string(out, model.owned_by);
    out += '}';
  }
}

local_reply list_reply(const std::vector<const plan::model_entry*>& listed, bool is_anthropic) {
  local_reply reply;
  reply.status = 200;
  reply.details = "models";
  std::string& out = reply.body;
  out = R"({"data":[)";
  for (const auto* m : listed) {
    if (m != listed.front()) out += ',';
    append_model(out, *m, is_anthropic);
  }
  out += ']';
  if (is_anthropic) {
    out += R"(,"has_more":false)";
    if (!listed.empty()) {
      out += R"(,"first_id":)";
      codec::append_json_string(out, listed.front()->id);
      out += R"(,"last_id":)";
      codec::append_json_string(out, listed.back()->id);
    }
  } else {
    out += R"(,"object":"list")";
  }
  out += '}';
  return reply;
}

/// What is no escape stays as it is.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const auto digits = text.substr(i + 1, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    const bool is_escape = text[i] == '%' && digits.size() == 2 && error == std::errc{} &&
                           end == digits.data() + digits.size();
    out.push_back(is_escape ? static_cast<char>(byte) : text[i]);
    if (is_escape) i += 2;
  }
  return out;
}

local_reply one_reply(const std::vector<const plan::model_entry*>& listed, std::string_view id,
                      bool is_anthropic) {
  const auto found = std::ranges::find(listed, id, [](const auto* m) { return m->id; });
  if (found == listed.end())
    return error_reply(
        is_anthropic ? translate::operation::anthropic_other : translate::operation::openai_other,
        404, "model_not_found",
        "the model `" + std::string{id.substr(0, 200)} + "` is not configured in this gateway",
        "models");
  local_reply reply;
  reply.status = 200;
  reply.details = "models";
  append_model(reply.body, **found, is_anthropic);
  return reply;
}

}  // namespace

std::optional<local_reply> models_reply(const plan::plan& plan, std::string_view host,
                                        std::string_view path) {
  const bool is_anthropic = path.starts_with(anthropic_path);
  if (!is_anthropic && !path.starts_with(openai_path)) return std::nullopt;
  path.remove_prefix(is_anthropic ? anthropic_path.size() : openai_path.size());
  if (!path.empty() && path.front() != '/') return std::nullopt;
  const auto listed = models_of_host(plan, without_port(host));
  if (path.size() < 2) return list_reply(listed, is_anthropic);
  return one_reply(listed, percent_decoded(path.substr(1)), is_anthropic);
}

}  // namespace understudy::proxy
