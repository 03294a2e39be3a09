"""Each condition of images against its definition, and laws that hold for all of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from evenhand.conditions.image import IMAGE
from evenhand.conditions.image.blur import disc_of, line_of
from evenhand.errors import InputError
from evenhand.samples.image import Image
from evenhand.samples.image_measures import measure_image
from evenhand.samples.srgb import linear_of_bytes

BY_NAME = {definition.name: definition for definition in IMAGE}
DRAWN = {"gaussian_noise", "shot_noise", "occlusion"}


def photo(height=96, width=128):
    rng = np.random.default_rng(0)
    coarse = rng.random((6, 8, 3))
    smooth = ndimage.zoom(coarse, (height / 6, width / 8, 1), order=1)
    return Image(pixels=np.rint(20 + 200 * np.clip(smooth, 0, 1)).astype(np.uint8))


def flat(value, side=256):
    return Image(pixels=np.full((side, side, 3), value, np.uint8))


def point(side=101):
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[side // 2, side // 2] = 255
    return Image(pixels=pixels)


def applied(name, image, seed=0, **values):
    return BY_NAME[name](**values).apply(image, seed).pixels


@pytest.mark.parametrize("name", BY_NAME)
class TestAll:
    def test_gives_bytes_of_the_same_size_and_leaves_the_image(self, name):
        image = photo()
        before = image.pixels.copy()
        found = applied(name, image)
        assert found.shape == before.shape
        assert found.dtype == np.uint8
        assert np.array_equal(image.pixels, before)
        assert not np.array_equal(found, before)
        assert found.flags.writeable

    def test_a_seed_decides_what_is_drawn(self, name):
        image = photo()
        one, again, other = (applied(name, image, seed) for seed in (1, 1, 2))
        assert np.array_equal(one, again)
        assert np.array_equal(one, other) == (name not in DRAWN)

    def test_any_size_will_do(self, name):
        for shape in ((1, 1, 3), (1, 7, 3), (5, 2, 3), (33, 65, 3)):
            assert applied(name, Image(pixels=np.full(shape, 90, np.uint8))).shape == shape

    @settings(max_examples=10, deadline=None)
    @given(data=st.data())
    def test_any_value_in_range_will_do(self, name, data):
        definition = BY_NAME[name]
        values = {
            p.name: data.draw(
                st.integers(int(p.low), int(p.high))
                if p.takes == "whole number"
                else st.floats(p.low, p.high)
            )
            for p in definition.parameters
        }
        found = definition(**values).apply(photo(20, 30), data.draw(st.integers(0, 2**64)))
        assert found.pixels.shape == (20, 30, 3)

    def test_out_of_range_is_refused(self, name):
        for parameter in BY_NAME[name].parameters:
            with pytest.raises(InputError, match="Allowed"):
                BY_NAME[name](**{parameter.name: parameter.high + 1})

    def test_says_what_it_is_and_where_it_is_defined(self, name):
        definition = BY_NAME[name]
        assert definition.about
        assert definition.source
        assert all(p.about for p in definition.parameters)


@pytest.mark.parametrize(
    ("name", "values"),
    [("light", {"stops": 0}), ("gamma", {"exponent": 1}), ("contrast", {"factor": 1}), ("gaussian_blur", {"sigma": 0}),
     ("motion_blur", {"length": 1}), ("defocus_blur", {"radius": 0}), ("gaussian_noise", {"sigma": 0}),
     ("resolution", {"factor": 1}), ("occlusion", {"share": 0}), ("haze", {"far": 0, "near": 0}), ("rotation", {"angle": 0})],
)  # fmt: skip
def test_no_dose_changes_nothing(name, values):
    image = photo()
    assert np.array_equal(applied(name, image, **values), image.pixels)


@pytest.mark.parametrize("stops", [-3, -1, 1])
def test_a_stop_doubles_the_light(stops):
    linear = linear_of_bytes()
    image = flat(120)
    ratio = linear[applied("light", image, stops=stops)[0, 0, 0]] / linear[120]
    assert ratio == pytest.approx(2.0**stops, rel=0.04)  # a byte is 3 % of light down there


def test_gamma_keeps_black_and_white_and_bends_the_rest():
    for value, expected in ((0, 0), (255, 255), (128, 255 * (128 / 255) ** 2)):
        assert applied("gamma", flat(value, 4), exponent=2)[0, 0, 0] == round(expected)


def test_contrast_multiplies_the_spread_and_keeps_the_mean():
    image = photo()
    found = applied("contrast", image, factor=0.5)
    luma = np.array([0.2126, 0.7152, 0.0722])
    assert (found @ luma).std() == pytest.approx((image.pixels @ luma).std() / 2, rel=0.01)
    assert (found @ luma).mean() == pytest.approx((image.pixels @ luma).mean(), abs=0.5)
    assert np.ptp(applied("contrast", image, factor=0)) == 0


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.5, 8.0])
def test_the_gaussian_spreads_an_edge_as_wide_as_it_says(sigma):
    pixels = np.zeros((3, 201, 3), np.uint8)
    pixels[:, 101:] = 255
    found = applied("gaussian_blur", Image(pixels=pixels), sigma=sigma)[1, :, 0].astype(float)
    spread = np.diff(found)  # the derivative of a blurred edge is the line spread
    places = np.arange(spread.size)
    mean = (spread * places).sum() / spread.sum()
    assert np.sqrt((spread * (places - mean) ** 2).sum() / spread.sum()) == pytest.approx(
        sigma, rel=0.05
    )


@pytest.mark.parametrize("sigma", [1, 2, 4])
def test_the_gaussian_is_that_of_scipy(sigma):
    image = photo()
    exact = ndimage.gaussian_filter(image.pixels.astype(float), (sigma, sigma, 0), mode="nearest")
    inside = (
        slice(4 * sigma, -4 * sigma),
    ) * 2  # at the edges Pillow's passes each go on from their own
    assert np.abs(applied("gaussian_blur", image, sigma=sigma) - exact)[inside].max() < 2.5


@pytest.mark.parametrize(
    ("length", "angle"), [(2, 0), (9, 0), (9, 90), (15, 45), (21, 30), (28, -117)]
)
def test_motion_is_a_straight_line_of_its_length(length, angle):
    found = applied("motion_blur", point(), length=length, angle=angle)[:, :, 0]
    down, right = (places.astype(int) for places in np.nonzero(found))
    line = np.hypot(np.ptp(down), np.ptp(right)) + 1
    assert line == pytest.approx(length, abs=1.5)
    assert int(found.sum()) == pytest.approx(255, abs=0.5 * down.size + 1)
    if length > 5:
        turned = np.degrees(np.arctan2(-np.polyfit(right, down, 1)[0], 1)) if np.ptp(right) else 90
        assert (turned - angle + 90) % 180 - 90 == pytest.approx(0, abs=3)


def test_motion_equals_the_mean_over_its_line():
    image, line = photo(), line_of(9, 20.0)
    kernel = np.zeros((21, 21))
    for down, right in line:
        kernel[10 + down, 10 + right] += 1 / len(line)
    exact = ndimage.correlate(image.pixels.astype(float), kernel[:, :, None], mode="nearest")
    assert np.abs(applied("motion_blur", image, length=9, angle=20) - exact).max() <= 0.51


@pytest.mark.parametrize("radius", [0.5, 1, 2.5, 4, 11])
def test_defocus_equals_the_mean_over_its_disc(radius):
    image = photo()
    reach = int(radius) + 1
    down, right = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = (down**2 + right**2 <= radius**2).astype(float)
    assert disc.sum() == 2 * sum(2 * h + 1 for h in disc_of(radius)) - (2 * disc_of(radius)[0] + 1)
    exact = ndimage.correlate(
        image.pixels.astype(float), disc[:, :, None] / disc.sum(), mode="nearest"
    )
    assert np.abs(applied("defocus_blur", image, radius=radius) - exact).max() <= 0.51


@pytest.mark.parametrize("sigma", [0.02, 0.08, 0.15])
def test_noise_has_its_standard_deviation(sigma):
    found = applied("gaussian_noise", flat(128), sigma=sigma).astype(float) - 128
    assert found.std() == pytest.approx(255 * sigma, rel=0.01)
    assert found.mean() == pytest.approx(0, abs=4 * 255 * sigma / np.sqrt(found.size) + 0.01)
    neighbours = np.corrcoef(found[:, :-1].ravel(), found[:, 1:].ravel())[0, 1]
    assert abs(neighbours) < 0.01


@pytest.mark.parametrize("byte", [60, 128, 200])
@pytest.mark.parametrize("photons", [50, 400, 20_000])
def test_photons_are_counted_as_poisson(photons, byte):
    linear = linear_of_bytes()
    counted = linear[applied("shot_noise", flat(byte), photons=photons)] * photons
    mean = linear[byte] * photons
    assert counted.mean() == pytest.approx(mean, rel=0.02)
    grain = (
        np.diff(linear[byte - 1 : byte + 2]).max() * photons
    )  # bytes are coarse for many photons
    assert counted.var() == pytest.approx(mean, rel=0.04, abs=grain**2 / 6)


def test_black_counts_no_photon():
    assert applied("shot_noise", flat(0, 8), photons=1).max() == 0


def test_compression_takes_bytes_and_detail():
    image = Image(pixels=np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    off = [
        np.abs(applied("jpeg", image, quality=q).astype(int) - image.pixels).mean()
        for q in (95, 50, 5)
    ]
    assert off == sorted(off)
    assert off[0] < off[2]


def test_a_quarter_of_the_resolution_is_constant_detail():
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 255
    image = Image(pixels=np.repeat(checks[:, :, None], 3, axis=2).astype(np.uint8))
    found = applied("resolution", image, factor=0.25).astype(int)
    assert np.abs(found - 127.5).max() <= 1  # a checkerboard finer than the grid is grey


@pytest.mark.parametrize("share", [0.05, 0.25, 0.9, 1.0])
def test_occlusion_hides_its_share(share):
    hidden = applied("occlusion", flat(10, 200), share=share, grey=1) == 255
    assert hidden.mean() == pytest.approx(share, abs=0.01)
    down, right = np.nonzero(hidden[:, :, 0])
    assert hidden[down.min() : down.max() + 1, right.min() : right.max() + 1].all()


def test_haze_leaves_two_percent_of_contrast_at_its_visibility():
    linear = linear_of_bytes()
    values = {"visibility": 200, "far": 200, "near": 0, "airlight": 0.5}
    black, white = (linear[applied("haze", flat(v, 64), **values)[:, 0, 0]] for v in (0, 255))
    assert (white - black)[0] == pytest.approx(0.02, abs=0.01)
    assert (white - black)[-1] == 1
    half = applied("haze", flat(255, 4), visibility=100, far=50, near=50, airlight=0)
    assert linear[half[0, 0, 0]] == pytest.approx(0.02**0.5, abs=0.003)


def test_a_quarter_turn_is_exact():
    image = photo(64, 64)
    assert np.array_equal(applied("rotation", image, angle=90), np.rot90(image.pixels))


def test_measures_feel_the_conditions():
    image = photo()
    before = measure_image(image)
    after = {name: measure_image(BY_NAME[name]().apply(image, 0)) for name in BY_NAME}
    assert after["light"]["brightness"] < before["brightness"] - 20
    assert after["contrast"]["contrast"] < before["contrast"] / 2
    assert after["haze"]["contrast"] < before["contrast"]
    assert after["gaussian_noise"]["sharpness"] > before["sharpness"]
    for name in ("gaussian_blur", "motion_blur", "defocus_blur"):
        noisy = Image(pixels=applied("gaussian_noise", image))
        assert (
            measure_image(BY_NAME[name]().apply(noisy, 0))["sharpness"]
            < measure_image(noisy)["sharpness"] / 10
        )
