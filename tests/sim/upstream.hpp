#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/ledger.hpp"
#include "sim/scenario.hpp"

namespace sim {

/// What an upstream sends: bytes after a pause, then perhaps an end.
struct step {
  duration pause{};
  std::string bytes;
  end_kind end = end_kind::none;
};

/// The request as it reached an upstream.
struct upstream_request {
  std::string head, body;
  std::string id;
  bool is_stream = false;
};

/// Writes the answer that `what` asks for, and in `truth` what it means.
std::vector<step> write_answer(script what, bool is_bedrock, const upstream_request& request,
                               joining joins, served& truth, dice& chance);

/// All providers of a run.
class providers {
 public:
  providers(event_queue& events, const scenario& plan, ledger& book)
      : events_{events}, plan_{plan}, book_{book} {}

  void connect(const std::string& address, std::function<void(std::shared_ptr<wire>)> done);

 private:
  class connection;
  event_queue& events_;
  const scenario& plan_;
  ledger& book_;
  int next_id_ = 1;
};

}  // namespace sim
