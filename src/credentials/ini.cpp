#include <understudy/credentials/ini.hpp>

#include <understudy/base/ascii.hpp>

namespace understudy::credentials {
namespace {

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view without_comment(std::string_view value) {
  for (std::size_t i = 1; i < value.size(); ++i)
    if ((value[i] == '#' || value[i] == ';') && (value[i - 1] == ' ' || value[i - 1] == '\t'))
      return base::trim(value.substr(0, i));
  return value;
}

}  // namespace

ini_sections parse_ini(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  ini_sections sections;
  ini_section* current = nullptr;
  while (!text.empty()) {
    const auto line = take_line(text);
    const bool is_indented = line.starts_with(' ') || line.starts_with('\t');
    const auto content = base::trim(line);
    if (content.empty() || content[0] == '#' || content[0] == ';') continue;
    if (content[0] == '[') {
      const auto end = content.find(']');
      current = end == std::string_view::npos
                    ? nullptr
                    : &sections[std::string{base::trim(content.substr(1, end - 1))}];
      continue;
    }
    const auto equals = content.find('=');
    if (is_indented || current == nullptr || equals == std::string_view::npos) continue;
    (*current)[base::lower(base::trim(content.substr(0, equals)))] =
        without_comment(base::trim(content.substr(equals + 1)));
  }
  return sections;
}

}  // namespace understudy::credentials
