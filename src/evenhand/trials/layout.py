"""Cells of a trial: every call of its design, with its content address."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from evenhand.samples.sample import SampleError
from evenhand.services.service import Request
from evenhand.trials.cache import asked_under, call_key
from evenhand.trials.design import assign
from evenhand.trials.media import Job, content_of
from evenhand.trials.plan import Plan


@dataclass(frozen=True, slots=True)
class Call:
    """One call; sample, treatment and service are places in the plan."""

    sample: int
    treatment: int
    service: int
    repeat: int
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All cells of a plan.

    `contents` are the samples' digests; `faults` tells why a sample cannot take part.
    """

    plan: Plan
    contents: tuple[bytes, ...]
    faults: Mapping[int, str]
    hands: tuple[tuple[int, ...], ...] = field(repr=False)

    def __iter__(self) -> Iterator[Call]:
        services, repeats = range(len(self.plan.services)), range(self.plan.repeats)
        under = {
            (treatment, service, repeat): self._under(treatment, service, repeat)
            for treatment in range(len(self.plan.treatments))
            for service in services
            for repeat in repeats
        }
        for sample, hand in enumerate(self.hands):
            for treatment in hand:
                for service in services:
                    content = self.contents[sample] + self._shown(sample, treatment, service)
                    for repeat in repeats:
                        key = call_key(content, under[treatment, service, repeat])
                        yield Call(sample, treatment, service, repeat, key)

    def __len__(self) -> int:
        return sum(map(len, self.hands)) * len(self.plan.services) * self.plan.repeats

    def _under(self, treatment: int, service: int, repeat: int) -> bytes:
        asked = self.plan.services[service].service
        given = self.plan.treatments[treatment]
        return asked_under(
            condition=given.text,
            seed=self.plan.seed * 1_000_003 + given.seed if given.condition else 0,
            service=asked.name,
            version=asked.version,
            repeat=repeat,
        )

    def _shown(self, sample: int, treatment: int, service: int) -> bytes:
        """What a request tells beside its media: only services that use it depend on it."""
        uses = getattr(self.plan.services[service].service, "uses", ())
        if not uses:
            return b""
        listed = self.plan.samples[sample]
        shown = {"sample_id": listed.id, "condition": self.plan.treatments[treatment].label}
        values = [shown.get(name, listed.attributes.get(name)) for name in uses]
        return repr(list(zip(uses, values, strict=True))).encode("utf-8", "replace")

    def job(self, cell: Call) -> Job:
        """All that is needed to make the call."""
        listed = self.plan.samples[cell.sample]
        treatment = self.plan.treatments[cell.treatment]
        request = Request(
            kind=listed.kind,
            media=None,
            sample_id=listed.id,
            condition=treatment.label,
            repeat=cell.repeat,
            parameters=listed.attributes,
            key=cell.key.hex(),
        )
        content = self.contents[cell.sample]
        return Job(
            request=request,
            source=listed.media,
            content=content,
            condition=treatment.condition,
            # Clean samples draw nothing.
            seed=seed_of(content, self.plan.seed, treatment.seed) if treatment.condition else 0,
        )


def seed_of(content: bytes, *seeds: int) -> int:
    """Seed of a condition on one sample.

    Samples draw apart from each other; one sample draws alike at each level of a condition, for
    every service and in every run, so that these are compared on the same noise.
    """
    digest = hashlib.sha256(content + ",".join(map(str, seeds)).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def lay_out(plan: Plan) -> Layout:
    """Digest every sample and deal the treatments."""
    contents, faults, seen = [], dict[int, str](), dict[str, int]()
    for place, sample in enumerate(plan.samples):
        try:
            contents.append(content_of(sample.kind, sample.media))
        except SampleError as error:
            contents.append(hashlib.sha256(f"absent {sample.id}".encode()).digest())
            faults[place] = f"{error.reason}: {error}"
        if seen.setdefault(sample.id, place) != place:
            faults[place] = f"duplicate_id: sample {sample.id!r} stands in the manifest before"
    order = sorted(
        range(len(plan.samples)),
        key=lambda i: [str(plan.samples[i].attributes.get(name)) for name in plan.balance],
    )
    hands = assign(
        len(plan.samples), plan.treatments, design=plan.design, fraction=plan.fraction,
        seed=plan.seed, order=order,
    )  # fmt: skip
    return Layout(
        plan=plan, contents=tuple(contents), faults=faults, hands=tuple(map(tuple, hands))
    )
