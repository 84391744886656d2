"""`understudy demo`: from nothing to answers, with a primary that fails on a schedule."""
import re

from harness.daemon import wait_until
from providers import bedrock

HELLO = [{"role": "user", "content": "Who are you?"}]


def test_the_demo_answers_and_says_how_to_use_it(start, sdk):
    daemon = start(command="demo")
    shown = daemon.stdout() + daemon.stderr()
    assert re.search(rf"^ *curl .*127\.0\.0\.1:{daemon.port}/v1/chat/completions", shown, re.M), shown
    assert "from openai import OpenAI" in shown
    assert re.search(rf"http://127\.0\.0\.1:{daemon.admin_port}/", shown)
    client = sdk(daemon)
    model = re.search(r'model="([^"]+)"', shown)[1]
    answer = client.chat.completions.create(model=model, messages=HELLO)
    assert "primary" in answer.choices[0].message.content
    streamed = client.chat.completions.create(model=model, messages=HELLO, stream=True)
    assert "primary" in "".join(c.choices[0].delta.content or "" for c in streamed if c.choices)
    assert [m.id for m in client.models.list().data] == [model]
    assert daemon.admin("/", quiet=True)[0] == 200  # the page that the third line names
    assert daemon.admin("/reload", "POST")[0] == 200
    assert "primary" in client.chat.completions.create(model=model, messages=HELLO).choices[0].message.content


def test_no_client_sees_the_primary_fail(start, sdk):
    """Through the first failure: answers only, while the terminal tells the story."""
    daemon = start(command="demo")
    client = sdk(daemon)
    answers = []

    def is_failed_over():
        answer = client.chat.completions.create(model="any-model", messages=HELLO)
        answers.append(answer.choices[0].message.content)
        return "fallback" in answers[-1]
    wait_until(is_failed_over, timeout=25, interval=0.1, what="a failover")
    assert "primary" in answers[0]
    shown = daemon.stdout() + daemon.stderr()
    assert "eject" in shown and "500" in shown
    assert bedrock.SECRET_KEY not in shown
