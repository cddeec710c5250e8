"""Unpacks the images of an archive of JPEG files (SPLIT/CLASS/FILE.jpg) into files of bytes: images [N, 32, 32, 3] in the
order of sorted names, and the numbers of their classes. Also writes the order of images in two epochs of fine-tuning.
"""
import io
import json
import sys
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image


def main(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    with tarfile.open(manifest["archive"]) as archive:
        members = {member.name: member for member in archive.getmembers() if member.name.endswith(".jpg")}
        splits = {}
        for name in sorted(members):
            split, label, _ = name.split("/")
            splits.setdefault(split, []).append((label, name))
        for split, entries in splits.items():
            classes = sorted({label for label, _ in entries})
            images = [np.asarray(Image.open(io.BytesIO(archive.extractfile(members[name]).read())).convert("RGB")) for _, name in entries]
            np.stack(images).tofile(folder / f"{split}.images")
            np.array([classes.index(label) for label, _ in entries], dtype=np.int32).tofile(folder / f"{split}.labels")
    generator = np.random.default_rng(0)
    count = len(splits["train"])
    order = np.concatenate([generator.permutation(count) for _ in range(manifest["epochs"])])
    order.astype(np.int32).tofile(folder / "order")
    print(json.dumps({split: len(entries) for split, entries in splits.items()}))


main(Path(sys.argv[1]))
