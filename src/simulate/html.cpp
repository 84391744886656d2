#include "simulate/html.hpp"

#include <understudy/simulate/render.hpp>

#include "simulate/words.hpp"

namespace understudy::simulate {
namespace {

constexpr std::size_t max_drawn_rows = 2'000;

constexpr std::string_view style = R"(:root{color-scheme:light dark;--ink:#1c2430;--soft:#66707f;
--page:#fbfbf9;--card:#fff;--line:#e2e4e8;--good:#2f9e67;--bad:#d23b3b;--warn:#c98a11;--calls:#5b8def;
--fault:#f6d9d5;--floor:#f1f2f4}
@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#96a0af;--page:#14171c;--card:#1c2027;
--line:#2e343d;--good:#4cc38a;--bad:#ff6b62;--warn:#e5b143;--calls:#6f9df5;--fault:#4a2626;
--floor:#232830}}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:62rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .5rem}
.soft{color:var(--soft)}.good{color:var(--good)}.warn{color:var(--warn)}
td.bad,span.bad{color:var(--bad)}
.cards{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem 1rem}
.card b{display:block;font-size:1.35rem}
svg{width:100%;height:auto;background:var(--card);border:1px solid var(--line);border-radius:.5rem}
svg text{font:12px system-ui,sans-serif;fill:var(--ink)}svg .tick{fill:var(--soft)}
svg .floor{fill:var(--floor)}svg .fault{fill:var(--fault)}svg .calls{fill:var(--calls)}
svg .asked{fill:var(--good);opacity:.55}svg .bad{fill:var(--bad)}
svg .ejected{fill:url(#out);opacity:.5}svg .out{fill:var(--warn)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid var(--line);
vertical-align:top}td.n,th.n{text-align:right}
.wide{overflow-x:auto}code{font-family:ui-monospace,monospace;font-size:.92em}
.cause{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--bad);
border-radius:.5rem;padding:.75rem 1rem;margin:.75rem 0}.cause p{margin:.35rem 0}
)";

/// Escaped, with `…` as code.
std::string marked_up(std::string_view text) {
  std::string out;
  bool is_open = false;
  for (const char c : escaped(text)) {
    if (c != '`') {
      out += c;
      continue;
    }
    out += is_open ? "</code>" : "<code>";
    is_open = !is_open;
  }
  return is_open ? out + "</code>" : out;
}

class page {
 public:
  explicit page(const report& story) : r_{story} {}

  std::string write() {
    out_ =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>" +
        escaped(r_.scenario) + " · understudy simulate</title>\n<style>" + std::string{style} +
        "</style></head>\n<body><main>\n";
    heading();
    cards();
    out_ += draw_timeline(r_);
    out_ +=
        "<p class=\"soft\">Blue: calls. Red: failed ones. Shaded: a fault. Hatched: ejected. "
        "Point at a span for its times.</p>\n";
    causes();
    expectations();
    latencies();
    providers();
    rows();
    return out_ + "</main></body></html>\n";
  }

 private:
  void heading() {
    out_ += "<h1>" + escaped(r_.scenario) + "</h1>\n";
    if (!r_.about.empty()) out_ += "<p>" + escaped(r_.about) + "</p>\n";
    std::string files;
    for (const auto& f : r_.configuration) files += f + ", ";
    out_ += "<p class=\"soft\">" +
            escaped(files + duration_text(r_.duration) + ", " + r_.load + ", seed " +
                    std::to_string(r_.seed)) +
            "</p>\n";
  }

  void card(std::string_view value, std::string_view words, std::string_view kind = {}) {
    out_ += "<div class=\"card\"><b><span class=\"" + std::string{kind} + "\">" + escaped(value) +
            "</span></b>" + escaped(words) + "</div>\n";
  }

  void cards() {
    out_ += "<div class=\"cards\">\n";
    card(std::to_string(r_.errors), "client errors of " + count_text(r_.requests, "request"),
         r_.errors > 0 ? "bad" : "good");
    card(percent_text(r_.availability) + " %", "availability");
    card(duration_text(r_.first_content.p99), "p99 to the first content");
    card(duration_text(r_.longest), "longest wait for a head");
    card(std::to_string(r_.extra_attempts), "extra calls");
    card(percent_text(r_.cost_factor), "cost factor");
    out_ += "</div>\n";
  }

  void causes() {
    if (r_.causes.empty()) return;
    out_ += "<h2>Why clients saw errors</h2>\n";
    for (const auto& c : r_.causes) {
      const auto& at = c.responsible;
      out_ += "<div class=\"cause\"><p><b>" + std::to_string(c.count) + " × " + escaped(c.what) +
              "</b></p>\n<p><code>" + escaped(place_text(at)) + "</code> " +
              escaped(at.object.empty() ? "not written" : at.object) + ": <code>" +
              escaped(at.field) + "</code></p>\n<p>" + marked_up(c.why) + "</p>\n";
      if (!c.change.empty()) {
        out_ += "<p><b class=\"good\">Change:</b> " + marked_up(c.change) + ".";
        if (c.errors_with_change)
          out_ += " Played again with that: " + count_text(*c.errors_with_change, "client error") +
                  " instead of " + std::to_string(r_.errors) + ".";
        out_ += "</p>\n";
      }
      out_ += "</div>\n";
    }
  }

  void cell(std::string_view text, std::string_view kind = {}) {
    out_ += "<td class=\"" + std::string{kind} + "\">" + escaped(text) + "</td>";
  }
  void open_table(std::string_view title, std::string_view head) {
    out_ += "<h2>" + escaped(title) + "</h2>\n<div class=\"wide\"><table><tr>" + std::string{head} +
            "</tr>\n";
  }
  void close_table() { out_ += "</table></div>\n"; }

  void expectations() {
    if (r_.expectations.empty()) return;
    open_table("Expectations", "<th>wanted</th><th>is</th><th></th>");
    for (const auto& e : r_.expectations) {
      out_ += "<tr>";
      cell(wanted_text(e));
      cell(got_text(e));
      cell(e.is_met ? "holds" : "fails", e.is_met ? "good" : "bad");
      out_ += "</tr>\n";
    }
    close_table();
  }

  void latency_row(std::string_view what, const percentiles& p) {
    out_ += "<tr>";
    cell(what);
    for (const auto t : {p.p50, p.p90, p.p95, p.p99, p.max}) cell(duration_text(t), "n");
    out_ += "</tr>\n";
  }

  void latencies() {
    open_table("Latency of answered requests",
               "<th></th><th class=\"n\">p50</th><th class=\"n\">p90</th><th class=\"n\">p95</th>"
               "<th class=\"n\">p99</th><th class=\"n\">max</th>");
    latency_row("first content", r_.first_content);
    latency_row("whole answer", r_.whole);
    close_table();
    out_ += "<p class=\"soft\">The policy " +
            escaped(r_.policy_limit ? "lets a client wait up to " + duration_text(*r_.policy_limit)
                                    : std::string{"sets no limit to the wait"}) +
            " for a head.</p>\n";
  }

  void providers() {
    open_table("Providers",
               "<th>backend</th><th class=\"n\">priority</th><th class=\"n\">calls</th>"
               "<th class=\"n\">answered</th><th class=\"n\">failed</th>"
               "<th class=\"n\">ejected</th>");
    for (const auto& b : r_.backends) {
      out_ += "<tr>";
      cell(b.name);
      for (const auto n : {std::uint64_t{b.priority}, b.attempts, b.answered, b.failed,
                           std::uint64_t{b.ejections}})
        cell(std::to_string(n), "n");
      out_ += "</tr>\n";
    }
    close_table();
  }

  void rows() {
    open_table("Timeline", "<th>at</th><th></th><th></th>");
    for (std::size_t i = 0; i < r_.timeline.size() && i < max_drawn_rows; ++i) {
      const auto& row = r_.timeline[i];
      const bool is_bad = row.kind == row_kind::error;
      const bool is_good = row.kind == row_kind::returned;
      out_ += "<tr>";
      cell(clock_text(row.at), "n");
      cell(name(row.kind), is_bad ? "bad" : is_good ? "good" : "warn");
      cell(sentence_of(row) + (row.count > 1 ? ", until " + clock_text(row.last) : ""));
      out_ += "</tr>\n";
    }
    close_table();
    if (r_.timeline.size() > max_drawn_rows)
      out_ += "<p class=\"soft\">" + count_text(r_.timeline.size() - max_drawn_rows, "more line") +
              ": <code>--output json</code> has them.</p>\n";
  }

  const report& r_;
  std::string out_;
};

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  return out;
}

std::string to_html(const report& story) { return page{story}.write(); }

}  // namespace understudy::simulate
