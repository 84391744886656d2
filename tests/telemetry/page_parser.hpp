#pragma once
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A strict reader of the Prometheus text format and OpenMetrics, for tests: throws on anything
/// that a scraper might refuse.
namespace understudy::telemetry::tests {

struct sample {
  std::string name;
  std::map<std::string, std::string> labels;
  std::string value;
  double number() const { return value == "+Inf" ? HUGE_VAL : std::strtod(value.c_str(), nullptr); }
};

struct family {
  std::string type, help;
  std::vector<sample> samples;
};

inline bool is_near(double a, double b) { return std::abs(a - b) <= 1e-9 * std::abs(b); }

struct page {
  std::map<std::string, family> families;

  const sample& at(const std::string& family_name, const std::string& sample_name,
                   const std::map<std::string, std::string>& labels) const {
    for (const auto& s : families.at(family_name).samples)
      if (s.name == sample_name && s.labels == labels) return s;
    throw std::runtime_error("no sample " + sample_name);
  }
};

class page_parser {
 public:
  page_parser(std::string_view text, bool is_openmetrics)
      : rest_{text}, is_openmetrics_{is_openmetrics} {}

  page parse() {
    bool is_ended = false;
    while (!rest_.empty()) {
      const auto end = rest_.find('\n');
      require(end != std::string_view::npos, "last line has no newline");
      line_ = rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
      require(!is_ended, "text after # EOF");
      if (line_ == "# EOF")
        is_ended = true;
      else if (line_.starts_with('#'))
        comment();
      else
        read_sample();
    }
    require(is_ended == is_openmetrics_, "# EOF");
    return std::move(page_);
  }

 private:
  void require(bool holds, const char* what) const {
    if (!holds) throw std::runtime_error(std::string{what} + ": " + std::string{line_});
  }

  std::string word() {
    std::size_t n = 0;
    while (n < line_.size() && (std::isalnum(static_cast<unsigned char>(line_[n])) != 0 ||
                                line_[n] == '_' || line_[n] == ':'))
      ++n;
    require(n > 0 && std::isdigit(static_cast<unsigned char>(line_[0])) == 0, "name");
    std::string found{line_.substr(0, n)};
    line_.remove_prefix(n);
    return found;
  }

  void skip(std::string_view text) {
    require(line_.starts_with(text), "expected something else");
    line_.remove_prefix(text.size());
  }

  void comment() {
    const bool is_help = line_.starts_with("# HELP ");
    skip(is_help ? "# HELP " : "# TYPE ");
    const auto name = word();
    skip(" ");
    if (is_help) {
      require(!page_.families.contains(name), "family twice");
      current_ = name;
      page_.families[name].help = line_;
      require(!line_.empty(), "help");
    } else {
      require(name == current_ && page_.families[name].type.empty(), "TYPE follows HELP");
      page_.families[name].type = line_;
    }
  }

  void read_sample() {
    sample s;
    s.name = word();
    check_name(s.name);
    if (line_.starts_with('{')) read_labels(s);
    skip(" ");
    s.value = line_;
    char* end = nullptr;
    std::strtod(s.value.c_str(), &end);
    require(!s.value.empty() && *end == '\0', "value");
    require(seen_.emplace(s.name, s.labels).second, "sample twice");
    page_.families[current_].samples.push_back(std::move(s));
  }

  void check_name(const std::string& name) const {
    const auto& type = page_.families.at(current_).type;
    if (type == "histogram")
      require(
          name == current_ + "_bucket" || name == current_ + "_sum" || name == current_ + "_count",
          "histogram sample");
    else if (type == "counter" && is_openmetrics_)
      require(name == current_ + "_total", "counter sample");
    else
      require(name == current_, "sample of its family");
    if (type == "counter") require(name.ends_with("_total"), "counter's name");
  }

  void read_labels(sample& s) {
    char opening = '{';
    while (line_.starts_with(opening)) {
      line_.remove_prefix(1);
      const auto key = word();
      skip("=\"");
      std::string value;
      while (!line_.starts_with('"')) {
        require(!line_.empty(), "unterminated label");
        if (line_[0] == '\\') {
          line_.remove_prefix(1);
          require(!line_.empty() && (line_[0] == 'n' || line_[0] == '"' || line_[0] == '\\'),
                  "escape");
          value += line_[0] == 'n' ? '\n' : line_[0];
        } else {
          value += line_[0];
        }
        line_.remove_prefix(1);
      }
      skip("\"");
      require(s.labels.emplace(key, value).second, "label twice");
      opening = ',';
    }
    skip("}");
  }

  std::string_view rest_, line_;
  bool is_openmetrics_;
  std::string current_;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen_;
  page page_;
};

inline page parse_page(std::string_view text, bool is_openmetrics) {
  return page_parser{text, is_openmetrics}.parse();
}

}  // namespace understudy::telemetry::tests
