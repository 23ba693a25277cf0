"""The commands of rules that are not those of all plain nouns."""

from __future__ import annotations

from ..catalogue.nouns import NOUNS
from .arguments import FOLDER, HOST, search
from .command import Argument, Command, LazyModule
from .plain_nouns import key_argument, noun_columns, noun_command, noun_fields, searched_fields

_handlers = LazyModule(".handlers.rules", __package__)
_RULES = NOUNS["rules"]
_KEY = key_argument(_RULES)
_TOP = Argument("top_of", "The folder to whose top it moves.", check=FOLDER.check, example="/")
_TARGETS = (
    Argument("before", "The ID of the rule before which it moves.", example=_KEY.example),
    Argument("after", "The ID of the rule after which it moves.", example=_KEY.example),
    _TOP,
    Argument("bottom_of", "The folder to whose bottom it moves.", check=FOLDER.check, example="/"),
)

COMMANDS = (
    noun_command(
        _RULES,
        "move",
        "Move a rule before or after another rule, or to the top or the bottom of a folder. Give one of the targets.",
        _KEY,
        *_TARGETS,
        example=f"{_KEY.example} {_TOP.option_name} {_TOP.example}",
    ),
    Command(
        "rules effective",
        "List the rules that apply to a host, or to one of its services, in the order of their evaluation.",
        _handlers.effective,
        (
            HOST,
            Argument("service", "The service, or its item if the ruleset has items.", example="CPU load"),
            Argument("ruleset", "Only rules of this ruleset.", example=_RULES.by_name["ruleset"].example),
            search(f"ruleset, {' or '.join(searched_fields(_RULES))}", "filesystem"),
        ),
        columns=("ruleset", *noun_columns(_RULES)[1:]),
        example="web01",
        fields=noun_fields(_RULES),
        names=(_KEY.name,),
        empty_text="no rules apply",
    ),
)
