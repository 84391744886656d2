#include "sim/checks.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace sim {
namespace {

using json = nlohmann::json;

constexpr milliseconds log_precision{2};

/// The words that a client was given, in their order; and how the answer told its end.
struct heard {
  std::string text;
  bool has_finish = false;
  bool is_done_said = false;
  bool is_error_said = false;
};

heard listen(const asked& r) {
  heard h;
  constexpr std::string_view content = R"("content":")";
  for (std::size_t at = 0; (at = r.body.find(content, at)) != r.body.npos;) {
    at += content.size();
    const auto end = r.body.find('"', at);
    h.text += r.body.substr(at, end - at);
    if (end == r.body.npos) break;
  }
  h.has_finish = r.body.find(R"("finish_reason":")") != r.body.npos;
  h.is_done_said = r.body.find("data: [DONE]") != r.body.npos;
  h.is_error_said = r.body.find(R"("error")") != r.body.npos;
  return h;
}

/// Of a record: `…T00:00:07.250Z`; runs begin at midnight.
time_point time_of(const std::string& text) {
  int hours = 0;
  int minutes = 0;
  int secs = 0;
  int millis = 0;
  std::sscanf(text.c_str() + text.find('T') + 1, "%d:%d:%d.%d", &hours, &minutes, &secs, &millis);
  return run_start + std::chrono::hours{hours} + std::chrono::minutes{minutes} + seconds{secs} +
         milliseconds{millis};
}

class examiner {
 public:
  examiner(const scenario& plan, ledger& book) : plan_{plan}, book_{book} {
    for (const auto& s : book.serves) serves_[s.request_id].push_back(&s);
  }

  void all(const remains& left, int wires_alive) {
    read_log();
    for (const auto& [id, r] : book_.requests) examine(r);
    for (const auto& [id, times] : book_.sends) examine_sends(id, times);
    for (const auto& [id, at] : book_.left_at) examine_leaver(id, at);
    for (const auto& [what, count] : left.numbers)
      if (count != 0) fail(std::to_string(count) + " " + what + " are left at the end");
    if (wires_alive != 0) fail(std::to_string(wires_alive) + " connections were never let go");
  }

 private:
  void fail(const std::string& what) { book_.fail(what); }
  void fail(const asked& r, const std::string& what) {
    book_.fail("request " + r.id + ": " + what);
  }

  // ---- one record each --------------------------------------------------------------------

  void read_log() {
    for (const auto& line : book_.log_lines) {
      auto record = json::parse(line, nullptr, false);
      if (record.is_discarded()) {
        fail("an access-log line is not JSON: " + line);
        continue;
      }
      const auto id = record["request_id"].is_string() ? record["request_id"].get<std::string>()
                                                       : std::string{};
      if (!book_.requests.contains(id)) {
        // A request that was cut within its head or body has no name that is known here.
        continue;
      }
      if (records_.contains(id)) fail("request " + id + " has two access-log records");
      examine_record(id, record);
      records_[id] = std::move(record);
    }
  }

  void examine_record(const std::string& id, const json& record) {
    const auto& attempts = record["attempts"];
    std::size_t counted = 0;
    for (const auto& a : attempts)
      if (a["outcome"] != "untranslatable" && a["outcome"] != "no_credentials") ++counted;
    if (counted > plan_.max_attempts)
      fail("request " + id + " made " + std::to_string(counted) + " attempts of " +
           std::to_string(plan_.max_attempts));
    const double limit = std::chrono::duration<double, std::milli>(plan_.longest).count();
    // A client that takes its answer slowly decides itself how long it takes.
    if (record["duration_ms"].get<double>() > limit && !book_.requests.at(id).is_read_slowly)
      fail("request " + id + " took " + record["duration_ms"].dump() +
           " ms; the policy ends it in " + std::to_string(limit));
    std::size_t good = 0;
    for (const auto& a : attempts) ++book_.outcomes[a["outcome"].get<std::string>()];
    for (const auto& a : attempts)
      if (a["outcome"] == "ok") {
        ++good;
        if (a["status"] == 0) fail("request " + id + ": an attempt without an answer is called ok");
      }
    if (good > 1) fail("request " + id + " has two attempts that are called ok");
  }

  // ---- one answer each --------------------------------------------------------------------

  void examine(const asked& r) {
    const bool is_logged = records_.contains(r.id);
    if (r.end == response_end::pending && !r.has_left && r.sent_at != time_point{})
      fail(r, "never ended");
    const bool was_heard = r.is_sent_whole && r.is_alone && !r.has_left;
    if (r.end == response_end::proper && !is_logged) fail(r, "was answered without a record");
    if (was_heard && r.end == response_end::cut && r.status != 0 && !is_logged)
      fail(r, "has no access-log record");
    if (r.end == response_end::proper) examine_whole(r);
    if (r.is_stream) examine_commit(r);
    if (r.is_stream) examine_promptness(r);
    const bool is_unseen = !r.is_stream && !plan_.holds;  // passes as it comes, garbage too
    if (!r.body.empty() && r.status < 300 && !is_unseen) examine_words(r, listen(r).text);
  }

  /// What ends properly and is no error is one upstream's whole answer.
  void examine_whole(const asked& r) {
    if (r.status >= 300) {
      if (r.body.find('~') != r.body.npos) fail(r, "an error answer has a provider's words");
      return;
    }
    const auto h = listen(r);
    const auto own = serves_.find(r.id);
    if (own == serves_.end()) return fail(r, "a success that no upstream gave");
    if (h.text.empty() && (plan_.passes_in_band_errors || !plan_.holds)) return;
    // A whole body that is no whole document: only a held one could be refused.
    if (!r.is_stream && !plan_.holds) return;
    if (r.is_stream && !h.has_finish)
      return fail(r, "a stream ends properly and never finished: " +
                         r.body.substr(r.body.size() - std::min<std::size_t>(r.body.size(), 300)));
    const auto& last = *own->second.back();
    const bool is_whole = std::ranges::any_of(own->second, [&](const served* s) {
      return !s->text.empty() && h.text.ends_with(s->text) &&
             (h.text.size() == s->text.size() || plan_.joins == joining::resume);
    });
    if (!is_whole)
      fail(r, "a truncated or mixed answer passes as whole: \"" + h.text.substr(0, 80) +
                  "\" of \"" + last.text.substr(0, 80) + "\" (" + last.script + ")");
    const bool was_cut = !own->second.back()->is_whole;  // behind the last word, then
    if (r.is_stream && !h.is_done_said && !was_cut) fail(r, "a whole stream has no [DONE]");
    if (h.is_error_said) fail(r, "a whole answer tells an error");
  }

  /// No word of another attempt behind the first, unless the policy joins them.
  void examine_words(const asked& r, const std::string& text) {
    std::string_view rest = text;
    std::size_t from = 0;
    const auto own = serves_.find(r.id);
    if (text.empty()) return;
    if (own == serves_.end()) return fail(r, "words that nobody said");
    int parts = 0;
    while (!rest.empty()) {
      std::size_t best = 0;
      std::size_t best_at = from;
      for (std::size_t i = from; i < own->second.size(); ++i) {
        const auto& said = own->second[i]->text;
        const auto n =
            static_cast<std::size_t>(std::ranges::mismatch(rest, said).in1 - rest.begin());
        if (n > best) {
          best = n;
          best_at = i;
        }
      }
      if (best < rest.size()) {  // the next part begins with a `~`, which both may have
        const auto back = rest.rfind('~', best);
        if (rest[best] != '~' && back != rest.npos && back != 0) best = back;
      }
      if (best == 0 || ++parts > 64)
        return fail(r, "words of no attempt, or out of order: " + std::string{rest.substr(0, 80)});
      rest.remove_prefix(best);
      from = best_at + 1;
    }
    if (parts > 1 && plan_.joins != joining::resume)
      fail(r, "words of " + std::to_string(parts) + " attempts: " + text.substr(0, 120));
  }

  /// `firstToken.hold`: nothing of a success goes out before there is something to say.
  void examine_commit(const asked& r) {
    const auto commit = book_.commits.find(r.id);
    if (commit == book_.commits.end() || !plan_.holds || plan_.has_keep_alive) return;
    if (r.status < 200 || r.status >= 300 || commit->second.head_at >= commit->second.arrived_at)
      return;
    fail(r, "the head of a success went out before its first content");
  }

  /// Whoever speaks first is the answer, at once: nothing is waited for beside it.
  void examine_promptness(const asked& r) {
    const auto commit = book_.commits.find(r.id);
    if (commit == book_.commits.end() || !plan_.holds || plan_.holds_all || plan_.has_keep_alive)
      return;
    const auto& times = commit->second;
    if (times.head_at == time_point::max() || times.event_at >= times.head_at) return;
    fail(r, "the answer's first words were read and not let go");
  }

  // ---- when attempts begin ----------------------------------------------------------------

  void examine_sends(const std::string& id, const std::vector<time_point>& times) {
    const auto commit = book_.commits.find(id);
    auto committed = time_point::max();
    if (commit != book_.commits.end())
      committed = plan_.has_keep_alive ? commit->second.content_at : commit->second.head_at;
    const bool may_join = plan_.joins != joining::never;
    for (const auto at : times) {
      if (!may_join && at > committed)
        fail("request " + id + ": an attempt began after the commit");
      examine_deadline(id, at);
    }
  }

  void examine_deadline(const std::string& id, time_point at) {
    if (!plan_.request_timeout) return;
    const auto record = records_.find(id);
    if (record == records_.end()) return;
    const auto whole_at = time_of(record->second["time"].get<std::string>());
    if (at > whole_at + *plan_.request_timeout + log_precision)
      fail("request " + id + ": an attempt began after the request's deadline");
  }

  // Behind requests that were sent ahead, the end of a connection may not be read yet.
  void examine_leaver(const std::string& id, time_point left_at) {
    if (book_.requests.at(id).is_followed) return;
    const auto sends = book_.sends.find(id);
    if (sends == book_.sends.end()) return;
    for (const auto at : sends->second)
      if (at > left_at) fail("request " + id + ": an attempt began after its client had left");
  }

  const scenario& plan_;
  ledger& book_;
  std::map<std::string, std::vector<const served*>> serves_;
  std::map<std::string, json> records_;
};

}  // namespace

void check(const scenario& plan, ledger& book, const remains& left, int wires_alive) {
  examiner{plan, book}.all(left, wires_alive);
}

}  // namespace sim
