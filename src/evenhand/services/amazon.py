"""Amazon's services through boto3: Bedrock (Converse) and Transcribe (batch).

Keys come from boto3's own chain (environment, profile, role); nothing of them is read here.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from evenhand.errors import InputError
from evenhand.services.chat import ended_answer
from evenhand.services.faults import is_filter
from evenhand.services.service import Answer, Price, Request, ServiceError, plain_answer
from evenhand.services.template import fill, slots_in, written_json
from evenhand.services.thinking import joined_thinking
from evenhand.services.usage import (
    longest_answer,
    media_tokens,
    read_usage,
    sound_seconds,
    text_tokens,
)
from evenhand.services.waits import retry_after

_THREADS = 64
#: Options under which Transcribe finds the language out, and takes no code.
_FINDS_LANGUAGE = ("IdentifyLanguage", "IdentifyMultipleLanguages", "LanguageCode")
#: Errors that may concern one prompt alone.
_OF_ONE_PROMPT = ("amazon_ValidationException", "amazon_AccessDeniedException")
#: Jobs of one sound that may fail before it is given up.
_JOBS = 20
#: Words of a failure that a new job would meet again.
_LASTING = ("format", "unsupported", "invalid", "sample rate", "too short", "too long")
_STOP = (
    "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException",
    "ExpiredTokenException", "ResourceNotFoundException", "NoSuchBucket", "AccessDenied",
    "InvalidAccessKeyId", "SignatureDoesNotMatch",
)  # fmt: skip
_RETRY = (
    "ThrottlingException", "TooManyRequestsException", "ServiceUnavailableException", "SlowDown",
    "InternalServerException", "InternalFailureException", "ModelTimeoutException",
    "ModelNotReadyException", "LimitExceededException", "RequestTimeout",
)  # fmt: skip
_SLOW = ("ThrottlingException", "TooManyRequestsException", "SlowDown", "LimitExceededException")


@dataclass(slots=True, kw_only=True)
class _Amazon:
    """What both share: clients, threads, and what an error means.

    Attributes
    ----------
    region : str, optional
    endpoint : str, optional
        Another address that speaks the protocol, for tests.
    """

    region: str | None = None
    endpoint: str | None = None
    timeout: float = 60.0
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, init=False)
    _threads: ThreadPoolExecutor | None = field(default=None, repr=False, init=False)

    def client(self, name: str) -> Any:
        """Client of one service; made once, safe to share between threads."""
        if name not in self._clients:
            try:
                import boto3  # noqa: PLC0415 - heavy extra
                from botocore.config import Config  # noqa: PLC0415 - heavy extra
                from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - heavy extra
            except ImportError:
                raise InputError(
                    "Amazon's services need one more package.  Run: pip install 'evenhand[aws]'"
                ) from None
            # The runner makes the attempts: it knows the budget and the pace.
            config = Config(
                retries={"total_max_attempts": 1},
                connect_timeout=min(10.0, self.timeout),
                read_timeout=self.timeout,
                max_pool_connections=_THREADS,
            )
            try:
                self._clients[name] = boto3.client(
                    name, region_name=self.region, endpoint_url=self.endpoint, config=config
                )
            except (BotoCoreError, ValueError) as error:
                raise InputError(f'Amazon {name}: {error}.  Give region = "eu-west-1"') from None
        return self._clients[name]

    async def call(self, function: Callable[..., Any], **given: Any) -> Any:
        """Result of a blocking call, made in a thread."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="amazon")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, lambda: function(**given))
        except Exception as error:  # noqa: BLE001 - `_fault` passes on what it does not know
            raise _fault(error) from None

    def _check(self, *names: str) -> list[str]:
        """What is missing before the first call: the package, a region, keys."""
        for name in names:
            self.client(name)
        import boto3  # noqa: PLC0415 - heavy extra, and there: a client was made

        if boto3.Session().get_credentials() is None:
            return ["Amazon: no keys.  Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret"]
        return []

    async def close(self) -> None:
        """Let the threads go."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None


def _fault(error: Exception) -> Exception:
    """What an error of boto3 means for the call; errors of other kinds stay what they are."""
    from botocore.exceptions import (  # noqa: PLC0415 - heavy extra
        BotoCoreError,
        ClientError,
        ConnectTimeoutError,
        HTTPClientError,
        NoCredentialsError,
        NoRegionError,
        ReadTimeoutError,
    )

    if isinstance(error, NoCredentialsError | NoRegionError):
        return InputError(f"Amazon: {error}.  Set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_REGION.")
    if isinstance(error, ReadTimeoutError | ConnectTimeoutError):
        return ServiceError("timeout", type(error).__name__, retry=True, billed="maybe")
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        said = str(error.response.get("Error", {}).get("Message", ""))
        found = error.response.get("ResponseMetadata", {})
        headers = found.get("HTTPHeaders", {})
        status = found.get("HTTPStatusCode", 0)
        wait = retry_after({name.lower(): str(value) for name, value in headers.items()})
        return ServiceError(
            f"amazon_{code}",
            said,
            retry=code in _RETRY or status >= 500 or status == 429,
            retry_after=wait,
            stop=code in _STOP,
            slow_down=code in _SLOW or status == 429,
            billed="maybe" if code == "ModelTimeoutException" else "no",
        )
    if isinstance(error, HTTPClientError):
        return ServiceError("no_connection", type(error).__name__, retry=True)
    if isinstance(error, BotoCoreError):
        # A reply that cannot be parsed, a parameter that does not fit: the names say enough.
        return ServiceError("malformed_reply", type(error).__name__)
    return error


@dataclass(slots=True, kw_only=True)
class BedrockService(_Amazon):
    """A model on Amazon Bedrock through Converse; text and images.

    Attributes
    ----------
    name, model : str
    prompt : str
        Template, as for chat.
    system : str, optional
    options : Mapping
        ``inferenceConfig``: ``maxTokens``, ``temperature``, ``topP``.
    more : Mapping
        Further fields of Converse, for example ``guardrailConfig``.
    """

    name: str
    model: str
    prompt: str = "{text}"
    system: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    price: Price | None = None
    version: str = field(init=False)
    uses: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.uses = slots_in([self.prompt, self.system])
        self.version = written_json(
            [self.model, self.prompt, self.system, dict(self.options), dict(self.more)]
        )

    async def answer(self, request: Request) -> Answer:
        """Ask once."""
        if request.kind == "audio":
            raise ServiceError("unfit_media", "Converse takes text and images", stop=True)
        content: list[dict[str, Any]] = [{"text": str(fill(self.prompt, request))}]
        if request.kind == "image":
            payload = request.payload()
            form = payload.type.removeprefix("image/")
            content.insert(0, {"image": {"format": form, "source": {"bytes": payload.content}}})
        given: dict[str, Any] = {
            "modelId": self.model,
            "messages": [{"role": "user", "content": content}],
            "inferenceConfig": dict(self.options),
            **self.more,
        }
        if self.system is not None:
            given["system"] = [{"text": str(fill(self.system, request))}]
        start = time.monotonic()
        try:
            found = await self.call(self.client("bedrock-runtime").converse, **given)
        except ServiceError as error:
            reason = is_filter({}, error.detail) if error.code in _OF_ONE_PROMPT else None
            if reason is None:
                raise
            return Answer(
                output=error.detail,
                outcome="refused",
                reason=reason,
                seconds=time.monotonic() - start,
            )
        return self._read(found, time.monotonic() - start)

    def _read(self, found: Mapping[str, Any], seconds: float) -> Answer:
        tokens = read_usage(found.get("usage"))
        cost = None if self.price is None else self.price.of_reply(tokens)
        kept = {k: v for k, v in found.items() if k != "ResponseMetadata"}
        raw = json.dumps(kept, default=str, ensure_ascii=False)
        try:
            parts = found["output"]["message"]["content"]
            text = "".join(part["text"] for part in parts if "text" in part)
            thinking = joined_thinking(*map(_reasoning, parts))
        except (LookupError, TypeError, AttributeError):
            raise ServiceError(
                "malformed_reply", "no output.message.content", billed="yes", cost=cost, raw=raw
            ) from None
        return ended_answer(
            text, None, found.get("stopReason"), seconds=seconds, cost=cost, raw=raw,
            tokens=tokens, thinking=thinking,
        )  # fmt: skip

    def most(self, request: Request) -> float:
        """Cost of a call at most."""
        if self.price is None:
            return 0.0
        asked = text_tokens([fill(self.prompt, request), fill(self.system, request)])
        if request.kind == "image":
            asked += media_tokens("image", request.payload().content)
        return self.price.of(input_tokens=asked, output_tokens=longest_answer(self.options))

    def check(self) -> list[str]:
        """What is missing before the first call."""
        return self._check("bedrock-runtime")


def _reasoning(part: Mapping[str, Any]) -> str | None:
    """Thinking in a part of a message."""
    found = part.get("reasoningContent")
    said = found.get("reasoningText", found) if isinstance(found, Mapping) else None
    text = said.get("text") if isinstance(said, Mapping) else None
    return text if isinstance(text, str) else None


@dataclass(slots=True, kw_only=True)
class TranscribeService(_Amazon):
    """Amazon Transcribe, batch: the sound goes to a bucket, a job reads it, its text is fetched.

    Jobs are named by the call's content address, so that a run that was killed finds its jobs
    again and starts none twice.

    Attributes
    ----------
    name, bucket, language : str
    options : Mapping
        Further fields of ``StartTranscriptionJob``, for example ``Settings``.
    prefix : str
        Folder within the bucket.
    poll : float
        Seconds between looks at a job.
    longest : float
        Seconds after which a job is given up.
    """

    name: str
    bucket: str
    language: str = "en-US"
    options: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = "evenhand"
    poll: float = 5.0
    longest: float = 3600.0
    price: Price | None = None
    version: str = field(init=False)

    def __post_init__(self) -> None:
        self.version = written_json([self.language, dict(self.options)])

    async def answer(self, request: Request) -> Answer:
        """Upload, start, wait, fetch."""
        if request.kind != "audio":
            raise ServiceError("unfit_media", "Transcribe takes audio", stop=True)
        payload = request.payload()
        sound = f"{self.prefix}/{request.key}.wav"
        start = time.monotonic()
        s3, transcribe = self.client("s3"), self.client("transcribe")
        await self.call(s3.put_object, Bucket=self.bucket, Key=sound, Body=payload.content)
        text = await self._job(transcribe, request.key, f"s3://{self.bucket}/{sound}")
        found = await self.call(s3.get_object, Bucket=self.bucket, Key=text)
        raw = (await self.call(found["Body"].read)).decode("utf-8", "replace")
        cost = self.most(request) if self.price is not None else None
        try:
            said = json.loads(raw)["results"]["transcripts"][0]["transcript"]
        except (ValueError, LookupError, TypeError):
            raise ServiceError(
                "malformed_reply", "no results.transcripts", billed="yes", cost=cost, raw=raw
            ) from None
        return plain_answer(said, seconds=time.monotonic() - start, cost=cost, raw=raw)

    async def _job(self, transcribe: Any, key: str, sound: str) -> str:
        """Key of the transcript: of the job that a killed run started, else of a new one.

        A job that failed keeps its name for ever: the next one has a number.
        """
        for number in range(1, _JOBS + 1):
            numbered = key if number == 1 else f"{key}-{number}"
            job, text = f"{self.prefix}-{numbered}", f"{self.prefix}/{numbered}.json"
            try:
                await self.call(transcribe.start_transcription_job, **self._asked(job, sound, text))
            except ServiceError as error:
                if error.code != "amazon_ConflictException":
                    raise
                found = await self.call(transcribe.get_transcription_job, TranscriptionJobName=job)
                if found["TranscriptionJob"]["TranscriptionJobStatus"] == "FAILED":
                    continue
            await self._ended(transcribe, job)
            return text
        raise ServiceError("job_failed", f"{_JOBS} jobs of this sound failed")

    def _asked(self, job: str, sound: str, text: str) -> dict[str, Any]:
        """Fields of a job; the plan's options come last, and say the language if they like."""
        asked: dict[str, Any] = {
            "TranscriptionJobName": job,
            "MediaFormat": "wav",
            "Media": {"MediaFileUri": sound},
            "OutputBucketName": self.bucket,
            "OutputKey": text,
        }
        if not any(self.options.get(name) for name in _FINDS_LANGUAGE):
            asked["LanguageCode"] = self.language
        return asked | dict(self.options)

    async def _ended(self, transcribe: Any, job: str) -> None:
        until = time.monotonic() + self.longest
        while True:
            found = await self.call(transcribe.get_transcription_job, TranscriptionJobName=job)
            state = found["TranscriptionJob"]
            match state["TranscriptionJobStatus"]:
                case "COMPLETED":
                    return
                case "FAILED":
                    why = str(state.get("FailureReason", ""))
                    lasting = any(word in why.casefold() for word in _LASTING)
                    raise ServiceError("job_failed", why, retry=not lasting)
            if time.monotonic() > until:
                raise ServiceError(
                    "timeout", f"the job did not end in {self.longest:g} s", billed="maybe"
                )
            await asyncio.sleep(self.poll)

    def most(self, request: Request) -> float:
        """Cost of a call, by the length of the sound (16 bit mono WAV)."""
        if self.price is None:
            return 0.0
        return self.price.of(seconds=max(15.0, sound_seconds(request.payload().content)))

    def check(self) -> list[str]:
        """What is missing before the first call."""
        return self._check("s3", "transcribe")
