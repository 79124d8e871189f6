"""Rigs with the names and the hierarchy that tools really export, on the mannequin's joints.

Names and parents are those seen in public files: ActorCore's BVH takes, Auto-Rig Pro's deform bones
in game models, Daz's figures as importers list them, VRoid's models. Positions are our own.
"""

from __future__ import annotations

import numpy as np
from lift_to_3d.retarget.character import bone_axes, load_character
from lift_to_3d.retarget.rig import Rig

# Bone, its parent, the mannequin's bone that it begins with, how far along that; {s} is the side.
WILD = {
    "character-creator": """
        CC_Base_BoneRoot - root 0
        CC_Base_Hip CC_Base_BoneRoot hips 0
        CC_Base_Pelvis CC_Base_Hip hips 0
        CC_Base_{s}_Thigh CC_Base_Pelvis thigh 0
        CC_Base_{s}_ThighTwist01 CC_Base_{s}_Thigh thigh 0
        CC_Base_{s}_ThighTwist02 CC_Base_{s}_ThighTwist01 thigh 0.5
        CC_Base_{s}_Calf CC_Base_{s}_Thigh shin 0
        CC_Base_{s}_CalfTwist01 CC_Base_{s}_Calf shin 0
        CC_Base_{s}_CalfTwist02 CC_Base_{s}_CalfTwist01 shin 0.5
        CC_Base_{s}_KneeShareBone CC_Base_{s}_Calf shin 0
        CC_Base_{s}_Foot CC_Base_{s}_Calf foot 0
        CC_Base_{s}_ToeBaseShareBone CC_Base_{s}_Foot toe 0
        CC_Base_{s}_ToeBase CC_Base_{s}_Foot toe 0
        CC_Base_{s}_BigToe1 CC_Base_{s}_ToeBase toe 0.5
        CC_Base_Waist CC_Base_Hip spine.01 0
        CC_Base_Spine01 CC_Base_Waist spine.02 0
        CC_Base_Spine02 CC_Base_Spine01 spine.03 0
        CC_Base_NeckTwist01 CC_Base_Spine02 neck 0
        CC_Base_NeckTwist02 CC_Base_NeckTwist01 neck 0.5
        CC_Base_Head CC_Base_NeckTwist02 head 0
        CC_Base_FacialBone CC_Base_Head head 0
        CC_Base_{s}_Eye CC_Base_FacialBone head 0.4
        CC_Base_{s}_Clavicle CC_Base_Spine02 clavicle 0
        CC_Base_{s}_Upperarm CC_Base_{s}_Clavicle upper_arm 0
        CC_Base_{s}_UpperarmTwist01 CC_Base_{s}_Upperarm upper_arm 0
        CC_Base_{s}_UpperarmTwist02 CC_Base_{s}_UpperarmTwist01 upper_arm 0.5
        CC_Base_{s}_Forearm CC_Base_{s}_Upperarm forearm 0
        CC_Base_{s}_ForearmTwist01 CC_Base_{s}_Forearm forearm 0
        CC_Base_{s}_ForearmTwist02 CC_Base_{s}_ForearmTwist01 forearm 0.5
        CC_Base_{s}_ElbowShareBone CC_Base_{s}_Forearm forearm 0
        CC_Base_{s}_Hand CC_Base_{s}_Forearm hand 0
    """,
    "auto-rig-pro": """
        root.x - hips 0
        thigh_twist.{s} root.x thigh 0
        thigh_stretch.{s} thigh_twist.{s} thigh 0.5
        leg_stretch.{s} thigh_stretch.{s} shin 0
        leg_twist.{s} leg_stretch.{s} shin 0.5
        foot.{s} leg_twist.{s} foot 0
        toes_01.{s} foot.{s} toe 0
        spine_01.x root.x spine.01 0
        spine_02.x spine_01.x spine.03 0
        neck.x spine_02.x neck 0
        head.x neck.x head 0
        shoulder.{s} spine_02.x clavicle 0
        c_arm_twist_offset.{s} shoulder.{s} upper_arm 0
        arm_stretch.{s} c_arm_twist_offset.{s} upper_arm 0.5
        forearm_stretch.{s} arm_stretch.{s} forearm 0
        forearm_twist.{s} forearm_stretch.{s} forearm 0.5
        hand.{s} forearm_twist.{s} hand 0
    """,
    "daz-g8": """
        hip - hips 0
        pelvis hip hips 0.1
        {s}ThighBend pelvis thigh 0
        {s}ThighTwist {s}ThighBend thigh 0.5
        {s}Shin {s}ThighTwist shin 0
        {s}Foot {s}Shin foot 0
        {s}Metatarsals {s}Foot foot 0.3
        {s}Toe {s}Metatarsals toe 0
        abdomenLower hip spine.01 0
        abdomenUpper abdomenLower spine.02 0
        chestLower abdomenUpper spine.02 0.6
        chestUpper chestLower spine.03 0
        {s}Pectoral chestLower clavicle 0.5
        {s}Collar chestUpper clavicle 0
        {s}ShldrBend {s}Collar upper_arm 0
        {s}ShldrTwist {s}ShldrBend upper_arm 0.5
        {s}ForearmBend {s}ShldrTwist forearm 0
        {s}ForearmTwist {s}ForearmBend forearm 0.5
        {s}Hand {s}ForearmTwist hand 0
        neckLower chestUpper neck 0
        neckUpper neckLower neck 0.5
        head neckUpper head 0
    """,
    "daz-g9": """
        hip - hips 0
        pelvis hip hips 0.1
        {s}_thigh pelvis thigh 0
        {s}_thightwist1 {s}_thigh thigh 0.3
        {s}_thightwist2 {s}_thigh thigh 0.7
        {s}_shin {s}_thigh shin 0
        {s}_foot {s}_shin foot 0
        {s}_metatarsal {s}_foot foot 0.3
        {s}_toes {s}_metatarsal toe 0
        spine1 hip spine.01 0
        spine2 spine1 spine.02 0
        spine3 spine2 spine.02 0.6
        spine4 spine3 spine.03 0
        {s}_shoulder spine4 clavicle 0
        {s}_upperarm {s}_shoulder upper_arm 0
        {s}_upperarmtwist1 {s}_upperarm upper_arm 0.3
        {s}_upperarmtwist2 {s}_upperarm upper_arm 0.7
        {s}_forearm {s}_upperarm forearm 0
        {s}_forearmtwist1 {s}_forearm forearm 0.3
        {s}_forearmtwist2 {s}_forearm forearm 0.7
        {s}_hand {s}_forearm hand 0
        neck1 spine4 neck 0
        neck2 neck1 neck 0.5
        head neck2 head 0
    """,
    "vroid": """
        Root - root 0
        J_Bip_C_Hips Root hips 0
        J_Bip_{s}_UpperLeg J_Bip_C_Hips thigh 0
        J_Bip_{s}_LowerLeg J_Bip_{s}_UpperLeg shin 0
        J_Bip_{s}_Foot J_Bip_{s}_LowerLeg foot 0
        J_Bip_{s}_ToeBase J_Bip_{s}_Foot toe 0
        J_Bip_C_Spine J_Bip_C_Hips spine.01 0
        J_Bip_C_Chest J_Bip_C_Spine spine.02 0
        J_Bip_C_UpperChest J_Bip_C_Chest spine.03 0
        J_Sec_{s}_Bust1 J_Bip_C_UpperChest clavicle 0.5
        J_Bip_C_Neck J_Bip_C_UpperChest neck 0
        J_Bip_C_Head J_Bip_C_Neck head 0
        J_Adj_{s}_FaceEye J_Bip_C_Head head 0.4
        J_Bip_{s}_Shoulder J_Bip_C_UpperChest clavicle 0
        J_Bip_{s}_UpperArm J_Bip_{s}_Shoulder upper_arm 0
        J_Bip_{s}_LowerArm J_Bip_{s}_UpperArm forearm 0
        J_Bip_{s}_Hand J_Bip_{s}_LowerArm hand 0
    """,
}
_SIDES = {"character-creator": "LR", "vroid": "LR"}


def wild_rig(family: str) -> Rig:
    """The rig of a family."""
    ours = load_character().rig()
    bones: dict[str, tuple[str, np.ndarray]] = {}
    for line in WILD[family].split("\n"):
        if not line.strip():
            continue
        name, parent, begins, share = line.split()
        for side, word in zip("LR", _SIDES.get(family, "lr"), strict=True):
            place = _along(ours, begins, side, float(share))
            bones[name.format(s=word)] = parent.format(s=word), place
    names = tuple(bones)
    parents = [names.index(p) if p in names else -1 for p, _ in bones.values()]
    rest = np.tile(np.eye(4), (len(names), 1, 1))
    rest[:, :3, 3] = [place for _, place in bones.values()]
    rest[:, :3, :3] = bone_axes(np.tile([0.0, 0.0, 1.0], (len(names), 1)), np.zeros(len(names)))
    return Rig(family, names, np.array(parents), rest, np.full(len(names), 0.02), np.eye(4))


def _along(ours: Rig, bone: str, side: str, share: float) -> np.ndarray:
    """(3,) the place on one of the mannequin's bones; its root is on the floor."""
    if bone == "root":
        return np.zeros(3)
    b = ours.bones.index(bone if bone in ours.bones else f"{bone}.{side}")
    return (1 - share) * ours.rest[b, :3, 3] + share * ours.tails[b]
