#pragma once
#include <string>
#include <vector>

namespace understudy::daemon {

/// Identity, size and time of change of every file, links followed: differs when one of them has
/// been written, replaced, removed, or moved under it by a link (as Kubernetes updates ConfigMaps).
std::string file_signature(const std::vector<std::string>& files);

}  // namespace understudy::daemon
