"""Replies as services really send them: each is what it is, and what was billed is counted."""

import asyncio
import json
import sys

import numpy as np
import pytest

from evenhand.errors import InputError
from evenhand.samples.audio import Audio
from evenhand.services import Price, Request, ServiceError, make_service
from evenhand.services.chat import ChatService
from evenhand.services.function import FunctionService
from evenhand.services.program import ProgramService
from evenhand.services.template import TemplateService
from evenhand.services.transcription import TranscriptionService
from evenhand.services.usage import read_usage
from evenhand.services.waits import LONGEST, retry_after

PRICE = Price(input_tokens=10, output_tokens=100)


def ask(service, media="hello", kind="text", **more):
    async def run():
        try:
            return await service.answer(Request(kind=kind, media=media, sample_id="s1", **more))
        finally:
            await service.close()

    return asyncio.run(run())


def say(fake, body, status=200, service=None, **headers):
    sent = body if isinstance(body, bytes) else fake.reply(body, status, **headers)
    with fake.serving(lambda *_: sent) as server:
        made = service(server.url) if service else ChatService(
            name="m", url=server.url, model="m", price=PRICE
        )  # fmt: skip
        return ask(made)


def choice(content, finish="stop", usage=None, **message):
    found = {
        "choices": [{"message": {"content": content, **message}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 40, "completion_tokens": 10},
    }
    return {**found, "usage": usage} if usage is not None else found


# --- Waits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "1"}, 1.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"x-ms-retry-after-ms": "1500"}, 1.5),
        ({"x-ratelimit-reset-requests": "1s"}, 1.0),
        ({"x-ratelimit-reset-tokens": "6m0s"}, 360.0),
        ({"x-ratelimit-reset-requests": "20ms", "x-ratelimit-remaining-requests": "0",
          "x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "900"}, 0.02),
        ({"x-ratelimit-reset": "30"}, 30.0),
        ({"x-ratelimit-reset": "2145916830", "date": "Fri, 01 Jan 2038 00:00:00 GMT"}, 30.0),
        ({"anthropic-ratelimit-requests-reset": "2038-01-01T00:00:07Z",
          "date": "Fri, 01 Jan 2038 00:00:00 GMT"}, 7.0),
        ({"retry-after": "31536000"}, 31_536_000.0),
        ({"retry-after": "1e300"}, LONGEST),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_waits_are_read_in_every_wording(headers, seconds):
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": {"message": "Rate limit reached. Please try again in 1.5s."}}, 1.5),
        ({"error": {"message": "Please retry after 20 seconds."}}, 20.0),
        ({"error": {"message": "try again in 6m0s"}}, 360.0),
        ({"error": {"message": "try again in 120ms"}}, 0.12),
        ({"error": {"details": [{"@type": "RetryInfo", "retryDelay": "34s"}]}}, 34.0),
        ({"error": {"metadata": {"headers": {"Retry-After": "3"}}}}, 3.0),
        ({"error": {"message": "please try again later"}}, None),
        ({"error": "busy"}, None),
        ("busy", None),
    ],
)
def test_a_wait_may_stand_in_the_body(body, seconds):
    assert retry_after({}, body) == seconds


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_limit_is_a_wait_and_no_attempt(fake, status):
    with pytest.raises(ServiceError) as caught:
        say(fake, {"error": "busy"}, status, X_RateLimit_Reset_Requests="2s")
    assert (caught.value.retry_after, caught.value.asks_to_wait) == (2.0, True)
    assert caught.value.billed == "no"


def test_a_limits_reset_means_nothing_beside_another_fault(fake):
    with pytest.raises(ServiceError) as caught:
        say(fake, {"error": "oops"}, 500, X_RateLimit_Reset_Requests="2s")
    assert (caught.value.retry_after, caught.value.asks_to_wait) == (None, False)


# --- Errors inside 200 ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code", "retry"),
    [
        ({"error": {"code": 429, "message": "slow"}}, "http_429", True),
        ({"error": {"code": "429"}}, "http_429", True),
        ({"error": {"type": "overloaded_error"}}, "http_529", True),
        ({"error": {"type": "rate_limit_exceeded"}}, "http_429", True),
        ({"error": {"code": 401}}, "http_401", False),
        ({"error": {"code": "invalid_api_key"}}, "http_401", False),
        ({"error": {"type": "server_error"}}, "http_500", True),
        ({"error": "something"}, "http_500", True),
        ({"choices": [{"error": {"code": 502}, "finish_reason": "error"}]}, "http_502", True),
        (choice("", finish="error"), "failed_reply", True),
        (choice("half", finish="insufficient_system_resource"), "failed_reply", True),
    ],
)
def test_an_error_inside_a_success_is_what_it_is(fake, body, code, retry):
    with pytest.raises(ServiceError, match=f"^{code}") as caught:
        say(fake, body)
    assert caught.value.retry is retry


def test_no_money_left_stops_the_service(fake):
    body = {"error": {"type": "insufficient_quota", "message": "no credit"}}
    with pytest.raises(ServiceError) as caught:
        say(fake, body, 429)
    assert (caught.value.retry, caught.value.stop) == (False, True)


# --- Filters -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (403, {"code": 403, "message": "x requires moderation",
               "metadata": {"reasons": ["violence"], "flagged_input": "x"}}, "violence"),
        (400, {"code": "content_filter", "message": "triggering content management policy"},
         "content_filter"),
        (400, {"code": None, "innererror": {"code": "ResponsibleAIPolicyViolation"}},
         "ResponsibleAIPolicyViolation"),
        (400, {"type": "invalid_request_error", "message": "Content Exists Risk"}, "content_filter"),
        (400, {"code": "data_inspection_failed", "message": "x"}, "data_inspection_failed"),
        (400, {"type": "invalid_request_error",
               "message": "Output blocked by content filtering policy"}, "content_filter"),
        (400, {"code": "moderation_blocked", "message": "x"}, "moderation_blocked"),
    ],
)  # fmt: skip
def test_a_filter_refuses_one_prompt_and_stops_nothing(fake, status, error, reason):
    answer = say(fake, {"error": error}, status)
    assert (answer.outcome, answer.reason) == ("refused", reason)


@pytest.mark.parametrize("message", ["bad key", "Access denied by the organisation's policy"])
def test_a_door_that_is_shut_is_no_filter(fake, message):
    with pytest.raises(ServiceError) as caught:
        say(fake, {"error": {"message": message}}, 403)
    assert caught.value.stop


# --- What an answer is ---------------------------------------------------------------------------


def test_a_list_of_parts_is_text_and_thinking(fake):
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "is it 4?"}]},
        {"type": "text", "text": "It is "},
        {"type": "text", "text": "4."},
    ]
    answer = say(fake, choice(parts))
    assert (answer.output, answer.thinking) == ("It is 4.", "is it 4?")
    assert answer.cost == pytest.approx((40 * 10 + 10 * 100) / 1e6)


@pytest.mark.parametrize(
    ("content", "message", "thinking"),
    [
        ("4", {"reasoning_content": "2+2"}, "2+2"),
        ("4", {"reasoning": "2+2"}, "2+2"),
        ("<think>2+2</think>\n\n4", {}, "2+2"),
        ("<THINKING>2+2</THINKING>4", {}, "2+2"),
        ("2+2</think>4", {}, "2+2"),
    ],
)
def test_thinking_is_no_part_of_the_answer(fake, content, message, thinking):
    usage = {"prompt_tokens": 1, "completion_tokens": 9, "total_tokens": 10,
             "completion_tokens_details": {"reasoning_tokens": 8}}  # fmt: skip
    answer = say(fake, choice(content, usage=usage, **message))
    assert (answer.output, answer.thinking, answer.outcome) == ("4", thinking, "answered")
    assert answer.tokens.thinking == 8
    assert "2+2" in answer.raw


def test_thinking_beside_the_answers_tokens_is_counted():
    found = read_usage({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 100})
    assert (found.input, found.output) == (10, 90)


@pytest.mark.parametrize("finish", ["length", "max_tokens", "MAX_TOKENS"])
@pytest.mark.parametrize("content", [None, "You can take", "<think>well"])
def test_a_truncated_answer_is_cut_off(fake, finish, content):
    answer = say(fake, choice(content, finish=finish))
    assert answer.outcome == "cut_off"
    assert answer.output == (content if content == "You can take" else None)
    assert answer.reason == f"cut_off: finish_reason is {finish}"


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"prompt_tokens": 20.0, "completion_tokens": 5.0}, (200 + 500) / 1e6),
        ({"prompt_tokens": "20", "completion_tokens": 5}, (200 + 500) / 1e6),
        ({"prompt_tokens": None, "completion_tokens": None}, None),
        ({}, None),
    ],
)
def test_a_count_is_read_or_unknown_but_never_nothing(fake, usage, cost):
    answer = say(fake, choice("yes", usage=usage))
    assert answer.cost == (None if cost is None else pytest.approx(cost))


@pytest.mark.parametrize("body", [b"<html>", {"choices": []}, choice(7), [1]])
def test_a_reply_that_cannot_be_read_was_billed_all_the_same(fake, body):
    with pytest.raises(ServiceError, match="malformed_reply") as caught:
        say(fake, fake.reply(body) if isinstance(body, bytes) else body)
    assert caught.value.billed == "yes"
    assert caught.value.raw


def test_a_template_strips_thinking_and_knows_filters(fake):
    def service(url):
        return TemplateService(name="t", url=url, answer_path="message.content")

    assert say(fake, {"message": {"content": "<think>a</think>b"}}, service=service).output == "b"
    error = {"error": {"code": "content_filter"}}
    assert say(fake, error, 400, service=service).outcome == "refused"
    with pytest.raises(ServiceError, match="http_429"):
        say(fake, {"error": {"code": 429}}, service=service)


def test_the_most_of_a_call_is_that_of_the_filled_prompt():
    service = ChatService(
        name="m", url="http://a/v1", model="m", prompt="{text}\n{context}",
        price=Price(input_tokens=1e6), options={"max_tokens": 5},
    )  # fmt: skip
    asked = Request(kind="text", media="why", sample_id="1", parameters={"context": "x" * 44_000})
    assert service.most(asked) > 44_000 / 4


# --- Transcription over HTTP ---------------------------------------------------------------------


SOUND = Audio(signal=np.zeros(16_000), rate=16_000)


def test_transcription_speaks_multipart(fake):
    with fake.serving(lambda *_: fake.reply({"text": " set the pump "})) as server:
        service = make_service(
            {"kind": "transcriptions", "url": server.url, "model": "whisper-1", "language": "en",
             "prompt": "names: {who}", "options": {"temperature": 0}, "price": {"minute": 0.6}}
        )  # fmt: skip
        assert service.uses == ("who",)
        answer = ask(service, SOUND, "audio", parameters={"who": "Li"})
    path, fields, body = server.asked[0]
    assert path == "/v1/audio/transcriptions"
    assert fields["content-type"].startswith("multipart/form-data; boundary=")
    for part in (b'name="model"\r\n\r\nwhisper-1', b'name="language"\r\n\r\nen', b"names: Li",
                 b'name="temperature"\r\n\r\n0', b'filename="sample.wav"', b"RIFF"):  # fmt: skip
        assert part in body
    assert (answer.output, answer.cost) == ("set the pump", pytest.approx(0.01, rel=0.01))


def test_a_transcription_without_words_is_empty_and_one_without_text_is_told(fake):
    def asked(sent):
        with fake.serving(lambda *_: sent) as server:
            return ask(TranscriptionService(name="t", url=server.url, model="w"), SOUND, "audio")

    assert asked(fake.reply({"text": ""})).outcome == "empty"
    with pytest.raises(ServiceError, match="malformed_reply: no text"):
        asked(fake.reply({"segments": []}))
    with pytest.raises(ServiceError, match="http_429"):
        asked(fake.reply({"error": "slow"}, 429))


# --- Source --------------------------------------------------------------------------------------


def test_a_module_beside_the_function_names_its_answers(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "bot_of_test.py").write_text(
        "import helper_of_test\ndef reply(text):\n    return helper_of_test.say(text)\n"
    )

    def version(helper):
        (tmp_path / "helper_of_test.py").write_text(helper)
        for name in ("bot_of_test", "helper_of_test"):
            sys.modules.pop(name, None)
        return FunctionService(name="f", function="bot_of_test:reply").version

    one = version("def say(text):\n    return 'a'\n")
    two = version("def say(text):\n    return 'b'\n")
    assert one != two
    assert version("def say(text):\n    return 'a'\n") == one


def test_a_programs_own_source_names_its_answers(tmp_path):
    script = tmp_path / "run.py"
    script.write_text("import part\nprint(part.word)\n")

    def version(part):
        (tmp_path / "part.py").write_text(part)
        return ProgramService(name="p", arguments=(sys.executable, str(script))).version

    assert version("word = 1") != version("word = 2")
    assert version("word = 2") == version("word = 2")


def test_a_functions_failure_says_where():
    def broken(image):
        return image + 1

    with pytest.raises(
        ServiceError, match=r"exception: TypeError: .*\(test_replies.py, line \d+\)"
    ):
        FunctionService(name="f", function=broken).answer_now(
            Request(kind="text", media="x", sample_id="1")
        )


# --- Amazon --------------------------------------------------------------------------------------


@pytest.fixture
def _amazon_keys(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")


def _bedrock(url):
    from evenhand.services.amazon import BedrockService

    pytest.importorskip("boto3")
    return BedrockService(name="b", model="m.x", region="us-east-1", endpoint=url, price=PRICE)


@pytest.mark.usefixtures("_amazon_keys")
def test_bedrock_cuts_off_thinks_and_filters(fake):
    content = [{"reasoningContent": {"reasoningText": {"text": "hm"}}}, {"text": "You can"}]
    body = {"output": {"message": {"role": "assistant", "content": content}},
            "stopReason": "max_tokens", "usage": {"inputTokens": 3, "outputTokens": 1}}  # fmt: skip
    answer = say(fake, body, service=_bedrock, Content_Type="application/json")
    assert (answer.outcome, answer.output, answer.thinking) == ("cut_off", "You can", "hm")
    message = {"message": "The request was blocked by our content filters."}
    refused = say(fake, message, 400, service=_bedrock, X_Amzn_ErrorType="ValidationException")
    assert (refused.outcome, refused.reason) == ("refused", "content_filter")


class _Transcriber:
    """Stands for both clients: the first job fails, later ones succeed."""

    def __init__(self, taken=()):
        self.jobs, self.asked = dict.fromkeys(taken, "FAILED"), []

    def put_object(self, **_):
        return {}

    def start_transcription_job(self, **asked):
        from botocore.exceptions import ClientError

        name = asked["TranscriptionJobName"]
        if name in self.jobs:
            raise ClientError({"Error": {"Code": "ConflictException"}}, "StartTranscriptionJob")
        self.asked.append(asked)
        self.jobs[name] = "COMPLETED" if len(self.jobs) else "FAILED"

    def get_transcription_job(self, TranscriptionJobName):
        status = self.jobs[TranscriptionJobName]
        return {"TranscriptionJob": {"TranscriptionJobStatus": status, "FailureReason": "internal"}}

    def get_object(self, **_):
        import io

        said = {"results": {"transcripts": [{"transcript": "yes"}]}}
        return {"Body": io.BytesIO(json.dumps(said).encode())}


@pytest.mark.parametrize(
    ("options", "language"),
    [({}, "en-US"), ({"IdentifyLanguage": True}, None), ({"LanguageCode": "de-DE"}, "de-DE")],
)
def test_transcribe_starts_a_new_job_in_place_of_a_failed_one(options, language):
    pytest.importorskip("boto3")
    from evenhand.services.amazon import TranscribeService

    service = TranscribeService(name="t", bucket="b", options=options, poll=0.001)
    twin = _Transcriber(taken=["evenhand-k"])
    service._clients.update(s3=twin, transcribe=twin)
    answer = ask(service, SOUND, "audio", key="k")
    assert (answer.output, len(twin.asked)) == ("yes", 1)
    assert twin.asked[0].get("LanguageCode") == language
    fresh = _Transcriber()
    service._clients.update(s3=fresh, transcribe=fresh)
    with pytest.raises(ServiceError, match="job_failed: internal") as caught:
        ask(service, SOUND, "audio", key="k")
    assert caught.value.retry
    assert ask(service, SOUND, "audio", key="k").output == "yes"


# --- Before the first call -----------------------------------------------------------------------


def test_a_check_names_keys_and_addresses(monkeypatch):
    monkeypatch.delenv("VENDOR_KEY", raising=False)
    service = ChatService(
        name="m", url="http://127.0.0.1:9/v1", model="m", headers={"X-Api-Key": "${VENDOR_KEY}"}
    )
    found = "\n".join(service.check())
    assert "export VENDOR_KEY=" in found
    assert "nobody answers at 127.0.0.1:9" in found


def test_a_check_names_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "h11", None)
    with pytest.raises(InputError, match=r"evenhand\[text\]"):
        ChatService(name="m", url="http://127.0.0.1:9/v1", model="m").check()
