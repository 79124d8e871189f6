"""What a VRM file itself says about its bones: the humanoid of VRM 0 and 1."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

_MAGIC, _JSON = b"glTF", b"JSON"
_MOST_BYTES = 1 << 28


def vrm_humanoid(path: str | Path) -> dict[str, str]:
    """Human bone ("leftUpperArm", by VRM's names) to the name of the file's node for it.

    Empty where the file is no binary glTF, or has no humanoid.
    """
    try:
        return _humanoid(_json_of(Path(path)))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error):
        return {}


def _json_of(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        magic, _, _, length, kind = struct.unpack("<4sIII4s", file.read(20))
        if magic != _MAGIC or kind != _JSON or length > _MOST_BYTES:
            raise ValueError("no binary glTF")
        return json.loads(file.read(length))


def _humanoid(data: dict[str, Any]) -> dict[str, str]:
    """VRM 1 has a bone's node by its name, VRM 0 a list of both."""
    extensions, names = data["extensions"], [node.get("name", "") for node in data["nodes"]]
    if "VRMC_vrm" in extensions:
        bones = extensions["VRMC_vrm"]["humanoid"]["humanBones"]
        nodes = {str(bone): int(value["node"]) for bone, value in bones.items()}
    else:
        bones = extensions["VRM"]["humanoid"]["humanBones"]
        nodes = {str(bone["bone"]): int(bone["node"]) for bone in bones}
    return {bone: str(names[node]) for bone, node in nodes.items() if 0 <= node < len(names)}
