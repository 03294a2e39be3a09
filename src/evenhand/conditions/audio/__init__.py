"""Conditions of audio: what rooms, machines, microphones and networks do to speech."""

from evenhand.conditions.audio.babble import BABBLE
from evenhand.conditions.audio.channel import BAND, MICROPHONE, NOTCH
from evenhand.conditions.audio.codec import A_LAW, GSM, MU_LAW, OPUS
from evenhand.conditions.audio.distortion import CLIPPING, GAIN
from evenhand.conditions.audio.noise import NOISE, RECORDED_NOISE
from evenhand.conditions.audio.pace import PITCH, SPEED, TEMPO
from evenhand.conditions.audio.packets import PACKET_LOSS
from evenhand.conditions.audio.room import IMPULSE_RESPONSE, REVERBERATION
from evenhand.conditions.audio.tone import TONE
from evenhand.conditions.condition import ConditionDefinition

#: In the order in which the reference lists them.
AUDIO: tuple[ConditionDefinition, ...] = (
    TONE,
    NOISE,
    RECORDED_NOISE,
    BABBLE,
    REVERBERATION,
    IMPULSE_RESPONSE,
    BAND,
    MICROPHONE,
    MU_LAW,
    A_LAW,
    GSM,
    OPUS,
    PACKET_LOSS,
    CLIPPING,
    GAIN,
    SPEED,
    TEMPO,
    PITCH,
    NOTCH,
)

__all__ = ["AUDIO"]
