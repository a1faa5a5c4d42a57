"""Bake the parametric body into one small file, so that simulating needs neither anny nor a long start.

anny (Apache-2.0; its MakeHuman body data is CC0) gives vertices and joint positions as a function of
phenotypes. A few thousand bodies are drawn here once, their principal components are kept, and every
identity of the simulator is one of these bodies: the same bytes on every machine. Only the topology "anny-
full" is used: it keeps the helper meshes (tights, skirt, hair) from which clothing is cut, and is free of
non-commercial data.

Run: python -m simulation.bake simulation/assets/body.npz   (needs the package anny; some minutes)
"""

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BODIES = 6144
COMPONENTS = 40  # 0.13 mm mean error over vertices
WEIGHTS_KEPT = 6
BODY_VERTICES = 13380  # the skin; later vertices are eyes, teeth, joints and helper meshes
CHILD_SHARE = 0.04

Floats = NDArray[np.float64]


def draw_phenotypes(rng: np.random.Generator, count: int) -> dict[str, Floats]:
    """Phenotypes in anny's units: gender 0 male .. 1 female, age 0.34..1 adult, the rest 0..1 around 0.5."""
    female = rng.random(count) < 0.5
    age = np.clip(rng.beta(2.0, 2.4, count) * 0.66 + 0.34, 0.34, 1.0)
    child = rng.random(count) < CHILD_SHARE
    age[child] = rng.uniform(0.24, 0.33, int(child.sum()))
    ancestry = rng.dirichlet([0.5, 0.5, 0.5], count)
    return {
        "gender": np.clip(female + np.abs(rng.normal(0, 0.08, count)) * np.where(female, -1, 1), 0, 1),
        "age": age,
        "muscle": np.clip(rng.normal(0.5, 0.17, count), 0.1, 0.95),
        "weight": np.clip(rng.normal(0.5, 0.2, count), 0.05, 0.98),
        "height": np.full(count, 0.5),
        "proportions": rng.uniform(0.3, 0.9, count),
        "cupsize": rng.uniform(0.2, 0.7, count),
        "firmness": np.full(count, 0.5),
        "african": ancestry[:, 0],
        "asian": ancestry[:, 1],
        "caucasian": ancestry[:, 2],
    }


def evaluate(model: Any, phenotypes: Mapping[str, Floats], batch: int = 64) -> Iterator[Floats]:
    """Yield rest vertices with the joint positions below them, (batch, V + J, 3), metres."""
    import torch

    count = len(phenotypes["gender"])
    for start in range(0, count, batch):
        part = {k: torch.tensor(v[start : start + batch], dtype=torch.float32) for k, v in phenotypes.items()}
        size = len(part["gender"])
        pose = torch.eye(4)[None, None].repeat(size, model.bone_count, 1, 1)
        with torch.no_grad():
            out = model(pose_parameters=pose, phenotype_kwargs=part)
        yield np.concatenate([out["rest_vertices"].numpy(), out["rest_bone_heads"].numpy()], 1)


def stature(bodies: NDArray[np.floating]) -> Floats:
    """Height of each body in metres, (B,)."""
    z = bodies[:, :BODY_VERTICES, 2]
    return np.asarray(z.max(1) - z.min(1), np.float64)


def solve_heights(model: Any, phenotypes: dict[str, Floats], target: Floats) -> None:
    """Secant steps on anny's steep `height` until the adult bodies have the drawn stature."""
    adult = phenotypes["age"] >= 0.34
    for _ in range(4):
        reached = np.concatenate([stature(b) for b in evaluate(model, phenotypes)])
        step = np.where(adult, (target - reached) * 0.8, 0.0)
        phenotypes["height"] = np.clip(phenotypes["height"] + step, 0.02, 0.98)


def principal_components(bodies: NDArray[np.float32], components: int) -> tuple[Any, Any, Any]:
    """Mean (D,), basis (K, D) and coefficients (B, K) of bodies (B, D)."""
    mean = bodies.mean(0, dtype=np.float64).astype(np.float32)
    centred = bodies - mean
    sample = centred[:1536]
    values, vectors = np.linalg.eigh((sample @ sample.T).astype(np.float64))
    order = np.argsort(-values)[:components]
    basis = (sample.T @ vectors[:, order].astype(np.float32)).T
    basis /= np.linalg.norm(basis, axis=1, keepdims=True)
    return mean, basis, centred @ basis.T


def read_groups(path: Path) -> dict[str, NDArray[np.int32]]:
    """Triangles of each face group of a Wavefront file, (F, 3)."""
    groups: dict[str, list[list[int]]] = {}
    group = ""
    for line in path.read_text().splitlines():
        words = line.split()
        if words[:1] == ["g"]:
            group = words[1]
        elif words[:1] == ["f"]:
            corner = [int(word.split("/")[0]) - 1 for word in words[1:]]
            fan = [[corner[0], corner[k], corner[k + 1]] for k in range(1, len(corner) - 1)]
            groups.setdefault(group, []).extend(fan)
    return {name: np.array(faces, np.int32) for name, faces in groups.items()}


def skin_weights(model: Any, template: Floats) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The strongest bones of each vertex, indices and weights (V, 6); bare helpers borrow the skin's."""
    from scipy.spatial import cKDTree

    weights = model.vertex_bone_weights.numpy().copy()
    bones = model.vertex_bone_indices.numpy().copy()
    bare = weights.sum(1) < 0.5
    nearest = np.flatnonzero(~bare)[cKDTree(template[~bare]).query(template[bare])[1]]
    weights[bare], bones[bare] = weights[nearest], bones[nearest]
    order = np.argsort(-weights, axis=1, kind="stable")[:, :WEIGHTS_KEPT]
    weights = np.take_along_axis(weights, order, 1)
    weights /= weights.sum(1, keepdims=True)
    return np.take_along_axis(bones, order, 1).astype(np.uint8), weights.astype(np.float32)


def bake(path: Path, seed: int = 20261121) -> None:
    """Write the baked body to `path` (.npz)."""
    import anny
    import torch

    model = anny.Anny(rig="anny", topology="anny-full", local_changes="none", phenotypes="all")
    model = model.to(dtype=torch.float32)
    rng = np.random.default_rng(seed)
    phenotypes = draw_phenotypes(rng, BODIES)
    female = phenotypes["gender"] > 0.5
    solve_heights(
        model, phenotypes, np.where(female, rng.normal(1.64, 0.065, BODIES), rng.normal(1.77, 0.07, BODIES))
    )
    bodies = np.concatenate(list(evaluate(model, phenotypes))).astype(np.float32)
    mean, basis, coefficients = principal_components(bodies.reshape(BODIES, -1), COMPONENTS)
    neutral = next(evaluate(model, {k: np.full(1, 0.5) for k in phenotypes}))[0]
    vertices = bodies.shape[1] - model.bone_count
    bones, weights = skin_weights(model, neutral[:vertices])
    root = importlib.util.find_spec("anny")
    assert root is not None
    assert root.origin is not None
    groups = read_groups(Path(root.origin).parent / "data/mpfb2/3dobjs/base.obj")
    np.savez_compressed(
        path,
        mean=mean.reshape(-1, 3),
        basis=basis.reshape(COMPONENTS, -1, 3).astype(np.float16),
        coefficients=coefficients.astype(np.float32),
        template=neutral.astype(np.float32),
        bone_names=np.array(model.bone_labels),
        bone_parents=np.array([int(p) for p in model.bone_parents], np.int16),
        skin_bones=bones,
        skin_weights=weights.astype(np.float16),
        skin_faces=model.faces.numpy().astype(np.uint16),
        helper_tights=groups["helper-tights"].astype(np.uint16),
        helper_skirt=groups["helper-skirt"].astype(np.uint16),
        helper_hair=groups["helper-hair"].astype(np.uint16),
        female=female,
        age=phenotypes["age"].astype(np.float32),
        weight=phenotypes["weight"].astype(np.float32),
        muscle=phenotypes["muscle"].astype(np.float32),
        ancestry=np.stack([phenotypes[k] for k in ("african", "asian", "caucasian")], 1).astype(np.float32),
        stature=stature(bodies).astype(np.float32),
    )


if __name__ == "__main__":
    bake(Path(sys.argv[1]))
