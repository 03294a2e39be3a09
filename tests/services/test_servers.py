"""Servers as people run them: each spoken to as its own documents say, and counted.

Written after the sources and documents of late 2026: OpenAI's and Azure's Python client, vLLM's server,
llama.cpp's `llama-server`, whisper.cpp's `whisper-server`.
"""

import json
import re
from collections import Counter

import numpy as np
import pytest

from evenhand.samples.audio import Audio
from evenhand.samples.image import Image
from evenhand.services import Price, ServiceError, faults, make_service
from evenhand.services.chat import ChatService
from evenhand.services.keys import address_below
from evenhand.trials import pace, run_trial

SOUND = Audio(signal=np.zeros(16_000), rate=16_000)
PICTURE = Image(pixels=np.zeros((4, 4, 3), np.uint8))
PRICE = Price(input_tokens=10, output_tokens=100)
TEXTS = [{"id": str(n), "text": f"question {n}"} for n in range(12)]


@pytest.fixture
def keyed(monkeypatch):
    monkeypatch.setenv("OUR_KEY", "k-1234567890")
    return {"Authorization": "Bearer ${OUR_KEY}"}


class Server:
    """Routes of one program; what is asked elsewhere, or without its key, is refused as it refuses."""

    def __init__(self, fake, routes, *, key=None):
        self.fake, self.routes, self.key, self.asked = fake, routes, key, Counter()

    def __call__(self, _, fields, body):
        path = self.fake_server.asked[-1][0]
        self.asked[path] += 1
        if self.key is not None and fields.get(self.key[0]) != self.key[1]:
            return self.fake.reply({"error": {"message": "no such key", "code": 401}}, 401)
        if path not in self.routes:
            return self.fake.reply({"error": {"message": f"no {path}", "code": 404}}, 404)
        found = self.routes[path](fields, body)
        return found if isinstance(found, bytes) else self.fake.reply(found)


@pytest.fixture
def speak(fake):
    """A server that speaks by its routes, on a socket of its own."""

    def made(routes, **more):
        program = Server(fake, routes, **more)
        context = fake.serving(program)
        program.fake_server = context.__enter__()
        opened.append(context)
        program.root = program.fake_server.url.removesuffix("/v1")
        return program

    opened = []
    yield made
    for context in opened:
        context.__exit__(None, None, None)


def outcomes(service, samples, folder, **trial):
    plan = {"trial": {"measure": False, **trial}, "samples": samples, "services": [service]}
    return run_trial(plan, out=folder / "records.parquet")


def form_of(fields, body):
    """Parts of a form by name."""
    boundary = re.search(r"boundary=(\S+)", fields["content-type"])[1].encode()
    parts = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        parts[re.search(rb'name="([^"]+)"', head)[1].decode()] = content
    return parts


# --- OpenAI's responses --------------------------------------------------------------------------


def a_response(*output, status="completed", **more):
    usage = {
        "input_tokens": 40, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 10,
        "output_tokens_details": {"reasoning_tokens": 4}, "total_tokens": 50,
    }  # fmt: skip
    return {"id": "resp_1", "object": "response", "status": status, "error": None,
            "incomplete_details": None, "output": list(output), "usage": usage, **more}  # fmt: skip


def said(text, kind="output_text", name="text"):
    part = {"type": kind, name: text, "annotations": []}
    return {"type": "message", "role": "assistant", "status": "completed", "content": [part]}


def thought(text):
    return {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": text}]}


def test_responses_are_asked_and_read(speak, keyed, tmp_path):
    bodies = []

    def answer(_, body):
        bodies.append(json.loads(body))
        return a_response(thought("short"), said("B"))

    server = speak({"/v1/responses": answer}, key=("authorization", "Bearer k-1234567890"))
    service = {"kind": "responses", "url": server.root + "/v1", "model": "gpt-x", "headers": keyed,
               "system": "One letter.", "options": {"max_output_tokens": 20, "reasoning": {"effort": "low"}},
               "price": {"input_tokens": 10, "output_tokens": 100}}  # fmt: skip
    trial = outcomes(service, TEXTS, tmp_path, budget=1)
    assert trial.outcomes == {"answered": 12}
    assert server.asked == {"/v1/responses": 12}
    assert trial.cost == pytest.approx(12 * (40 * 10 + 10 * 100) / 1e6)
    assert {body["input"] for body in bodies} == {each["text"] for each in TEXTS}
    assert {key: bodies[0][key] for key in ("model", "instructions", "store", "max_output_tokens")} == {
        "model": "gpt-x", "instructions": "One letter.", "store": False, "max_output_tokens": 20,
    }  # fmt: skip
    outcomes(service, TEXTS, tmp_path, budget=1)
    assert server.asked == {"/v1/responses": 12}


@pytest.mark.parametrize(
    ("reply", "outcome", "output", "thinking"),
    [
        (a_response(thought("A?"), said("B"), said("!")), "answered", "B!", "A?"),
        (a_response({**said("x"), "content": []}), "empty", None, None),
        (a_response({"type": "function_call", "name": "f", "arguments": "{}"}), "empty", None, None),
        (a_response(said("I won't.", "refusal", "refusal")), "refused", "I won't.", None),
        (a_response(said("half"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
         "cut_off", "half", None),
        (a_response(thought("so"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
         "cut_off", None, "so"),
        (a_response(status="incomplete", incomplete_details={"reason": "content_filter"}),
         "refused", None, None),
        (a_response(status="failed", error={"code": "invalid_prompt", "message": "Your prompt was flagged "
         "as potentially violating our usage policy."}), "refused", None, None),
    ],
)  # fmt: skip
def test_each_ending_of_a_response_is_what_it_is(speak, ask, reply, outcome, output, thinking):
    server = speak({"/v1/responses": lambda *_: reply})
    answer = ask(
        ChatService(
            name="m", url=server.root + "/v1", model="m", mode="responses", price=PRICE
        )
    )  # fmt: skip
    assert (answer.outcome, answer.thinking) == (outcome, thinking)
    assert outcome == "refused" or answer.output == output


@pytest.mark.parametrize(
    ("reply", "code", "retry", "billed"),
    [
        (a_response(status="failed", error={"code": "server_error", "message": "x"}), "http_500", True, "yes"),
        (a_response(status="failed", error={"code": "rate_limit_exceeded", "message": "x"}), "http_429", True, "yes"),
        (a_response(status="failed", error={"code": "image_too_large", "message": "x"}), "http_400", False, "yes"),
        (a_response(status="cancelled"), "failed_reply", True, "maybe"),
        (a_response(status="in_progress"), "no_answer", False, "maybe"),
        ({"object": "response", "status": "completed"}, "malformed_reply", False, "yes"),
        ({"object": "response", "output": ["x"]}, "malformed_reply", False, "yes"),
    ],
)  # fmt: skip
def test_each_fault_of_a_response_is_what_it_is(speak, ask, reply, code, retry, billed):
    server = speak({"/v1/responses": lambda *_: reply})
    service = ChatService(
        name="m", url=server.root + "/v1", model="m", mode="responses", price=PRICE
    )  # fmt: skip
    with pytest.raises(ServiceError, match=code) as caught:
        ask(service)
    assert (caught.value.retry, caught.value.billed) == (retry, billed)


def test_a_response_takes_a_picture_and_no_sound(speak, ask):
    bodies = []
    server = speak(
        {"/v1/responses": lambda _, body: bodies.append(body) or a_response(said("black"))}
    )
    service = ChatService(
        name="m", url=server.root + "/v1", model="m", mode="responses", prompt="What?"
    )
    assert ask(service, PICTURE, "image").output == "black"
    text, picture = json.loads(bodies[0])["input"][0]["content"]
    assert text == {"type": "input_text", "text": "What?"}
    assert picture["type"] == "input_image"
    assert picture["image_url"].startswith("data:image/png;base64,iVBOR")
    with pytest.raises(ServiceError, match="unfit_media") as caught:
        ask(service, SOUND, "audio")
    assert caught.value.stop


# --- Azure OpenAI --------------------------------------------------------------------------------


def test_azure_is_a_deployment_a_version_and_a_key(speak, fake, monkeypatch, tmp_path):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key-1")
    address = "/openai/deployments/ward-gpt/chat/completions?api-version=2024-10-21"
    filtered = {
        "error": {
            "message": "The response was filtered due to the prompt triggering Azure OpenAI's content "
            "management policy.", "type": None, "param": "prompt", "code": "content_filter", "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation"},
        }
    }  # fmt: skip

    def answer(_, body):
        return fake.reply(filtered, 400) if b"question 3" in body else fake.chat("B")

    server = speak({address: answer}, key=("api-key", "azure-key-1"))
    service = {
        "kind": "chat", "model": "ward-gpt", "headers": {"api-key": "${AZURE_OPENAI_API_KEY}"},
        "url": server.root + "/openai/deployments/ward-gpt?api-version=2024-10-21",
    }  # fmt: skip
    trial = outcomes(service, TEXTS, tmp_path)
    assert trial.outcomes == {"answered": 11, "refused": 1}
    assert server.asked == {address: 12}


def test_azure_transcribes_below_a_deployment(speak, ask):
    address = "/openai/deployments/whisper/audio/transcriptions?api-version=2024-10-21"
    server = speak({address: lambda *_: {"text": "the pump"}})
    url = server.root + "/openai/deployments/whisper?api-version=2024-10-21"
    service = make_service({"kind": "transcriptions", "url": url, "model": "whisper"})
    assert ask(service, SOUND, "audio").output == "the pump"


def test_azures_undated_address_needs_nothing_of_its_own(speak, ask):
    server = speak({"/openai/v1/responses": lambda *_: a_response(said("B"))})
    service = make_service({"kind": "responses", "url": server.root + "/openai/v1/", "model": "d"})
    assert ask(service).output == "B"


def test_an_address_may_end_as_it_likes():
    assert address_below("http://a/v1/?b=c", "/d") == "http://a/v1/d?b=c"
    assert address_below("http://a", "d/e") == "http://a/d/e"


# --- vLLM ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_vllm_thinks_beside_its_answer(speak, ask, name):
    choice = {"index": 0, "message": {"role": "assistant", "content": "B", name: "A is wrong", "tool_calls": []},
              "finish_reason": "stop", "stop_reason": None}  # fmt: skip
    usage = {
        "prompt_tokens": 9,
        "total_tokens": 14,
        "completion_tokens": 5,
        "prompt_tokens_details": None,
    }
    server = speak({"/v1/chat/completions": lambda *_: {"choices": [choice], "usage": usage}})
    answer = ask(ChatService(name="v", url=server.root + "/v1", model="qwen"))
    assert (answer.output, answer.thinking, answer.tokens.output) == ("B", "A is wrong", 5)


def test_what_vllm_aborts_is_asked_again(speak, monkeypatch, tmp_path):
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.001)
    seen = Counter()

    def answer(_, body):
        seen[body] += 1
        ended = "abort" if seen[body] == 1 else "stop"
        return {"choices": [{"message": {"content": "B"}, "finish_reason": ended}]}

    server = speak({"/v1/chat/completions": answer})
    service = {"kind": "chat", "url": server.root + "/v1", "model": "m"}
    trial = outcomes(service, TEXTS, tmp_path)
    assert (trial.outcomes, trial.retries) == ({"answered": 12}, 12)
    assert server.asked == {"/v1/chat/completions": 24}


def test_vllms_flat_errors_are_errors(speak, fake, ask):
    flat = {"object": "error", "message": "This model's maximum context length is 4096 tokens.",
            "type": "BadRequestError", "param": None, "code": 400}  # fmt: skip
    server = speak({"/v1/chat/completions": lambda *_: fake.reply(flat, 400)})
    with pytest.raises(ServiceError, match="http_400: This model's maximum context") as caught:
        ask(ChatService(name="v", url=server.root + "/v1", model="m"))
    assert not caught.value.retry
    assert not caught.value.stop


def test_vllm_transcribes_and_tells_seconds(speak, ask):
    forms = []

    def answer(fields, body):
        forms.append(form_of(fields, body))
        return {"text": " the pump ", "usage": {"type": "duration", "seconds": 1}}

    server = speak({"/v1/audio/transcriptions": answer})
    service = make_service({"kind": "transcriptions", "url": server.root + "/v1", "language": "en",
                            "model": "openai/whisper-large-v3", "price": {"minute": 0.6}})  # fmt: skip
    answer = ask(service, SOUND, "audio")
    assert (answer.output, answer.cost) == ("the pump", pytest.approx(0.01, rel=0.01))
    assert forms[0]["model"] == b"openai/whisper-large-v3"
    assert forms[0]["file"].startswith(b"RIFF")


# --- llama.cpp -----------------------------------------------------------------------------------


def test_llama_cpp_is_waited_for_while_it_loads(speak, fake, monkeypatch, tmp_path):
    monkeypatch.setattr(faults, "LOADING_SECONDS", 0.01)
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.001)
    loading = {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}
    calls = []

    def answer(*_):
        calls.append(None)
        return fake.reply(loading, 503) if len(calls) <= 10 else fake.chat("B")

    server = speak({"/v1/chat/completions": answer})
    service = {"kind": "chat", "url": server.root + "/v1", "model": "any", "attempts": 2}
    trial = outcomes(service, TEXTS[:4], tmp_path)
    # More refusals than two attempts a row would bear: a wait is no attempt.
    assert trial.outcomes == {"answered": 4}
    assert sum(server.asked.values()) == 14


def test_llama_cpp_counts_its_tokens_and_thinks_apart(speak, ask):
    reply = {
        "choices": [{"finish_reason": "length", "index": 0,
                     "message": {"role": "assistant", "reasoning_content": "hm", "content": "half"}}],
        "created": 1, "model": "gpt-3.5-turbo", "system_fingerprint": "b1-x", "object": "chat.completion",
        "usage": {"completion_tokens": 8, "prompt_tokens": 40, "total_tokens": 48},
        "timings": {"prompt_n": 40, "predicted_n": 8},
    }  # fmt: skip
    server = speak({"/v1/chat/completions": lambda *_: reply})
    answer = ask(ChatService(name="l", url=server.root + "/v1", model="m", price=PRICE))
    assert (answer.outcome, answer.output, answer.thinking) == ("cut_off", "half", "hm")
    assert answer.cost == pytest.approx((40 * 10 + 8 * 100) / 1e6)


# --- whisper.cpp ---------------------------------------------------------------------------------


def test_whisper_cpp_has_a_path_of_its_own(speak, tmp_path):
    forms = []

    def answer(fields, body):
        forms.append(form_of(fields, body))
        return {"text": " And so my fellow Americans,\n ask not.\n"}

    server = speak({"/inference": answer})
    samples = [{"id": str(n), "kind": "audio", "media": Audio(signal=np.full(8000, n / 100), rate=16_000)}
               for n in range(3)]  # fmt: skip
    service = {"kind": "transcriptions", "url": server.root, "path": "inference", "model": "base.en",
               "language": "auto", "options": {"temperature": 0}, "in_flight": 1}  # fmt: skip
    trial = outcomes(service, samples, tmp_path)
    assert trial.outcomes == {"answered": 3}
    assert server.asked == {"/inference": 3}
    assert (forms[0]["language"], forms[0]["response_format"]) == (b"auto", b"json")
    outcomes(service, samples, tmp_path)
    assert server.asked == {"/inference": 3}


def test_what_whisper_cpp_cannot_read_is_told_of_that_sound(speak, fake, ask):
    refused = fake.reply({"error": "failed to read audio data"}, 400)
    server = speak({"/inference": lambda *_: refused})
    service = make_service(
        {"kind": "transcriptions", "url": server.root, "path": "/inference", "model": "m"}
    )
    with pytest.raises(ServiceError, match="http_400: failed to read audio data") as caught:
        ask(service, SOUND, "audio")
    assert not caught.value.stop


def test_a_path_changes_the_content_address_and_the_usual_one_does_not():
    given = {"kind": "transcriptions", "url": "http://127.0.0.1:1/v1", "model": "m"}
    usual, own = make_service(given), make_service({**given, "path": "inference"})
    assert usual.version == '["http://127.0.0.1:1/v1","m",null,null,{}]'
    assert own.version != usual.version
