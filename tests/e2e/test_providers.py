"""The simulators themselves: botocore's own client agrees with the strict Bedrock one."""
import botocore.exceptions
import botocore.session
import pytest

from providers import bedrock
from providers.server import Provider


@pytest.fixture
def simulator():
    one = Provider(bedrock.converse(), "bedrock")
    yield one
    one.stop()


def client_of(simulator, secret=bedrock.SECRET_KEY):
    session = botocore.session.Session()
    session.set_credentials(bedrock.ACCESS_KEY, secret, bedrock.SESSION_TOKEN)
    config = botocore.config.Config(retries={"max_attempts": 0}, proxies={})
    return session.create_client("bedrock-runtime", region_name="us-east-1", config=config,
                                 endpoint_url=f"http://127.0.0.1:{simulator.port}")


MESSAGES = [{"role": "user", "content": [{"text": "hi"}]}]


def test_botocore_is_answered(simulator):
    answer = client_of(simulator).converse(modelId="us.some.model-v1:0", messages=MESSAGES)
    assert answer["output"]["message"]["content"] == [{"text": bedrock.TEXT}]
    assert not simulator.errors


def test_botocore_reads_the_stream(simulator):
    stream = client_of(simulator).converse_stream(modelId="m", messages=MESSAGES)["stream"]
    text = "".join(e["contentBlockDelta"]["delta"]["text"] for e in stream
                   if "contentBlockDelta" in e)
    assert text == bedrock.TEXT and not simulator.errors


def test_a_wrong_signature_is_refused(simulator):
    with pytest.raises(botocore.exceptions.ClientError, match="signature does not match"):
        client_of(simulator, "another secret").converse(modelId="m", messages=MESSAGES)


@pytest.mark.parametrize("messages", [[], [{"role": "assistant", "content": [{"text": "x"}]}],
                                      MESSAGES * 2])
def test_a_conversation_bedrock_would_refuse_is_refused(simulator, messages):
    with pytest.raises(botocore.exceptions.ClientError, match="ValidationException"):
        client_of(simulator).converse(modelId="m", messages=messages)
