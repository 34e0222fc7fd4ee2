"""What a file says about itself without being decoded: format, mode, size, and how many pictures it holds."""

from dataclasses import dataclass
from pathlib import Path

import PIL.Image

from regraft.core.errors import DataError
from regraft.data.formats.decode import read_bytes
from regraft.data.formats.dicom import frame_count, read_dicom
from regraft.data.formats.kinds import sniff
from regraft.data.formats.limits import require_sensible_shape
from regraft.data.formats.numpy_file import npy_shape
from regraft.data.formats.pillow_file import open_pillow
from regraft.data.formats.silence import silence

# Formats whose further pictures are other pictures; those of an MPO are the same one, smaller or of depth.
PAGES = {"TIFF": "pages", "GIF": "frames", "WEBP": "frames", "PNG": "frames", "AVIF": "frames"}

# Each page is looked for where the one before says, which takes longer the more there are.
MOST_PAGES = 1000


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file says about itself.

    Args:
        format: such as `JPEG`, `DICOM` or `NPY`.
        mode: Pillow's mode, DICOM's photometric interpretation, or NumPy's channels.
        width: in pixels, before the orientation is applied.
        height: likewise.
        pictures: pages or frames, of which only the first is read; the pages of a TIFF are counted to one
            more than `MOST_PAGES`.
    """

    format: str
    mode: str
    width: int
    height: int
    pictures: int = 1

    @property
    def kind(self) -> str:
        """Format and mode in words, and that there is more than what is read.

        >>> Contents("TIFF", "L", 10, 10, pictures=5).kind
        'TIFF L, first of 5 pages'
        """
        if self.pictures == 1:
            return f"{self.format} {self.mode}"
        is_cut = self.format == "TIFF" and self.pictures > MOST_PAGES
        many = f"more than {MOST_PAGES}" if is_cut else str(self.pictures)
        return f"{self.format} {self.mode}, first of {many} {PAGES.get(self.format, 'frames')}"


def read_contents(source: Path | str | bytes) -> Contents:
    """Read what a file says about itself.

    Raises:
        DataError: it cannot be read, is no image, or its header is damaged; the reason alone, as of
            `decode_plainly`.
    """
    data = source if isinstance(source, bytes) else read_bytes(Path(source))
    with silence():
        name = sniff(data)
        if name == "NPY":
            height, width, *channels = npy_shape(data)
            return Contents(name, f"{channels[0] if channels else 1} channels", width, height)
        if name == "DICOM":
            return _of_dicom(data)
        return _of_pillow(open_pillow(data, name))


def _of_dicom(data: bytes) -> Contents:
    dataset = read_dicom(data)
    try:
        mode = str(dataset.PhotometricInterpretation)
        return Contents("DICOM", mode, int(dataset.Columns), int(dataset.Rows), frame_count(dataset))
    except Exception as error:
        raise DataError(f"its header is damaged ({error})") from error


def _of_pillow(image: PIL.Image.Image) -> Contents:
    require_sensible_shape(*image.size)
    name = image.format or ""
    # Counting reads on through the file, which is of no use where the answer is not told.
    pictures = _count(image) if name in PAGES else 1
    return Contents(name, image.mode, image.width, image.height, pictures)


def _count(image: PIL.Image.Image) -> int:
    try:
        return _count_pages(image) if image.format == "TIFF" else int(getattr(image, "n_frames", 1))
    except Exception:  # noqa: BLE001 - what follows the first picture is not read, and may be damaged
        return 1


def _count_pages(image: PIL.Image.Image) -> int:
    for number in range(1, MOST_PAGES + 1):
        try:
            image.seek(number)  # One by one: after a jump too far Pillow takes it for the number of pages.
        except EOFError:
            return number
    return MOST_PAGES + 1
