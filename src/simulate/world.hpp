#pragma once
#include <memory>
#include <vector>

#include <understudy/base/random.hpp>
#include <understudy/resilience/outcome.hpp>
#include <understudy/simulate/simulate.hpp>

/// The outside of a simulation: which rule the load meets and how its backends behave.
namespace understudy::simulate {

using base::time_point;
using config::scenario;

struct endpoint {
  std::uint32_t backend = 0;  ///< index of the backendRef
  std::string address;        ///< `host:port`, `host:port#2` where a name has more addresses
};

/// One rule that the load meets.
struct site {
  const plan::rule* rule = nullptr;
  const plan::route* route = nullptr;
  std::vector<endpoint> endpoints;
  std::vector<config::scenario_backend> normal;  ///< parallel to the rule's backends
};

struct load_source {
  const config::scenario_load* written = nullptr;
  std::uint32_t site = 0;
  time_point from, until;
};

/// What one attempt will meet, were nobody to lose patience. A time of duration::max() never comes.
struct behaviour {
  enum class ending : std::uint8_t { whole, cut, in_band_error };

  bool connects = true;
  bool is_refused = false;           ///< at `connect`
  base::duration connect{};          ///< from the start
  resilience::failure_class what{};  ///< of what comes instead of a head, or `status`
  int status = 200;
  base::duration head{};  ///< from connected
  base::duration body{};  ///< from the head
  ending end = ending::whole;
  std::uint32_t share_of_body = 100;  ///< percent that is delivered before the end
  std::optional<config::milliseconds> retry_after;
};

class world {
 public:
  /// Findings about what does not fit; usable only when none of them is an error.
  world(const plan::plan& compiled, const scenario& what, std::vector<config::finding>& findings);

  const scenario& played() const { return scenario_; }
  const std::vector<site>& sites() const { return sites_; }
  const std::vector<load_source>& loads() const { return loads_; }
  time_point end() const { return time_point{} + scenario_.duration; }

  behaviour answer(const site& where, const endpoint& to, bool is_stream, time_point now,
                   base::random_source& random) const;
  /// Whether the fault acts at that time.
  static bool is_active(const config::scenario_fault& fault, time_point now);
  /// The windows in which it acts, up to the end of the scenario; at most 10,000.
  std::vector<span> windows(const config::scenario_fault& fault) const;
  static bool hits(const config::scenario_fault& fault, const plan::backend& backend);

 private:
  void add_load(const plan::plan& compiled, const config::scenario_load& written);
  std::uint32_t site_of(const plan::route& route, const plan::rule& rule);
  void check_names();
  void check_name(const std::string& name, const config::position& at, std::string field);
  void check_endpoint(const config::scenario_fault& fault, std::size_t index);
  void tell(const config::position& at, std::string field, std::string message);

  const scenario& scenario_;
  std::vector<config::finding>& findings_;
  std::vector<site> sites_;
  std::vector<load_source> loads_;
};

/// A time on the curve.
base::duration draw(const config::latency_spec& spec, base::random_source& random);

/// Exponentially distributed with mean 1, by comparing uniform numbers only (von Neumann), so that
/// every platform draws the same.
double draw_exponential(base::random_source& random);

}  // namespace understudy::simulate
