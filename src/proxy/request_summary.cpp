#include <understudy/proxy/request_summary.hpp>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/multipart.hpp>

namespace understudy::proxy {
namespace {

using codec::request_summary;
using translate::operation;

using summary_result = base::result<request_summary, body_error>;

/// Of an operation that takes forms: what it can't do without.
struct form_rules {
  std::string_view file;  ///< `file` or `image`; empty: takes no form
  bool needs_model = false;
  bool takes_json = false;
};

/// The images' `model` may be left to the provider, which has a default.
form_rules rules_of(operation op) {
  switch (op) {
    case operation::audio_transcriptions:
    case operation::audio_translations:
      return {"file", true, false};
    case operation::image_edits:
      return {"image", false, true};
    case operation::image_variations:
      return {"image", false, false};
    default:
      return {};
  }
}

/// Several images are a list: `image[]`.
bool is_named(std::string_view name, std::string_view wanted) {
  return name == wanted ||
         (name.size() == wanted.size() + 2 && name.starts_with(wanted) && name.ends_with("[]"));
}

struct form_contents {
  request_summary summary;
  bool has_file = false;
};

base::result<form_contents, std::string> read_form(std::string_view content_type,
                                                   std::string_view body, std::string_view file) {
  const auto boundary = codec::form_boundary(content_type);
  if (!boundary) return std::string{boundary.error().reason};
  form_contents out;
  bool has_stream = false;
  codec::form_reader reader{body, *boundary};
  while (reader.next()) {
    const auto& part = reader.part();
    const bool is_model = part.name == "model";
    if (is_model || part.name == "stream") {
      const std::string name{part.name};
      if (!part.is_text) return "the form's `" + name + "` is not plain text";
      if (is_model ? out.summary.has_model : has_stream)
        return "the form has more than one `" + name + "`";
      if (is_model) {
        if (!codec::is_utf8(part.body)) return std::string{"`model` is not valid UTF-8"};
        out.summary.has_model = true;
        out.summary.model = part.body;
      } else {
        has_stream = true;
        out.summary.stream = base::iequals(part.body, "true");
      }
    } else if (!file.empty() && is_named(part.name, file)) {
      out.has_file = true;
    }
  }
  if (reader.failure()) return std::string{reader.failure()->reason};
  return out;
}

summary_result summarize_form(const form_rules& rules, std::string_view path,
                              std::string_view content_type, std::string_view body) {
  auto form = read_form(content_type, body, rules.file);
  if (!form)
    return body_error{"the body is not the form (multipart/form-data) that " + std::string{path} +
                      " takes: " + form.error()};
  if (rules.needs_model && form->summary.model.empty())
    return body_error{"the form has no `model`"};
  if (!form->has_file) return body_error{"the form has no `" + std::string{rules.file} + "`"};
  return std::move(form->summary);
}

/// A member of an unexpected type is as if absent, and so is all of what is no JSON.
request_summary summarize_anything(std::string_view content_type, std::string_view body) {
  request_summary out;
  if (codec::is_multipart_form(content_type)) {
    if (auto form = read_form(content_type, body, {})) out = std::move(form->summary);
    return out;
  }
  if (auto whole = codec::scan_request(body)) return std::move(*whole);
  if (codec::check_json(body)) return out;
  const auto model = codec::find_member(body, "model");
  if (!model || model->kind != codec::json_kind::string) return out;
  out.model = codec::unescape_json(model->raw_string());
  out.has_model = codec::is_utf8(out.model);
  if (!out.has_model) out.model.clear();
  return out;
}

}  // namespace

base::result<codec::request_summary, body_error> summarize(operation op, std::string_view path,
                                                           std::string_view content_type,
                                                           std::string_view body) {
  if (op == operation::unknown) return request_summary{};
  if (translate::is_passthrough(op)) return summarize_anything(content_type, body);
  const auto rules = rules_of(op);
  const bool is_form = codec::is_multipart_form(content_type);
  if (is_form && rules.file.empty())
    return body_error{std::string{path} + " takes a JSON object, not a form (multipart/form-data)"};
  if (is_form) return summarize_form(rules, path, content_type, body);
  if (!rules.file.empty() && !rules.takes_json)
    return body_error{std::string{path} +
                      " takes a form: the content type must be multipart/form-data"};
  auto json = codec::scan_request(body);
  if (!json)
    return body_error{"the body is not the JSON object that " + std::string{path} +
                      " takes: " + json.error().text()};
  // What is said of a speech is told in its own member.
  if (op == operation::audio_speech) json->stream = json->is_sse_format;
  return std::move(*json);
}

}  // namespace understudy::proxy
