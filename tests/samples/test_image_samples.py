"""Every file becomes bytes of red, green and blue, or is refused with a reason; measures by hand."""

import io

import numpy as np
import PIL.Image
import pytest

from evenhand.errors import InputError
from evenhand.samples import image as module
from evenhand.samples.annotations import SkinTone, read_skin_tone
from evenhand.samples.image import Image, read_image, write_image
from evenhand.samples.image_measures import MEASURES, measure_image
from evenhand.samples.sample import SampleError


def encoded(picture, kind="PNG", **options):
    target = io.BytesIO()
    picture.save(target, format=kind, **options)
    return target.getvalue()


def flat(red, green, blue, size=(16, 12)):
    return Image(pixels=np.full((*size, 3), (red, green, blue), np.uint8))


def noise(shape=(40, 60, 3)):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_png_gives_the_same_pixels_back(tmp_path):
    image = Image(pixels=noise())
    file = tmp_path / "a.png"
    file.write_bytes(write_image(image))
    assert np.array_equal(read_image(file).pixels, image.pixels)
    assert (image.height, image.width) == (40, 60)


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_other_formats_come_near(kind):
    smooth = Image(pixels=np.tile(np.arange(0, 240, 4, dtype=np.uint8)[None, :, None], (40, 1, 3)))
    back = read_image(write_image(smooth, kind)).pixels
    assert np.abs(back.astype(int) - smooth.pixels).max() < 12


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "I;16"]
)
def test_each_colour_mode_is_read(mode):
    grey = PIL.Image.fromarray(np.full((9, 7), 200, np.uint8))
    if mode == "I;16":
        picture = PIL.Image.fromarray(np.full((9, 7), 200 * 257, np.uint16))
    elif mode == "LAB":
        picture = PIL.Image.new("LAB", (7, 9), (202, 128, 128))
    else:
        plain = grey if mode == "1" else grey.convert("RGB")
        plain = plain.quantize(4) if mode in {"P", "PA"} else plain
        picture = plain.convert(mode, dither=0)
    pixels = read_image(encoded(picture, "TIFF")).pixels
    assert pixels.shape == (9, 7, 3)
    assert np.abs(pixels.astype(int) - (255 if mode == "1" else 200)).max() <= 8


def test_16_bit_colour_png_is_read():
    import struct
    import zlib

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    row = b"\0" + struct.pack(">HHH", 65535, 32896, 0) * 2
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0))
    png += chunk(b"IDAT", zlib.compress(row * 2)) + chunk(b"IEND", b"")
    assert read_image(png).pixels[0, 0].tolist() == [255, 128, 0]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_stands_before_white(mode):
    picture = PIL.Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    if mode == "P":
        picture = PIL.Image.new("P", (4, 4), 0)
        picture.info["transparency"] = 0
    data = encoded(picture.convert(mode) if mode != "P" else picture)
    assert (read_image(data).pixels == 255).all()


def test_a_photo_is_turned_as_its_camera_was_held():
    pixels = np.zeros((10, 20, 3), np.uint8)
    pixels[:, :10] = 255
    exif = PIL.Image.Exif()
    exif[274] = 6  # to be turned by 90 degrees
    found = read_image(encoded(PIL.Image.fromarray(pixels), exif=exif)).pixels
    assert found.shape == (20, 10, 3)
    assert (found[:10] == 255).all()
    assert (found[10:] == 0).all()


def test_a_phones_photo_with_by_products_is_one_picture():
    first, second = (PIL.Image.fromarray(np.full((8, 8, 3), v, np.uint8)) for v in (250, 0))
    data = encoded(first, "MPO", save_all=True, append_images=[second])
    assert read_image(data).pixels.mean() > 240


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_several_frames_are_refused(kind):
    frames = [PIL.Image.fromarray(noise()) for _ in range(1)]
    frames += [PIL.Image.fromarray(255 - noise())]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(SampleError, match="has 2 frames") as error:
        read_image(data)
    assert error.value.reason == "unreadable_media"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.02, 0.3, 0.7, 0.95])
def test_what_breaks_off_is_refused_with_a_reason(kind, share):
    data = encoded(PIL.Image.fromarray(noise((200, 200, 3))), kind)
    with pytest.raises(SampleError) as error:
        read_image(data[: int(len(data) * share)])
    assert error.value.reason in {"empty_media", "unreadable_media"}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF", "PPM"])
def test_damaged_bytes_give_a_picture_or_a_reason(kind):
    rng = np.random.default_rng(1)
    data = np.frombuffer(encoded(PIL.Image.fromarray(noise()), kind), np.uint8)
    for _ in range(150):
        damaged = data.copy()
        where = rng.integers(0, min(data.size, 400), 3)
        damaged[where] = rng.integers(0, 256, 3)
        try:
            read_image(damaged.tobytes())
        except SampleError:
            continue


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_media"),
        (b"hello", "unreadable_media"),
        (b"<svg/>", "unreadable_media"),
        (b"\x89PNG\r\n\x1a\n", "unreadable_media"),
    ],
)
def test_what_is_no_image_has_a_reason(content, reason):
    with pytest.raises(SampleError, match="image") as error:
        read_image(content)
    assert error.value.reason == reason


def test_a_missing_file_or_a_folder_has_a_reason(tmp_path):
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(SampleError, match=str(tmp_path)) as error:
            read_image(path)
        assert error.value.reason == "missing_media"


@pytest.mark.parametrize("mode", ["F", "I"])
def test_numbers_without_a_white_are_refused(mode):
    with pytest.raises(SampleError, match="no white") as error:
        read_image(encoded(PIL.Image.new(mode, (4, 4)), "TIFF"))
    assert error.value.reason == "unreadable_media"


def test_a_huge_picture_is_refused_before_it_is_decoded(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "MAX_PIXELS", 100)
    with pytest.raises(SampleError, match="60 × 40 pixels; at most 100") as error:
        read_image(write_image(Image(pixels=noise())))
    assert error.value.reason == "too_large_media"
    for side in (10_000, 60_000):  # Pillow warns of the first and refuses the second
        bomb = encoded(PIL.Image.new("1", (side, 10_000)))
        with pytest.raises(SampleError, match="at most") as error:
            read_image(bomb)
        assert error.value.reason == "too_large_media"
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    (tmp_path / "a.png").write_bytes(bytes(11))
    with pytest.raises(SampleError, match="11 bytes"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 3)), np.zeros((0, 2, 3), np.uint8)]
)
def test_an_image_is_bytes_of_three_colours(pixels):
    with pytest.raises(InputError, match="An image is bytes of shape"):
        Image(pixels=pixels)


def test_black_and_white_are_0_and_100_and_neutral():
    for value, lightness in ((0, 0), (255, 100)):
        found = measure_image(flat(value, value, value))
        assert found["brightness"] == pytest.approx(lightness, abs=0.01)
        assert (found["contrast"], found["sharpness"]) == (0, 0)
        assert found["colour_cast"] == pytest.approx(0, abs=0.02)
    assert found["white_share"] == 1
    assert found["black_share"] == 0


# CIELAB of sRGB's primaries, D65: Lindbloom's calculator, http://www.brucelindbloom.com
@pytest.mark.parametrize(
    ("colour", "lightness", "a", "b"),
    [
        ((255, 0, 0), 53.24, 80.09, 67.20),
        ((0, 255, 0), 87.73, -86.18, 83.18),
        ((0, 0, 255), 32.30, 79.19, -107.86),
    ],
)
def test_colours_are_those_of_the_standard(colour, lightness, a, b):
    found = measure_image(flat(*colour))
    assert found["brightness"] == pytest.approx(lightness, abs=0.05)
    assert found["colour_cast"] == pytest.approx(np.hypot(a, b), abs=0.2)


def test_half_black_half_white_has_contrast_50():
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[:5] = 255
    assert measure_image(Image(pixels=pixels))["contrast"] == pytest.approx(50, abs=0.01)


def test_a_picture_too_small_has_no_sharpness():
    assert measure_image(flat(1, 2, 3, size=(2, 9)))["sharpness"] is None
    assert measure_image(flat(1, 2, 3, size=(1, 1)))["contrast"] == 0


def test_skin_tone_comes_from_annotation_only():
    assert read_skin_tone("MST-7") == SkinTone(scale="monk", step=7)
    assert read_skin_tone("Fitzpatrick type iv") == SkinTone(scale="fitzpatrick", step=4)
    for label in ("4", "dark", "monk 11", "fitzpatrick 7", "monk IV x", "monk 0", ""):
        with pytest.raises(InputError, match="is not plain"):
            read_skin_tone(label)
    assert not any("skin" in name for name in measure_image(flat(1, 2, 3)))


def test_each_measure_is_told_of():
    assert list(measure_image(flat(1, 2, 3))) == [measure.name for measure in MEASURES]
