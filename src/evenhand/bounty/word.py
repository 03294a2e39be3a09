"""A team's word about one submission, signed where its key is, and carried to the host as a small file."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from evenhand.bounty.keys import TEAM_KEY, own_signature, signed_text
from evenhand.errors import InputError
from evenhand.results.protocol import Result

Word = Literal["committed", "submitted", "withdrawn", "appealed"]
#: A word has a few hundred characters; nothing longer is read.
_MOST = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedWord(Result):
    """What a team says of one submission in one bounty, and its signature.

    Attributes
    ----------
    bounty : str
        Hash of the bounty's first event.
    word : "committed", "submitted", "withdrawn" or "appealed"
        What is said of it.
    team : str
        Who says it.
    key : str
        SHA-256 of the submission.
    text : str
        The reason of an appeal.
    signature : str
        Ed25519, as hexadecimal digits, of these five as canonical JSON.
    """

    SCHEMA: ClassVar[str] = "evenhand.signed_word/1"

    bounty: str
    word: Word
    team: str
    key: str
    text: str
    signature: str


def sign_word(*, bounty: str, word: Word, team: str, key: str, text: str = "") -> SignedWord:
    """Sign with the team's key, which the environment holds.

    Raises
    ------
    InputError
        Where it holds none.
    """
    signature = own_signature(TEAM_KEY, signed_text(bounty, word, team, key, text))
    if signature is None:
        raise InputError(
            f"The environment has no {TEAM_KEY}.  Set it to the team's secret, or make one: evenhand bounty key"
        )
    return SignedWord(bounty=bounty, word=word, team=team, key=key, text=text, signature=signature)


def read_word(path: Path, *, bounty: str, word: Word) -> SignedWord:
    """A word from its file.

    Raises
    ------
    InputError
        Where it is none, is said in another bounty, or says something else.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        found = SignedWord.from_json(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no signed word: it is not UTF-8.") from error
    except InputError as error:
        raise InputError(f"{path} is no signed word.  {error}") from error
    if found.bounty != bounty:
        raise InputError(
            f"{path} is said in the bounty {found.bounty[:12]}, and this one is {bounty[:12]}."
        )
    if found.word != word:
        raise InputError(f"{path} says {found.word!r}.  Needed here: {word!r}.")
    return found
