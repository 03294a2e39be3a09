"""Services without a wire of ours: files, functions, programs, recognisers, ONNX, Amazon's twins."""

import asyncio
import io
import json
import pickle
import sys
import time
import types

import numpy as np
import pytest

from evenhand.errors import InputError
from evenhand.samples.audio import Audio, write_audio
from evenhand.services import (
    LocalService,
    MemoryService,
    Request,
    Service,
    ServiceError,
    make_service,
)
from evenhand.services.amazon import BedrockService, TranscribeService
from evenhand.services.function import EstimatorService, FunctionService
from evenhand.services.program import ProgramService
from evenhand.services.replay import ReplayService


def request(media="hello", kind="text", **more):
    return Request(kind=kind, media=media, sample_id="s1", **more)


def ask(service, *requests):
    async def run():
        try:
            return [await service.answer(each) for each in requests]
        finally:
            await service.close()

    found = asyncio.run(run())
    return found[0] if len(found) == 1 else found


def test_replay_finds_outputs_by_sample_condition_and_repeat(tmp_path):
    file = tmp_path / "o.csv"
    file.write_text("id,condition,repeat,output\ns1,clean,0,a\ns1,clean,1,b\ns1,tone,0,\n")
    service = ReplayService(name="r", file=file)
    found = ask(service, request(), request(repeat=1), request(condition="tone"))
    assert [(a.output, a.outcome) for a in found] == [
        ("a", "answered"),
        ("b", "answered"),
        (None, "empty"),
    ]
    with pytest.raises(
        ServiceError, match="not_collected: the file has no output of sample 's1' under 'hum'"
    ):
        ask(service, request(condition="hum"))


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_replay_reads_every_format(tmp_path, ending):
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = tmp_path / f"o.{ending}"
    if ending == "jsonl":
        file.write_text('{"key": "s1", "heard": "yes", "outcome": "refused", "reason": "r"}\n')
    else:
        table = {"key": ["s1"], "heard": ["yes"], "outcome": ["refused"], "reason": ["r"]}
        pq.write_table(pa.table(table), file)
    answer = ask(ReplayService(name="r", file=file, id="key", output="heard"), request())
    assert (answer.output, answer.outcome, answer.reason) == ("yes", "refused", "r")


def test_replay_with_two_different_outputs_is_refused(tmp_path):
    file = tmp_path / "o.csv"
    file.write_text("id,output\ns1,a\ns1,b\n")
    with pytest.raises(InputError, match="stand twice and differ"):
        ReplayService(name="r", file=file)
    with pytest.raises(InputError, match="Did you mean 'output'"):
        ReplayService(name="r", file=file, output="outpt")


def test_a_function_is_a_service_and_its_failure_an_outcome():
    service = FunctionService(
        name="f", function=lambda text: [{"label": text.upper(), "n": np.int64(3)}]
    )
    assert isinstance(service, LocalService)
    assert service.answer_now(request()).output == {"label": "HELLO", "n": 3}
    with pytest.raises(ServiceError, match="exception: TypeError"):
        FunctionService(name="f", function="json:loads").answer_now(request(media=3))
    with pytest.raises(InputError, match="Did you mean 'dumps'"):
        FunctionService(name="f", function="json:dump_s")


def test_a_changed_function_is_another_version():
    one, two = (lambda text: text), (lambda text: text + "!")
    assert (
        FunctionService(name="f", function=one).version
        != FunctionService(name="f", function=two).version
    )


def test_an_estimator_tells_label_and_score():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    values = rng.normal(size=(80, 2))
    model = LogisticRegression().fit(values, values[:, 0] > 0)
    service = EstimatorService(name="e", estimator=model, features=("a", "b"))
    output = service.answer_now(request(media={"b": 0.0, "a": 3.0}, kind="table")).output
    assert output["label"] is True
    assert output["score"] > 0.9
    with pytest.raises(ServiceError, match="no_feature: the row has no b"):
        service.answer_now(request(media={"a": 3.0}, kind="table"))


def test_a_program_reads_standard_input_or_a_file():
    script = "import sys; print(sys.stdin.read().upper())"
    service = ProgramService(name="p", arguments=(sys.executable, "-c", script))
    assert isinstance(service, Service)
    assert ask(service, request()).output == "HELLO"
    reader = "import sys; print(open(sys.argv[1]).read() + sys.argv[1][-4:])"
    service = ProgramService(name="p", arguments=(sys.executable, "-c", reader, "{file}"))
    assert ask(service, request()).output == "hello.txt"


def test_a_programs_arguments_never_meet_a_shell():
    script = "import sys; print(sys.argv[1])"
    service = ProgramService(name="p", arguments=(sys.executable, "-c", script, "$(id); `id`"))
    assert ask(service, request()).output == "$(id); `id`"


@pytest.mark.parametrize(
    ("first_line", "told"),
    [
        ("import nowhere_at_all", r"'faulty' imports it: install what brings it into "),
        ("open('nothere.bin')", r"FileNotFoundError: .*nothere.bin' \(faulty.py, line 1\)"),
        ("x = (", r"SyntaxError: '\(' was never closed \(faulty.py, line 1\).  See it by itself: python -c"),
        ("raise SystemExit(3)", r"SystemExit: 3 \(faulty.py, line 1\)"),
        ("from json import nothing_of_it", r"cannot import name 'nothing_of_it'.*  See it by itself"),
    ],
)  # fmt: skip
def test_a_module_that_cannot_be_imported_says_why_and_what_next(
    tmp_path, monkeypatch, first_line, told
):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "faulty.py").write_text(f"{first_line}\ndef f(x):\n    return x\n")
    with pytest.raises(InputError, match=told) as error:
        FunctionService(name="f", function="faulty:f")
    assert "PYTHONPATH" not in str(error.value)
    with pytest.raises(InputError, match="Is the module on PYTHONPATH"):
        FunctionService(name="f", function="nowhere_at_all:f")


def test_a_program_that_fails_or_hangs_is_told_and_killed():
    failing = (sys.executable, "-c", "import sys; sys.exit('no model')")
    with pytest.raises(ServiceError, match="exit_code: 1; no model"):
        ask(ProgramService(name="p", arguments=failing), request())
    start = time.monotonic()
    hanging = (sys.executable, "-c", "import time; time.sleep(60)")
    with pytest.raises(ServiceError, match="timeout"):
        ask(ProgramService(name="p", arguments=hanging, timeout=0.5), request())
    assert time.monotonic() - start < 20
    with pytest.raises(
        InputError, match=r"no program is called 'nothere'\.  Install it, or write its path"
    ):
        ProgramService(name="p", arguments=("nothere",))


def test_pocketsphinx_answers_alike_whatever_came_before():
    pytest.importorskip("pocketsphinx")
    pytest.importorskip("soxr")
    service = make_service({"kind": "pocketsphinx"})
    rng = np.random.default_rng(3)
    media = [Audio(signal=rng.normal(size=8000) * level, rate=8000) for level in (0.01, 0.3)]
    first, _, again = (
        service.answer_now(request(media=m, kind="audio")) for m in (*media, media[0])
    )
    assert (first.output, first.outcome) == (again.output, again.outcome)
    assert pickle.loads(pickle.dumps(service)).version == service.version


def test_whisper_joins_its_segments(monkeypatch):
    # The package is stood in for: its models cannot be fetched in tests.
    class Model:
        def __init__(self, name, **given):
            self.name = name

        def transcribe(self, signal, language, **options):
            assert signal.dtype == np.float32
            return iter(
                [types.SimpleNamespace(text=" set the"), types.SimpleNamespace(text=" pump ")]
            ), None

    monkeypatch.setitem(sys.modules, "faster_whisper", types.SimpleNamespace(WhisperModel=Model))
    service = make_service({"kind": "whisper", "model": "tiny", "options": {"beam_size": 1}})
    sound = Audio(signal=np.zeros(1600), rate=16000)
    assert service.answer_now(request(media=sound, kind="audio")).output == "set the pump"


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(InputError, match=r"pip install 'evenhand\[speech\]'"):
        make_service({"kind": "pocketsphinx"})


def _onnx_model(path):
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    weights = helper.make_tensor("w", kinds.FLOAT, [2, 2], [1, 0, 0, 1])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["s"]), helper.make_node("Softmax", ["s"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", kinds.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", kinds.FLOAT, [1, 2])],
        [weights],
    )
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)


def test_an_onnx_model_classifies_rows(tmp_path):
    pytest.importorskip("onnxruntime")
    _onnx_model(tmp_path / "m.onnx")
    table = {"kind": "onnx", "model": "m.onnx", "features": ["a", "b"], "labels": ["no", "yes"]}
    service = make_service(table, folder=tmp_path)
    output = service.answer_now(request(media={"a": 0.0, "b": 2.0}, kind="table")).output
    assert output["label"] == "yes"
    assert output["score"] == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-6)
    with pytest.raises(ServiceError, match="no_feature"):
        service.answer_now(request(media={"a": 0.0}, kind="table"))
    (tmp_path / "m.onnx").write_bytes(b"nothing")
    with pytest.raises(InputError, match="no ONNX model"):
        make_service(table, folder=tmp_path).answer_now(
            request(media={"a": 1, "b": 2}, kind="table")
        )


@pytest.fixture
def _amazon_keys(monkeypatch):
    pytest.importorskip("boto3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTESTTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def _bedrock(server):
    return BedrockService(name="b", model="m.x", region="us-east-1", endpoint=server.url, timeout=2)


@pytest.mark.usefixtures("_amazon_keys")
def test_bedrock_converses(fake):
    found = {
        "output": {"message": {"role": "assistant", "content": [{"text": "yes"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 3, "outputTokens": 1, "totalTokens": 4},
        "metrics": {"latencyMs": 1},
    }
    with fake.serving(lambda *_: fake.reply(found, Content_Type="application/json")) as server:
        answer = ask(_bedrock(server), request())
        found["stopReason"] = "guardrail_intervened"
        refused = ask(_bedrock(server), request())
    assert (answer.output, refused.outcome, refused.reason) == (
        "yes",
        "refused",
        "guardrail_intervened",
    )
    assert json.loads(server.asked[0][2])["messages"][0]["content"] == [{"text": "hello"}]
    assert "secret-of-the-test" not in (answer.raw or "")


@pytest.mark.usefixtures("_amazon_keys")
@pytest.mark.parametrize(
    ("status", "code", "retry", "stop"),
    [(429, "ThrottlingException", True, False), (403, "AccessDeniedException", False, True),
     (500, "InternalServerException", True, False), (400, "ValidationException", False, False)],
)  # fmt: skip
def test_bedrocks_errors_say_whether_to_ask_again(fake, status, code, retry, stop):
    sent = fake.reply({"message": "why"}, status, X_Amzn_ErrorType=code, Retry_After="2")
    with (
        fake.serving(lambda *_: sent) as server,
        pytest.raises(ServiceError, match=f"amazon_{code}: why") as caught,
    ):
        ask(_bedrock(server), request())
    assert (caught.value.retry, caught.value.stop, caught.value.retry_after) == (retry, stop, 2.0)
    assert len(server.asked) == 1


@pytest.mark.usefixtures("_amazon_keys")
def test_transcribe_finds_the_job_of_a_run_that_was_killed():
    pytest.importorskip("moto")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        service = TranscribeService(
            name="t",
            bucket="ward-calls",
            region="us-east-1",
            endpoint=f"http://{host}:{port}",
            poll=0.01,
        )
        s3 = service.client("s3")
        s3.create_bucket(Bucket="ward-calls")
        said = {"results": {"transcripts": [{"transcript": "set the pump"}]}}
        # moto runs jobs, but writes no transcript: that is put there first.
        s3.put_object(Bucket="ward-calls", Key="evenhand/k1.json", Body=json.dumps(said).encode())
        sound = Audio(signal=np.zeros(1600), rate=16000)
        asked = request(media=sound, kind="audio", key="k1")
        first, again = ask(service, asked, asked)
        jobs = service.client("transcribe").list_transcription_jobs()
    finally:
        server.stop()
    assert (first.output, again.output) == ("set the pump", "set the pump")
    assert len(jobs["TranscriptionJobSummaries"]) == 1


def test_the_catalogue_tells_all_faults_of_a_table(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'chat'"):
        make_service({"kind": "chatt"})
    with pytest.raises(
        InputError, match=r"(?s)Did you mean 'model'.*url is missing.*model is missing"
    ):
        make_service({"kind": "chat", "modle": "x"})
    with pytest.raises(InputError, match="Did you mean 'minute'"):
        make_service({"kind": "chat", "url": "http://a", "model": "m", "price": {"minutes": 1}})
    with pytest.raises(InputError, match="may not start code"):
        make_service({"kind": "program", "arguments": ["ls"]}, own_code=False)


def test_the_twin_answers_and_fails_as_told():
    twin = MemoryService(function=lambda r: r.media, script=iter([ServiceError("http_500"), None]))
    with pytest.raises(ServiceError, match="http_500"):
        ask(twin, request())
    assert ask(twin, request()).output == "hello"


def test_sound_goes_out_as_wav():
    soundfile = pytest.importorskip("soundfile")
    sound = Audio(signal=np.linspace(-0.5, 0.5, 800), rate=8000)
    content = request(media=sound, kind="audio").payload().content
    assert content == write_audio(sound)
    assert soundfile.info(io.BytesIO(content)).samplerate == 8000
