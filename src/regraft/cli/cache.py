"""`regraft cache`."""

from typing import Annotated, Literal

from cyclopts import Parameter

from regraft.cli.output import print_json


def cache(
    action: Literal["list", "clear"], /, *, json: Annotated[bool, Parameter(negative=())] = False
) -> None:
    """List or clear what is kept so as not to be computed twice. Runs and models are not in it.

    Args:
        action: list says what lies where and how large it is; clear deletes it.
        json: print one JSON object instead of text.
    """
    from regraft.pipeline import clear_cache, list_cache

    found = list_cache() if action == "list" else clear_cache()
    if json:
        print_json(found)
    elif action == "clear":
        print(f"Freed {found['freed_mb']:.1f} MB in {found['folder']}.")
    else:
        print(f"{found['folder']}: {found['size_mb']:.1f} MB")
        for row in found["networks"]:
            print(f"  {row['name']:8} {row['images']:8,} images {row['size_mb']:10.1f} MB  {row['key'][:12]}")
        print(f"  {found['trials']:,} trials")
        print(f"  {found['archives_mb']:.1f} MB of unpacked archives")
        print(f"  {found['images_mb']:.1f} MB of images that a program held in memory")
