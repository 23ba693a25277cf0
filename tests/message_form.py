"""The form of error messages: rules for templates in the source, and for texts at run time."""

from __future__ import annotations

import re

# A message says what happened, then what to do next: at most two parts, each a clause with a verb.
AVOIDED = re.compile(
    r"\b(?:(?<!there )(?:is|are|was|were) (?:no|none)\b(?! longer)|begun|anew|surely|who|whoever|whose|nor|lest)\b"
)
NAMES_SOMETHING = re.compile(
    r"[{'\"_*@]|--|\b(?:the|an?|this|these|its|each|every|all|any|no|nothing|another|[A-Z]\w+)\b"
)
VERB = re.compile(
    r"\b(?:"
    r"is|are|was|were|be|been|has|have|had|does|do|did|can|cannot|could|may|might|must|will|would|should|"
    r"add|adopt|adjust|allow|ask|begin|bring|call|combine|change|check|choose|close|compare|confirm|contain|continue|convert|copy|correct|create|"
    r"delete|divide|export|filter|fix|free|give|guard|increase|install|keep|leave|list|look|lower|mark|mean|move|name|"
    r"open|pass|pick|plan|print|put|quote|read|remove|rename|replace|retry|review|run|save|see|select|send|set|show|"
    r"sign|split|start|stop|take|try|use|wait|write|"
    r"accepts|activates|answers|appears|applies|asks|begins|belongs|changes|checks|clears|contains|continues|counts|covers|creates|"
    r"decides|defines|deletes|differs|documents|does|ends|escapes|exceeds|exists|expects|explains|fails|fits|gives|goes|grants|"
    r"hides|holds|ignores|includes|keeps|knows|lacks|leads|lets|lists|logs|makes|matches|means|moves|names|needs|occurs|"
    r"offers|owns|points|prints|produces|reaches|reads|redirects|refers|refuses|removes|replaces|reports|requires|returns|"
    r"reuses|runs|says|sends|sets|shows|starts|starting|stays|stops|supports|takes|tells|uses|waits|works|writes|"
    r"\w+ed|broke|broken|came|found|gave|given|got|held|kept|knew|known|left|lost|made|meant|put|ran|read|sent|set|shut|"
    r"taken|took|went|written|wrote"
    r")\b|\{",  # a placeholder may bring the clause
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"(?<!e\.g)(?<!i\.e)[.!?] (?=[A-Z{])")


def faults(template: str) -> list[str]:
    """Return the rules that a message breaks. Values appear as ``{…}``."""
    found = text_faults(template)
    if template != template.strip():
        found.append("starts or ends with a space")
    parts = [part for sentence in SENTENCE_END.split(template) for part in sentence.split("; ")]
    if len(parts) > 2:
        found.append(f"has {len(parts)} sentences, not at most 2")
    found += [f"has a clause without a verb: {part!r}" for part in parts if not VERB.search(part)]
    if avoided := AVOIDED.search(template):
        found.append(f"has {avoided.group()!r}")
    if not NAMES_SOMETHING.search(template):
        found.append("does not name the object")
    return found


def text_faults(message: str) -> list[str]:
    """Return the rules that a complete message breaks, whatever values it contains."""
    if not message.strip():
        return ["is empty"]
    return ["has no end"] if re.search(r"(?:…|\.\.\.|[:,;])$", message) else []
