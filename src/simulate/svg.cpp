#include <algorithm>

#include "simulate/html.hpp"
#include "simulate/words.hpp"

namespace understudy::simulate {
namespace {

// Pixels of the drawing; the page scales it.
constexpr std::int64_t left = 12, right = 12, plot = 936, width = left + plot + right;
constexpr std::int64_t lane = 62, label = 18, gap = 14, axis = 24;
constexpr std::int64_t tick_count = 8;

class drawing {
 public:
  explicit drawing(const report& story) : r_{story} {
    for (const auto& b : r_.backends)
      for (const auto n : b.attempts_in) most_ = std::max(most_, n);
  }

  std::string draw() {
    const auto height =
        static_cast<std::int64_t>(r_.backends.size() + 1) * (label + lane + gap) + axis;
    out_ = "<svg viewBox=\"0 0 " + std::to_string(width) + " " + std::to_string(height) +
           "\" role=\"img\" aria-label=\"calls, failures and ejections over time\">\n"
           "<defs><pattern id=\"out\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
           "patternTransform=\"rotate(45)\"><rect class=\"out\" width=\"3\" height=\"6\"/>"
           "</pattern></defs>\n";
    std::int64_t y = 0;
    for (const auto& b : r_.backends) {
      backend(b, y);
      y += label + lane + gap;
    }
    clients(y);
    ticks(y + label + lane);
    return out_ + "</svg>\n";
  }

 private:
  std::int64_t x(microseconds t) const {
    return left + plot * std::clamp<std::int64_t>(t.count(), 0, r_.duration.count()) /
                      std::max<std::int64_t>(r_.duration.count(), 1);
  }
  std::int64_t x_of_bucket(std::size_t i) const {
    return x(r_.bucket * static_cast<std::int64_t>(i));
  }
  static std::int64_t scaled(std::uint64_t n, std::uint64_t most) {
    return most == 0 ? 0 : static_cast<std::int64_t>(n * static_cast<std::uint64_t>(lane) / most);
  }

  void rect(std::string_view style, std::int64_t from, std::int64_t until, std::int64_t y,
            std::int64_t height, std::string_view title) {
    if (height <= 0) return;
    out_ += "<rect class=\"" + std::string{style} + "\" x=\"" + std::to_string(from) + "\" y=\"" +
            std::to_string(y) + "\" width=\"" +
            std::to_string(std::max<std::int64_t>(1, until - from)) + "\" height=\"" +
            std::to_string(height) + "\">";
    if (!title.empty()) out_ += "<title>" + escaped(title) + "</title>";
    out_ += "</rect>\n";
  }

  void text(std::string_view style, std::int64_t at_x, std::int64_t at_y, std::string_view words,
            std::string_view more = {}) {
    out_ += "<text class=\"" + std::string{style} + "\" x=\"" + std::to_string(at_x) + "\" y=\"" +
            std::to_string(at_y) + "\"" + std::string{more} + ">" + escaped(words) + "</text>\n";
  }

  /// A filled step line over the buckets.
  void area(std::string_view style, const std::vector<std::uint32_t>& values, std::uint64_t most,
            std::int64_t bottom) {
    out_ += "<path class=\"" + std::string{style} + "\" d=\"M" + std::to_string(left) + " " +
            std::to_string(bottom);
    for (std::size_t i = 0; i < values.size(); ++i)
      out_ += " V" + std::to_string(bottom - scaled(values[i], most)) + " H" +
              std::to_string(x_of_bucket(i + 1));
    out_ += " V" + std::to_string(bottom) + " Z\"/>\n";
  }

  void backend(const backend_story& b, std::int64_t y) {
    text("name", left, y + 13, b.name + "  priority " + std::to_string(b.priority));
    const auto top = y + label, bottom = top + lane;
    rect("floor", left, left + plot, top, lane, "");
    for (const auto& f : b.faults)
      rect("fault", x(f.when.from), x(f.when.until), top, lane,
           f.text + ", " + clock_text(f.when.from) + " to " + clock_text(f.when.until));
    area("calls", b.attempts_in, most_, bottom);
    area("bad", b.failures_in, most_, bottom);
    for (const auto& s : b.ejected)
      rect("ejected", x(s.from), x(s.until), top, lane,
           "ejected " + clock_text(s.from) + " to " + clock_text(s.until));
  }

  void clients(std::int64_t y) {
    std::uint32_t most = 1;
    for (const auto n : r_.requests_in) most = std::max(most, n);
    text("name", left, y + 13, "clients");
    const auto top = y + label, bottom = top + lane;
    rect("floor", left, left + plot, top, lane, "");
    area("asked", r_.requests_in, most, bottom);
    for (std::size_t i = 0; i < r_.errors_in.size(); ++i)
      if (r_.errors_in[i] > 0)
        rect("bad", x_of_bucket(i), x_of_bucket(i + 1),
             bottom - std::max<std::int64_t>(6, scaled(std::min(r_.errors_in[i], most), most)),
             std::max<std::int64_t>(6, scaled(std::min(r_.errors_in[i], most), most)),
             count_text(r_.errors_in[i], "client error") + " from " +
                 clock_text(r_.bucket * static_cast<std::int64_t>(i)));
  }

  void ticks(std::int64_t y) {
    for (std::int64_t i = 0; i <= tick_count; ++i) {
      auto words = clock_text(r_.duration * i / tick_count);
      words.resize(words.size() - 4);
      const auto anchor = i == 0 ? "start" : i == tick_count ? "end" : "middle";
      text("tick", left + plot * i / tick_count, y + 17, words,
           std::string{" text-anchor=\""} + anchor + "\"");
    }
  }

  const report& r_;
  std::uint32_t most_ = 1;
  std::string out_;
};

}  // namespace

std::string draw_timeline(const report& story) { return drawing{story}.draw(); }

}  // namespace understudy::simulate
