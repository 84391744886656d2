#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <understudy/config/documents.hpp>
#include <understudy/config/load.hpp>
#include <understudy/plan/compile.hpp>

#include "catch.hpp"

// Every file of tests/broken has its faults, and says at its top exactly what is told of them:
// `# expect: ` and the finding behind the file's name.

namespace fs = std::filesystem;
using namespace understudy;

namespace {

std::string read(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::vector<std::string> expected_in(const std::string& text, const std::string& file) {
  static const std::string mark = "# expect: ";
  std::vector<std::string> out;
  for (std::size_t begin = 0; text.compare(begin, mark.size(), mark) == 0;) {
    const auto end = text.find('\n', begin);
    out.push_back(file + ":" + text.substr(begin + mark.size(), end - begin - mark.size()));
    begin = end + 1;
  }
  return out;
}

std::vector<std::string> told_of(const std::string& text, const std::string& file) {
  config::load_options options;
  options.environment = [](const std::string&) { return std::nullopt; };
  const auto loaded = config::load_texts({{file, text}}, options);
  const auto compiled = plan::compile(*loaded.loaded, 0);
  auto all = loaded.findings;
  all.insert(all.end(), compiled.findings.begin(), compiled.findings.end());
  CHECK((compiled.compiled == nullptr) == config::has_error(all));
  std::vector<std::string> out;
  for (const auto& finding : all)
    if (finding.level != config::severity::info) out.push_back(to_text(finding));
  return out;
}

}  // namespace

TEST_CASE("every broken configuration is told in one clear line a fault") {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path{UNDERSTUDY_SOURCE_DIR} / "tests/broken"))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  std::ranges::sort(files);
  CHECK(files.size() >= 90);
  for (const auto& path : files) {
    const auto text = read(path);
    const auto name = path.filename().string();
    INFO(name);
    const auto expected = expected_in(text, name);
    CHECK(!expected.empty());
    CHECK(told_of(text, name) == expected);
  }
}
