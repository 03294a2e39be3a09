"""Conditions of images: light, blur, sensor, and what stands before the lens.

Every one takes an `Image` and gives one of the same size. Parameters are of the picture that
is given: a blur of 3 pixels is another blur at another resolution.
"""

from evenhand.conditions.condition import ConditionDefinition
from evenhand.conditions.image.blur import BLUR
from evenhand.conditions.image.light import LIGHT
from evenhand.conditions.image.scene import SCENE
from evenhand.conditions.image.sensor import SENSOR

IMAGE: tuple[ConditionDefinition, ...] = (*LIGHT, *BLUR, *SENSOR, *SCENE)

__all__ = ["IMAGE"]
