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
from evenhand.services.service import Answer, Price, Request, ServiceError, plain_answer
from evenhand.services.template import fill, slots_in, written_json

_THREADS = 64
_REFUSED = ("guardrail_intervened", "content_filtered")
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
        return ServiceError("timeout", type(error).__name__, retry=True)
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        said = str(error.response.get("Error", {}).get("Message", ""))
        found = error.response.get("ResponseMetadata", {})
        headers = found.get("HTTPHeaders", {})
        status = found.get("HTTPStatusCode", 0)
        wait = headers.get("retry-after", "")
        return ServiceError(
            f"amazon_{code}",
            said,
            retry=code in _RETRY or status >= 500 or status == 429,
            retry_after=float(wait) if wait.replace(".", "", 1).isdigit() else None,
            stop=code in _STOP,
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
        found = await self.call(self.client("bedrock-runtime").converse, **given)
        return self._read(found, time.monotonic() - start)

    def _read(self, found: Mapping[str, Any], seconds: float) -> Answer:
        try:
            parts = found["output"]["message"]["content"]
            text = "".join(part["text"] for part in parts if "text" in part)
        except (LookupError, TypeError):
            raise ServiceError("malformed_reply", "no output.message.content") from None
        usage = found.get("usage") or {}
        cost = None
        if self.price is not None:
            cost = self.price.of(
                input_tokens=usage.get("inputTokens", 0), output_tokens=usage.get("outputTokens", 0)
            )
        kept = {k: v for k, v in found.items() if k != "ResponseMetadata"}
        raw = json.dumps(kept, default=str, ensure_ascii=False)
        stopped = found.get("stopReason")
        if stopped in _REFUSED:
            return Answer(
                output=text, outcome="refused", reason=stopped, seconds=seconds, cost=cost, raw=raw
            )
        return plain_answer(text, seconds=seconds, cost=cost, raw=raw)

    def most(self, request: Request) -> float:
        """Cost of a call at most."""
        if self.price is None:
            return 0.0
        text = request.media if isinstance(request.media, str) else ""
        asked = len((self.prompt + (self.system or "") + text).encode()) // 3 + 10
        return self.price.of(
            input_tokens=asked, output_tokens=int(self.options.get("maxTokens", 1000))
        )


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
        job = f"{self.prefix}-{request.key}"
        sound, text = (f"{self.prefix}/{request.key}{end}" for end in (".wav", ".json"))
        start = time.monotonic()
        s3, transcribe = self.client("s3"), self.client("transcribe")
        await self.call(s3.put_object, Bucket=self.bucket, Key=sound, Body=payload.content)
        try:
            await self.call(
                transcribe.start_transcription_job,
                TranscriptionJobName=job,
                LanguageCode=self.language,
                MediaFormat="wav",
                Media={"MediaFileUri": f"s3://{self.bucket}/{sound}"},
                OutputBucketName=self.bucket,
                OutputKey=text,
                **self.options,
            )
        except ServiceError as error:
            if error.code != "amazon_ConflictException":  # the job of a run that was killed
                raise
        await self._ended(transcribe, job)
        found = await self.call(s3.get_object, Bucket=self.bucket, Key=text)
        raw = (await self.call(found["Body"].read)).decode("utf-8", "replace")
        try:
            said = json.loads(raw)["results"]["transcripts"][0]["transcript"]
        except (ValueError, LookupError, TypeError):
            raise ServiceError("malformed_reply", "no results.transcripts") from None
        cost = self.most(request) if self.price is not None else None
        return plain_answer(said, seconds=time.monotonic() - start, cost=cost, raw=raw)

    async def _ended(self, transcribe: Any, job: str) -> None:
        until = time.monotonic() + self.longest
        while True:
            found = await self.call(transcribe.get_transcription_job, TranscriptionJobName=job)
            state = found["TranscriptionJob"]
            match state["TranscriptionJobStatus"]:
                case "COMPLETED":
                    return
                case "FAILED":
                    raise ServiceError("job_failed", str(state.get("FailureReason", "")))
            if time.monotonic() > until:
                raise ServiceError("timeout", f"the job did not end in {self.longest:g} s")
            await asyncio.sleep(self.poll)

    def most(self, request: Request) -> float:
        """Cost of a call, by the length of the sound (16 bit mono WAV)."""
        if self.price is None:
            return 0.0
        content = request.payload().content
        bytes_a_second = int.from_bytes(content[28:32], "little") or 32_000
        return self.price.of(seconds=max(15.0, len(content) / bytes_a_second))
