"""Files that hold capture which `prepare` does not read, and what to do about each."""

from __future__ import annotations

import zipfile
from pathlib import Path

_MARKERS = (
    "holds markers, not joints; solve them to a skeleton in your capture software and export BVH "
    "or FBX."
)
_WHY = {
    ".c3d": f"C3D {_MARKERS}",
    ".trc": f"TRC {_MARKERS}",
    ".mvnx": "MVNX is not read; export FBX or BVH from Xsens MVN.",
    ".bip": "3ds Max's BIP is not read; load it onto a biped and export FBX.",
    ".tak": "Motive's takes are not read; export FBX or BVH from Motive.",
}
_SMPL = (
    "AMASS and SMPL files need a body model that may not be passed on; export FBX or BVH with "
    "the model's own tools."
)
_GLTF = "glTF is not read; import it into Blender and export FBX or BVH."
_TOP = 1 << 22  # bytes in which a glTF file tells of its animations
_PARAMETERS = ({"poses.npy", "trans.npy"}, {"pose_body.npy", "trans.npy"})


def why_not_read(path: Path) -> str:
    """What a file of capture is and what to do with it; "" for everything else."""
    suffix = path.suffix.lower()
    if suffix == ".npz" and _is_smpl(path):
        return _SMPL
    if suffix in (".glb", ".gltf") and _is_animated(path):
        return _GLTF
    return _WHY.get(suffix, "")


def _is_animated(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b'"animations"' in file.read(_TOP)
    except OSError:
        return False


def _is_smpl(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as packed:
            names = set(packed.namelist())
    except (OSError, zipfile.BadZipFile):
        return False
    return any(parameters <= names for parameters in _PARAMETERS)
