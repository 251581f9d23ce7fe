"""Make ``dickens.jsonl``: passages of one author that no model of the demo has been trained on.

    python resources/training/make.py ../shared/data

They are from the last 5% of three novels, which the demo holds out, in paragraphs as ``train.py``
of the demo cleans them.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

from app.training.data.sections import cut_into_sections

NOVELS = ("a-tale-of-two-cities", "david-copperfield", "great-expectations")
CHARACTERS = 1_200
FEWEST = 300


def main() -> None:
    here = Path(__file__).parent
    demo = runpy.run_path(str(here.parent / "demo" / "train.py"))
    lines = []
    for name in NOVELS:
        book = Path(sys.argv[1], "prose", f"{name}.txt").read_text(encoding="utf-8")
        text = demo["clean_prose"](book)
        tail = text[int(len(text) * (1 - demo["HELD_OUT"])) :].partition("\n\n")[2]
        for place, section in enumerate(cut_into_sections(tail, CHARACTERS)):
            passage = section.strip()
            if len(passage) > FEWEST:
                line = {"text": passage, "document": f"{name}, {place}"}
                lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    (here / "dickens.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
