"""What a socket may do to a call, and what the caller is told."""

import asyncio
import logging

import pytest

from evenhand.errors import InputError
from evenhand.services import Price, Request, ServiceError
from evenhand.services.chat import ChatService
from evenhand.services.template import TemplateService, fill, find, read_path
from evenhand.services.waits import retry_after
from evenhand.services.wire import Client

KEY = "sk-very-secret-1234567890"


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("VENDOR_KEY", KEY)


def ask(service, media="hello", kind="text", times=1, **more):
    async def run():
        try:
            return [
                await service.answer(Request(kind=kind, media=media, sample_id="s1", **more))
                for _ in range(times)
            ]
        finally:
            await service.close()

    found = asyncio.run(run())
    return found[0] if times == 1 else found


def chat_service(server, **more):
    headers = {"Authorization": "Bearer ${VENDOR_KEY}"}
    return ChatService(name="m", url=server.url, model="m", headers=headers, **more)


def test_a_chat_answer_comes_with_its_cost(fake):
    with fake.serving(lambda *_: fake.chat("yes")) as server:
        price = Price(input_tokens=10, output_tokens=100)
        answer = ask(chat_service(server, price=price))
    assert (answer.output, answer.outcome) == ("yes", "answered")
    assert answer.cost == pytest.approx((40 * 10 + 10 * 100) / 1e6)
    path, fields, body = server.asked[0]
    assert path == "/v1/chat/completions"
    assert fields["authorization"] == f"Bearer {KEY}"
    assert b'"content":"hello"' in body


def test_completions_speak_their_own_format(fake):
    with fake.serving(lambda *_: fake.reply({"choices": [{"text": " B"}]})) as server:
        answer = ask(chat_service(server, mode="completions", prompt="Q: {text}\nA:"))
    assert answer.output == " B"
    assert server.asked[0][0] == "/v1/completions"
    assert b'"prompt":"Q: hello\\nA:"' in server.asked[0][2]


def test_connections_are_kept_and_a_stale_one_is_replaced(fake):
    def answer(count, *_):
        return fake.CLOSE if count == 2 else fake.chat("yes")

    with fake.serving(answer) as server:
        found = ask(chat_service(server), times=2)
    assert [each.output for each in found] == ["yes", "yes"]
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("choice", "outcome", "reason"),
    [
        ({"finish_reason": "content_filter"}, "refused", "content_filter"),
        ({"message": {"refusal": "I won't."}}, "refused", "refusal"),
        ({"message": {"content": ""}}, "empty", "empty_answer"),
        ({"message": {"content": None}}, "empty", "empty_answer"),
    ],
)
def test_refusals_and_empty_answers_are_outcomes(fake, choice, outcome, reason):
    with fake.serving(lambda *_: fake.chat("x", **choice)) as server:
        answer = ask(chat_service(server))
    assert (answer.outcome, answer.reason) == (outcome, reason)


def test_a_filtered_prompt_is_a_refusal_not_a_failure(fake):
    error = {"error": {"code": "content_filter", "message": "filtered"}}
    with fake.serving(lambda *_: fake.reply(error, 400)) as server:
        answer = ask(chat_service(server))
    assert (answer.outcome, answer.reason) == ("refused", "content_filter")


def _misbehaving(fake):
    whole = fake.chat("yes")
    return {
        "http_429": (fake.reply({"error": "slow"}, 429, Retry_After="1.5"), True, 1.5),
        "http_500": (fake.reply(b"oops", 500), True, None),
        "http_401": (fake.reply({"error": {"message": f"bad key {KEY}"}}, 401), False, None),
        "http_302": (fake.reply(b"", 302, Location="http://elsewhere/"), False, None),
        "timeout": (fake.HANG, True, None),
        "broken_reply": ((whole[:-10],), True, None),
        "malformed_reply": (fake.reply(b'{"choices": ['), False, None),
        "malformed_reply 2": (fake.reply({"choices": []}), False, None),
        "malformed_reply 3": (fake.reply(b"[1]"), False, None),
        "malformed_reply 4": (fake.reply({"choices": [{"message": {"content": 7}}]}), False, None),
        "broken_reply 2": (b"not http at all", True, None),
        "broken_reply 3": (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", True, None),
        "broken_reply 4": (fake.CLOSE, True, None),
    }


@pytest.mark.parametrize(
    "case",
    ["http_429", "http_500", "http_401", "http_302", "timeout", "broken_reply", "broken_reply 2",
     "broken_reply 3", "broken_reply 4", "malformed_reply", "malformed_reply 2",
     "malformed_reply 3", "malformed_reply 4"],
)  # fmt: skip
def test_every_misbehaviour_has_its_reason(fake, case):
    sent, retry, wait = _misbehaving(fake)[case]
    with (
        fake.serving(lambda *_: sent) as server,
        pytest.raises(ServiceError, match=case.split()[0]) as caught,
    ):
        ask(chat_service(server, timeout=0.5))
    assert (caught.value.retry, caught.value.retry_after) == (retry, wait)
    assert KEY not in str(caught.value)


def test_a_huge_reply_is_given_up(fake):
    async def run(url):
        client = Client(url=url, max_reply=1000)
        await client.send("POST", url, {}, b"")

    with (
        fake.serving(lambda *_: fake.reply(b"x" * 5000)) as server,
        pytest.raises(ServiceError, match="huge_reply"),
    ):
        asyncio.run(run(server.url))


def test_a_dripping_reply_runs_out_of_time(fake):
    async def drip(*_):
        await asyncio.sleep(0.4)
        return fake.chat("late")

    with fake.serving(drip) as server, pytest.raises(ServiceError, match="timeout"):
        ask(chat_service(server, timeout=0.2))


def test_nobody_listens():
    service = ChatService(name="m", url="http://127.0.0.1:9/v1", model="m")
    with pytest.raises(ServiceError, match="no_connection") as caught:
        ask(service)
    assert caught.value.retry


def test_the_key_is_nowhere_but_in_the_request(fake, caplog):
    def echo(_, fields, __):
        return fake.chat(f"you sent {fields['authorization']}")

    with caplog.at_level(logging.DEBUG), fake.serving(echo) as server:
        service = chat_service(server)
        answer = ask(service)
    for text in (answer.output, answer.raw, service.version, repr(service), caplog.text):
        assert KEY not in text
    assert "${VENDOR_KEY}" in answer.output


def test_a_missing_key_is_told_by_name(fake, monkeypatch):
    monkeypatch.delenv("VENDOR_KEY")
    with (
        fake.serving(lambda *_: fake.chat("x")) as server,
        pytest.raises(InputError, match="VENDOR_KEY"),
    ):
        ask(chat_service(server))
    assert server.asked == []


@pytest.mark.parametrize(
    "given",
    [
        {"url": "http://a/v1", "headers": {"Authorization": f"Bearer {KEY}"}},
        {"url": "http://me:pw@a/v1"},
        {"url": "http://a/v1?api_key=abc"},
        {"url": "http://a/v1?key=abc"},
    ],
)
def test_a_key_in_the_plan_is_refused_and_not_repeated(given):
    with pytest.raises(InputError, match="environment") as caught:
        TemplateService(name="t", **given)
    assert KEY not in str(caught.value)


def test_a_template_fits_any_vendor(fake):
    with fake.serving(lambda *_: fake.reply({"results": [{"label": "cat", "p": 0.9}]})) as server:
        service = TemplateService(
            name="t",
            url=server.url,
            body={"row": "{row}", "id": "{sample_id}", "who": "{who}", "say": "n={row.n}"},
            answer_path={"label": "results[0].label", "score": "results.0.p"},
        )
        answer = ask(service, kind="table", media={"n": 3}, parameters={"who": "w"})
    assert answer.output == {"label": "cat", "score": 0.9}
    assert server.asked[0][2] == b'{"row": {"n": 3}, "id": "s1", "who": "w", "say": "n=3"}'
    assert service.uses == ("sample_id", "who")


def test_media_travel_as_they_are_or_in_base64(fake):
    with fake.serving(lambda *_: fake.reply(b"heard it")) as server:
        answer = ask(TemplateService(name="t", url=server.url))
        ask(TemplateService(name="t", url=server.url, body={"b": "{media_base64}"}))
    assert answer.output == "heard it"
    assert server.asked[0][1]["content-type"] == "text/plain"
    assert server.asked[1][2] == b'{"b": "aGVsbG8="}'


def test_a_path_that_leads_nowhere_says_so(fake):
    with (
        fake.serving(lambda *_: fake.reply({"a": 1})) as server,
        pytest.raises(ServiceError, match=r"no_answer: nothing at 'b\.c'"),
    ):
        ask(TemplateService(name="t", url=server.url, answer_path="b.c"))


def test_a_refusal_can_be_a_field(fake):
    with fake.serving(lambda *_: fake.reply({"blocked": True, "a": "x"})) as server:
        answer = ask(
            TemplateService(name="t", url=server.url, answer_path="a", refused={"blocked": True})
        )
    assert answer.outcome == "refused"


def test_paths_and_slots_are_checked():
    with pytest.raises(InputError, match="is no path"):
        read_path("a..b")
    with pytest.raises(ServiceError, match="no_slot"):
        fill("{absent}", Request(kind="text", media="x", sample_id="1"))
    with pytest.raises(LookupError):
        find({"a": 1}, "a.b")


def test_a_date_is_read_on_the_services_own_clock():
    asked = {
        "retry-after": "Fri, 01 Jan 2100 00:00:05 GMT",
        "date": "Fri, 01 Jan 2100 00:00:00 GMT",
    }
    assert retry_after(asked) == 5.0
    assert retry_after({"retry-after": "soon"}) is None
    # Without a `Date` our own clock is read, once: most servers send a date, none must.
    assert retry_after({"retry-after": "Fri, 01 Jan 2100 00:00:05 GMT"}) > 86_400
    assert retry_after({"retry-after": "Fri, 01 Jan 1999 00:00:05 GMT"}) == 0.0
