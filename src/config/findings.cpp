#include <algorithm>

#include <understudy/config/findings.hpp>
#include <understudy/config/json_writer.hpp>

namespace understudy::config {
namespace {

std::string_view word(severity level) {
  switch (level) {
    case severity::error:
      return "error";
    case severity::warning:
      return "warning";
    case severity::info:
      break;
  }
  return "info";
}

}  // namespace

std::string to_text(const finding& f) {
  std::string out;
  if (!f.file.empty()) {
    out += f.file;
    if (f.line > 0) out += ':' + std::to_string(f.line) + ':' + std::to_string(f.column);
    out += ": ";
  }
  out += word(f.level);
  out += ": ";
  if (!f.object.empty()) out += f.object + ": ";
  if (!f.field.empty()) out += f.field + ": ";
  return out + f.message;
}

std::string to_json(const std::vector<finding>& findings) {
  json_writer json;
  json.open_array();
  for (const auto& f : findings) {
    json.open_object();
    json.field("severity", word(f.level)).field("file", f.file);
    json.count("line", f.line).count("column", f.column);
    json.field("object", f.object).field("field", f.field).field("message", f.message);
    json.close_object();
  }
  json.close_array();
  return json.str();
}

bool has_error(const std::vector<finding>& findings) {
  return std::ranges::any_of(findings, [](const finding& f) { return f.level == severity::error; });
}

}  // namespace understudy::config
