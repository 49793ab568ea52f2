"""Pictures as people have them, made gray: every usual format by its own mark, transparent or not, of any depth.

Rules:
- A format is told by the file's first bytes, never by its name.
- How large a picture would be is asked before anything is unfolded: a small file may unfold to gigabytes.
- What has transparent parts is seen on white and on black, since a code may be drawn in either.
- Of a file with several pages or frames each is seen, and all together are no larger than one picture may be. What lies
  behind a photograph in a JPEG file is the camera's own, and is not.
"""

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Final

from yima.validator.texts import Text

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    Gray = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]

MOST_PIXELS: Final = 64_000_000
_TOO_MANY: Final = Text(
    f"more than {MOST_PIXELS // 1_000_000} million pixels", f"超过 {MOST_PIXELS // 1_000_000} 百万像素"
)
_TOO_MANY_IN_ALL: Final = Text(
    f"more than {MOST_PIXELS // 1_000_000} million pixels in all its pages",
    f"各页合计超过 {MOST_PIXELS // 1_000_000} 百万像素",
)
_DAMAGED: Final = Text("a damaged picture", "图片已损坏")
_FTYP: Final = dict.fromkeys((b"heic", b"heix", b"hevc", b"heif", b"mif1", b"msf1"), "HEIC") | {
    b"avif": "AVIF",
    b"avis": "AVIF",
}
_UNREADABLE: Final = {"PDF", "HEIC"}
_PAGED: Final = {"AVIF", "GIF", "PNG", "TIFF", "WEBP"}


class PictureError(Exception):
    """Why a picture cannot be had."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.en)
        self.why = why


def format_of(contents: bytes) -> str | None:
    """The picture's format by its mark; None if the bytes are no picture."""
    marks = (
        (b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF87a", "GIF"), (b"GIF89a", "GIF"),
        (b"II*\x00", "TIFF"), (b"MM\x00*", "TIFF"), (b"II+\x00", "TIFF"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"), (b"\xff\x4f\xff\x51", "JPEG 2000"), (b"%PDF-", "PDF"),
    )  # fmt: skip
    for mark, name in marks:
        if contents.startswith(mark):
            return name
    if contents[:4] == b"RIFF" and contents[8:12] == b"WEBP":
        return "WebP"
    if contents[:2] == b"BM" and len(contents) > 26 and contents[6:10] == bytes(4):
        return "BMP"
    return _FTYP.get(contents[8:12]) if contents[4:8] == b"ftyp" else None


def grays_of(contents: bytes) -> "list[Gray]":
    """The picture in gray, of several pages the first, as `pages_of` has it. Raises as that does."""
    return pages_of(contents)[0]


def pages_of(contents: bytes) -> "list[list[Gray]]":
    """Each page or frame in gray, shape (height, width), 0 black to 255 white; twice if it has transparent parts: on
    white, on black. Raises PictureError, and ModuleNotFoundError without the extra `camera`."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - payloads must be readable without the extra

    name = format_of(contents)
    if name in _UNREADABLE:
        raise PictureError(
            Text(
                f"a {name} file: export it as PNG or JPEG, or take a screenshot",
                f"{name} 文件：请导出为 PNG 或 JPEG，或截屏",
            )
        )
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # ours is asked instead, and says more
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd about a picture that can be read is nobody's matter
            with Image.open(BytesIO(contents)) as picture:
                return _pages(picture)
    except UnidentifiedImageError:
        raise PictureError(Text(f"a damaged {name or 'picture'}", f"{name or '图片'} 已损坏")) from None
    except PictureError:
        raise
    except Exception as error:  # its parsers of damaged files raise whatever they stumble over
        raise PictureError(_DAMAGED) from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _pages(picture: "Image.Image") -> "list[list[Gray]]":
    pages: list[list[Gray]] = []
    pixels = 0
    for number in range(getattr(picture, "n_frames", 1) if picture.format in _PAGED else 1):
        picture.seek(number)
        pixels += picture.width * picture.height
        if pixels > MOST_PIXELS:
            raise PictureError(_TOO_MANY_IN_ALL if number else _TOO_MANY)
        picture.load()
        pages.append(_grays(picture))
    return pages


def _grays(picture: "Image.Image") -> "list[Gray]":
    import numpy as np  # noqa: PLC0415

    if picture.mode.startswith(("I", "F")):
        deep = np.asarray(picture, dtype=np.float64)
        deep = deep / 257 if picture.mode.startswith("I;16") or deep.max(initial=0) > 255 else deep
        return [np.clip(deep, 0, 255).astype(np.uint8)]
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        pixels = np.asarray(picture.convert("RGBA"))
        gray = np.asarray(picture.convert("RGBA").convert("RGB").convert("L"), dtype=np.uint16)
        alpha = pixels[:, :, 3].astype(np.uint16)
        if alpha.min() < 255:
            return [
                ((gray * alpha + ground * (255 - alpha)) // 255).astype(np.uint8)
                for ground in (np.uint16(255), np.uint16(0))
            ]
    return [np.asarray(picture.convert("L"), dtype=np.uint8)]


def with_margin(gray: "Gray") -> "Gray | None":
    """A code that stands on black without its margin, with a white one: only as a picture, upright, is it found.

    Its dark rim runs into the black around it. What is light begins one module inside of it, with the five modules that
    lie between the rim and the middle of a finder pattern.
    """
    import numpy as np  # noqa: PLC0415

    light = gray > 127
    rows, columns = np.flatnonzero(light.any(axis=1)), np.flatnonzero(light.any(axis=0))
    if len(rows) < 21 or len(columns) < 21:
        return None
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    first = light[top, left:right]
    run = len(first) if first.all() else int(np.argmin(first))
    module = max(round(run / 5), 1)
    if min(bottom - top, right - left) < 19 * module:  # the smallest symbol has 21 modules, with its rim
        return None
    inner = gray[max(top - module, 0) : bottom + module, max(left - module, 0) : right + module]
    return np.pad(inner, 4 * module, constant_values=255)
