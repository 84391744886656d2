#include <understudy/proxy/connection_gate.hpp>

namespace understudy::proxy {

bool connection_gate::try_pending() {
  if (pending_ >= limits_.max_pending_requests) return false;
  ++pending_;
  return true;
}

bool connection_gate::may_connect(const endpoint_connections& endpoint) const {
  if (open_ >= limits_.max_connections) return false;
  return !limits_.max_connections_per_endpoint ||
         endpoint.open < *limits_.max_connections_per_endpoint;
}

std::shared_ptr<endpoint_connections> connection_gate::of(resilience::host_id host) {
  const std::scoped_lock lock{mutex_};
  std::erase_if(endpoints_, [](const auto& e) { return e.second.expired(); });
  auto& known = endpoints_[host];
  auto counts = known.lock();
  if (!counts) known = counts = std::make_shared<endpoint_connections>();
  return counts;
}

}  // namespace understudy::proxy
