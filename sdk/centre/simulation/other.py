"""Other parameters than those that were in force: a package, an image, a TOML file or a source directory."""

from dataclasses import dataclass, field
from pathlib import Path

from yima.sdk.centre.clearing.taps.parameters import Published, image_of
from yima.sdk.parameters.compile import compiled
from yima.sdk.parameters.source import read_source


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """city: division code of the one riding city whose gates would have them; 0: all. digest: as facts name it, hex."""

    image: bytes = field(repr=False)
    city: int
    version: int
    digest: str

    def instead(self, published: Published) -> Published:
        """What judges every tap under these, with the deny-lists that were published."""
        return Published(images=(self.image,), denies=published.denies, instead=True)


def read_other(path: Path) -> Other:
    """Parameters as people have them at hand; who signed them does not matter here. Raises ParametersError."""
    if path.is_dir():
        source = read_source(path)
        image, city = bytes(compiled(source).image), source.city
    else:
        image, city = image_of(path)
    ((version, digest),) = Published(images=(image,)).judge().packages
    return Other(image=image, city=city, version=version, digest=digest.hex())
