#include <understudy/simulate/render.hpp>

#include <algorithm>

#include "simulate/recorder.hpp"
#include "simulate/words.hpp"

namespace understudy::simulate {
namespace {

constexpr std::size_t columns = 64;
constexpr std::size_t max_label = 30;
constexpr std::size_t max_printed_rows = 60;  // of the timeline; the first and last are shown
constexpr std::size_t last_rows = 15;
constexpr std::array<std::string_view, 8> levels{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

enum class paint : std::uint8_t { plain, dim, bold, red, green, yellow, cyan, magenta };

class writer {
 public:
  explicit writer(bool is_coloured) : is_coloured_{is_coloured} {}

  writer& add(std::string_view text, paint how = paint::plain) {
    // Blanks show no colour, except for a run of one paint that goes on behind them.
    if (is_coloured_ && how != now_ && text.find_first_not_of(' ') != text.npos) turn(how);
    out_ += text;
    return *this;
  }
  writer& line() {
    if (now_ != paint::plain) turn(paint::plain);
    while (out_.ends_with(' ')) out_.pop_back();
    out_ += '\n';
    return *this;
  }
  std::string take() { return std::move(out_); }

 private:
  void turn(paint how) {
    static constexpr std::array<std::string_view, 8> codes{"",   "2",  "1",  "31",
                                                           "32", "33", "36", "35"};
    if (now_ != paint::plain) out_ += "\x1b[0m";
    if (how != paint::plain) {
      out_ += "\x1b[";
      out_ += codes[static_cast<std::size_t>(how)];
      out_ += 'm';
    }
    now_ = how;
  }

  bool is_coloured_;
  paint now_ = paint::plain;
  std::string out_;
};

std::string padded(std::string text, std::size_t width) {
  const auto shown = shown_width(text);
  return shown < width ? text + std::string(width - shown, ' ') : text;
}

std::string padded_left(std::string text, std::size_t width) {
  const auto shown = shown_width(text);
  return shown < width ? std::string(width - shown, ' ') + text : text;
}

/// The end of a long name, which is where names differ.
std::string label_of(const std::string& name) {
  if (name.size() <= max_label) return name;
  return "…" + name.substr(name.size() - (max_label - 1));
}

struct cell {
  std::uint64_t attempts = 0, failures = 0;
  bool is_ejected = false;
};

class text_report {
 public:
  text_report(const report& story, bool is_coloured) : r_{story}, out_{is_coloured} {
    width_ = 13;
    for (const auto& b : r_.backends) width_ = std::max(width_, std::min(b.name.size(), max_label));
  }

  std::string write() {
    heading();
    strips();
    timeline();
    clients();
    providers();
    causes();
    expectations();
    return out_.take();
  }

 private:
  void heading() {
    out_.add(r_.scenario, paint::bold);
    if (!r_.about.empty()) out_.add(": " + r_.about);
    out_.line();
    std::string files;
    for (const auto& f : r_.configuration) files += f + ", ";
    out_.add(files + duration_text(r_.duration) + ", " + r_.load + ", seed " +
                 std::to_string(r_.seed),
             paint::dim)
        .line()
        .line();
  }

  std::pair<std::size_t, std::size_t> buckets_of(std::size_t column) const {
    const auto n = r_.requests_in.size();
    const auto begin = column * n / columns;
    return {begin, std::max(begin + 1, (column + 1) * n / columns)};
  }

  std::uint64_t sum(const std::vector<std::uint32_t>& of, std::size_t column) const {
    const auto [begin, end] = buckets_of(column);
    std::uint64_t total = 0;
    for (auto i = begin; i < std::min(end, of.size()); ++i) total += of[i];
    return total;
  }

  /// Thousandths of a call per bucket: columns need not have the same number of buckets.
  std::uint64_t rate(const std::vector<std::uint32_t>& of, std::size_t column) const {
    const auto [begin, end] = buckets_of(column);
    return sum(of, column) * 1000 / (end - begin);
  }

  bool is_ejected(const backend_story& b, std::size_t column) const {
    const auto from = r_.duration * static_cast<std::int64_t>(column) / columns;
    const auto until = r_.duration * static_cast<std::int64_t>(column + 1) / columns;
    const auto out = std::ranges::count_if(
        b.ejected, [&](const span& s) { return s.from < until && s.until > from; });
    return out > 0 && static_cast<std::uint32_t>(out) >= b.endpoints;
  }

  void axis() {
    constexpr std::size_t marks = 4;
    std::string line(width_ + 2, ' ');
    for (std::size_t i = 0; i < marks; ++i) {
      auto text = clock_text(r_.duration * static_cast<std::int64_t>(i) / marks);
      text.resize(text.size() - 4);
      line += padded(text, columns / marks);
    }
    auto end = clock_text(r_.duration);
    end.resize(end.size() - 4);
    out_.add("  " + line + end, paint::dim).line();
  }

  void strips() {
    std::uint64_t most = 1;
    for (const auto& b : r_.backends)
      for (std::size_t c = 0; c < columns; ++c) most = std::max(most, rate(b.attempts_in, c));
    axis();
    for (const auto& b : r_.backends) {
      out_.add("  " + padded(label_of(b.name), width_) + "  ");
      for (std::size_t c = 0; c < columns; ++c) {
        const auto attempts = sum(b.attempts_in, c);
        const bool is_out = is_ejected(b, c);
        if (attempts == 0) {
          out_.add(is_out ? "×" : "·", is_out ? paint::yellow : paint::dim);
          continue;
        }
        const bool is_failing = sum(b.failures_in, c) * 2 >= attempts;
        out_.add(levels[std::min<std::uint64_t>(7, rate(b.attempts_in, c) * 8 / (most + 1))],
                 is_failing ? paint::red
                 : is_out   ? paint::yellow
                            : paint::green);
      }
      out_.line();
    }
    out_.add("  " + padded("client errors", width_) + "  ");
    for (std::size_t c = 0; c < columns; ++c) {
      const bool is_bad = sum(r_.errors_in, c) > 0;
      out_.add(is_bad ? "!" : "·", is_bad ? paint::red : paint::dim);
    }
    out_.line();
    out_.add("  " + std::string(width_ + 2, ' ') + "▁…█ calls  × ejected  ! client error",
             paint::dim);
    out_.line().line();
  }

  void row(const timeline_row& r) {
    static constexpr std::array<paint, 10> paints{
        paint::magenta, paint::magenta, paint::red,  paint::yellow, paint::green,
        paint::yellow,  paint::red,     paint::cyan, paint::cyan,   paint::cyan};
    out_.add("  " + padded_left(clock_text(r.at), 9) + "  ");
    out_.add(padded(std::string{name(r.kind)}, 9), paints[static_cast<std::size_t>(r.kind)]);
    out_.add(sentence_of(r));
    if (r.count > 1) out_.add("  until " + clock_text(r.last), paint::dim);
    out_.line();
  }

  void timeline() {
    out_.add("Timeline", paint::bold).line();
    const auto total = r_.timeline.size();
    if (total == 0) out_.add("  nothing happened").line();
    for (std::size_t i = 0; i < total; ++i) {
      if (total > max_printed_rows && i == max_printed_rows - last_rows) {
        const auto left_out = total - max_printed_rows;
        out_.add("             …        " + count_text(left_out, "more line") +
                     " (`--output json` has them)",
                 paint::dim)
            .line();
        i += left_out;
      }
      row(r_.timeline[i]);
    }
    out_.line();
  }

  void latency_line(std::string_view what, const percentiles& p) {
    out_.add("  " + padded(std::string{what}, 30) + "p50 " + padded(duration_text(p.p50), 9) +
             "p90 " + padded(duration_text(p.p90), 9) + "p99 " + padded(duration_text(p.p99), 9) +
             "max " + duration_text(p.max))
        .line();
  }

  void clients() {
    out_.add("Clients", paint::bold).line();
    out_.add("  " + count_text(r_.requests, "request") + ", ");
    out_.add(count_text(r_.errors, "error"), r_.errors > 0 ? paint::red : paint::green);
    out_.add(": availability " + percent_text(r_.availability) + " %; " +
             count_text(r_.saved, "request") + " saved by a retry")
        .line();
    latency_line("first content", r_.first_content);
    latency_line("whole answer", r_.whole);
    out_.add("  longest wait for a head " + duration_text(r_.longest) + "; the policy " +
             (r_.policy_limit ? "allows " + duration_text(*r_.policy_limit) : "sets no limit"))
        .line()
        .line();
  }

  void providers() {
    out_.add("Providers", paint::bold).line();
    std::size_t width = 0;
    for (const auto& b : r_.backends) width = std::max(width, b.name.size());
    out_.add("  " + std::string(width, ' ') + "  priority    calls  answered    failed  ejected",
             paint::dim)
        .line();
    for (const auto& b : r_.backends) {
      out_.add("  " + padded(b.name, width) + padded_left(std::to_string(b.priority), 10) +
               padded_left(std::to_string(b.attempts), 9) +
               padded_left(std::to_string(b.answered), 10));
      out_.add(padded_left(std::to_string(b.failed), 10), b.failed > 0 ? paint::red : paint::plain);
      out_.add(padded_left(std::to_string(b.ejections), 9)).line();
    }
    out_.add("  " + count_text(r_.attempts, "call") + " for " + count_text(r_.requests, "request") +
             ": " + std::to_string(r_.extra_attempts) + " extra, cost factor " +
             percent_text(r_.cost_factor))
        .line()
        .line();
  }

  void cause(const client_cause& c) {
    out_.add("  " + std::to_string(c.count) + " × ").add(c.what, paint::red);
    out_.add(c.count == 1 ? " at " + clock_text(c.first)
                          : ", " + clock_text(c.first) + " to " + clock_text(c.last));
    out_.line();
    const auto& at = c.responsible;
    out_.add("      " + place_text(at) + ": ", paint::bold);
    out_.add((at.object.empty() ? std::string{"not written"} : at.object) + ": " + at.field).line();
    for (const auto& line : wrapped(c.why, 92)) out_.add("      " + line).line();
    if (!c.change.empty()) {
      out_.add("      Change: ", paint::green).add(c.change + ". ");
      if (c.errors_with_change)
        out_.add("Played again with that: " + count_text(*c.errors_with_change, "client error") +
                 " instead of " + std::to_string(r_.errors) + ".");
      out_.line();
    } else if (c.errors_with_change) {
      out_.add("      A larger value was tried and did not help.").line();
    }
  }

  void causes() {
    if (r_.causes.empty()) return;
    out_.add("Why clients saw errors", paint::bold).line();
    for (const auto& c : r_.causes) cause(c);
    out_.line();
  }

  void expectations() {
    if (r_.expectations.empty()) return;
    out_.add("Expectations", paint::bold).line();
    for (const auto& e : r_.expectations) {
      out_.add(e.is_met ? "  holds  " : "  FAILS  ", e.is_met ? paint::green : paint::red);
      out_.add(wanted_text(e) + ", is " + got_text(e));
      if (!e.is_met)
        out_.add("  " + std::string{e.wanted.at.file} + ":" + std::to_string(e.wanted.at.line) +
                     ":" + std::to_string(e.wanted.at.column),
                 paint::dim);
      out_.line();
    }
  }

  const report& r_;
  writer out_;
  std::size_t width_ = 0;
};

}  // namespace

std::string to_text(const report& story, bool is_coloured) {
  return text_report{story, is_coloured}.write();
}

}  // namespace understudy::simulate
