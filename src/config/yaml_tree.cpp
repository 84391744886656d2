#include "config/yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "config/substitute.hpp"

namespace understudy::config {
namespace {

constexpr std::size_t max_text_bytes = 8U * 1024 * 1024;
constexpr std::size_t max_depth = 64;
constexpr std::size_t max_weight = 200'000;
constexpr std::size_t max_entries = 10'000;

/// Ends the parse; yaml-cpp lets it through.
struct refused {
  position at;
  std::string message;
};

class tree_builder final : public YAML::EventHandler {
 public:
  tree_builder(std::string_view file, const std::string& masked_text,
               const environment_lookup& environment, yaml_result& out)
      : file_(file), text_(masked_text), environment_(environment), out_(out) {
    line_starts_.push_back(0);
    for (std::size_t i = 0; i < text_.size(); ++i)
      if (text_[i] == '\n') line_starts_.push_back(i + 1);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    // yaml-cpp gives empty documents without end where a token belongs nowhere, as a first `,`.
    if (mark.pos == last_start_)
      throw refused{place(mark), "YAML syntax: belongs to no document; remove it"};
    last_start_ = mark.pos;
    anchors_.clear();
    root_.reset();
  }
  void OnDocumentEnd() override {
    if (root_ && root_->type != node::kind::null) out_.documents.push_back(root_);
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto made = std::make_shared<node>();
    made->at = place(mark);
    add(std::move(made), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw refused{place(mark), "an alias to a node that it is part of; write the node out"};
    add(found->second, 0, place(mark));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto made = std::make_shared<node>();
    made->type = node::kind::scalar;
    made->at = place(mark);
    made->is_plain = tag.empty() || tag == "?";
    auto replaced = substitute(value, environment_);
    made->text = std::move(replaced.text);
    made->is_substituted = replaced.is_changed;
    if (!replaced.problem.empty()) {
      made->problem = std::move(replaced.problem);
      made->problem_at = place_of(replaced.culprit, made->at);
    }
    add(std::move(made), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, node::kind::sequence, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, node::kind::map, anchor);
  }
  void OnMapEnd() override {
    merge_inherited(*open_.back().made);
    close();
  }

 private:
  struct frame {
    std::shared_ptr<node> made;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    bool is_duplicate = false;
    std::string key;
    position key_at;
  };

  position place(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

  /// Where the masked `span` stands at or after `from`, or `from` itself.
  position place_of(std::string_view span, const position& from) const {
    const auto line = static_cast<std::size_t>(std::max(from.line, 1) - 1);
    if (line >= line_starts_.size()) return from;
    const auto masked_span = mask_references(span);
    const auto found =
        text_.find(masked_span, line_starts_[line] + static_cast<std::size_t>(from.column - 1));
    if (found == std::string::npos) return from;
    const auto after = std::ranges::upper_bound(line_starts_, found);
    const auto number = static_cast<std::size_t>(after - line_starts_.begin());
    return {file_, static_cast<int>(number),
            static_cast<int>(found - line_starts_[number - 1]) + 1};
  }

  void open(const YAML::Mark& mark, node::kind type, YAML::anchor_t anchor) {
    if (open_.size() >= max_depth)
      throw refused{place(mark), "more than 64 levels deep; flatten the document"};
    frame f;
    f.made = std::make_shared<node>();
    f.made->type = type;
    f.made->at = place(mark);
    f.anchor = anchor;
    open_.push_back(std::move(f));
  }

  void close() {
    auto f = std::move(open_.back());
    open_.pop_back();
    add(std::move(f.made), f.anchor);
  }

  void add(std::shared_ptr<const node> child, YAML::anchor_t anchor) {
    const auto at = child->at;
    add(std::move(child), anchor, at);
  }

  /// `at` is where the child is used: for an alias not where it was written.
  void add(std::shared_ptr<const node> child, YAML::anchor_t anchor, const position& at) {
    if (anchor != 0) anchors_[anchor] = child;
    if (open_.empty()) {
      root_ = std::move(child);
      return;
    }
    auto& parent = open_.back();
    if (parent.made->type == node::kind::map && !parent.has_key) {
      take_key(parent, *child);
      return;
    }
    parent.made->weight += child->weight;
    if (parent.made->weight > max_weight)
      throw refused{at, "more than 200,000 nodes once aliases are followed; write less"};
    if (parent.made->type == node::kind::sequence) {
      parent.made->items.push_back(std::move(child));
      return;
    }
    parent.has_key = false;
    if (parent.is_duplicate) return;
    parent.made->entries.push_back({std::move(parent.key), parent.key_at, std::move(child)});
  }

  void take_key(frame& parent, const node& key) {
    if (key.type != node::kind::scalar)
      throw refused{key.at, "a key must be text; put it in quotes"};
    if (parent.made->entries.size() >= max_entries)
      throw refused{key.at, "more than 10,000 keys in one mapping"};
    parent.has_key = true;
    parent.key = key.text;
    parent.key_at = key.at;
    const auto same = std::ranges::find(parent.made->entries, key.text, &node::entry::key);
    parent.is_duplicate = same != parent.made->entries.end() && key.text != "<<";
    if (parent.is_duplicate)
      out_.problems.push_back({key.at,
                               "duplicate key `" + key.text + "`, first on line " +
                                   std::to_string(same->at.line) + "; remove one of the two",
                               out_.documents.size()});
  }

  /// YAML 1.1's merge key, which kubectl understands too: what is written wins.
  static void merge_inherited(node& map) {
    std::vector<node_ptr> sources;
    std::erase_if(map.entries, [&](const node::entry& e) {
      if (e.key != "<<") return false;
      if (e.value->type == node::kind::sequence)
        sources.insert(sources.end(), e.value->items.begin(), e.value->items.end());
      else
        sources.push_back(e.value);
      return true;
    });
    for (const auto& source : sources)
      for (const auto& e : source->entries)
        if (std::ranges::find(map.entries, e.key, &node::entry::key) == map.entries.end())
          map.entries.push_back(e);
  }

  std::string_view file_;
  const std::string& text_;
  const environment_lookup& environment_;
  yaml_result& out_;
  std::vector<std::size_t> line_starts_;
  std::vector<frame> open_;
  int last_start_ = -1;
  std::map<YAML::anchor_t, node_ptr> anchors_;
  node_ptr root_;
};

/// First byte that no text file holds.
std::size_t find_binary(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::find_if(text,
                           [](char c) {
                             const auto b = static_cast<unsigned char>(c);
                             return (b < 0x20 && c != '\t' && c != '\n' && c != '\r') || b == 0x7f;
                           }) -
      text.begin());
}

position place_at(std::string_view file, std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = std::ranges::count(before, '\n') + 1;
  const auto start = before.rfind('\n');
  const auto column = offset - (start == std::string_view::npos ? 0 : start + 1) + 1;
  return {file, static_cast<int>(line), static_cast<int>(column)};
}

}  // namespace

yaml_result parse_yaml(std::string_view file, const std::string& text,
                       const environment_lookup& environment) {
  yaml_result out;
  if (text.size() > max_text_bytes) {
    out.problems.push_back({{file, 1, 1}, "larger than 8 MiB; split the file"});
    return out;
  }
  if (const auto binary = find_binary(text); binary < text.size()) {
    out.problems.push_back(
        {place_at(file, text, binary), "a control character; a configuration is plain text"});
    return out;
  }
  const auto masked = mask_references(text);
  tree_builder builder{file, masked, environment, out};
  try {
    std::istringstream in{masked};
    YAML::Parser parser{in};
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const refused& e) {
    out.problems.push_back({e.at, e.message});
  } catch (const YAML::Exception& e) {
    out.problems.push_back(
        {{file, e.mark.line + 1, e.mark.column + 1}, "YAML syntax: " + unmask(e.msg)});
  }
  return out;
}

}  // namespace understudy::config
