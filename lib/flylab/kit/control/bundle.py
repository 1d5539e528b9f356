"""Makes one script of the modules in ``static/``: a widget is given a single one, a page of the site has them all.

Each module becomes a function that is called once and returns what it exports, so that names stay its own.
"""

import re
from functools import cache
from importlib.resources import files

ENTRY = "control.js"

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.-]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const)\*? *([\w$]+))", re.MULTILINE)


@cache
def script() -> str:
    """The whole page as one module, which exports what ``control.js`` does."""
    made: dict[str, str] = {}
    entry = _IMPORT.sub(_taken, _text(ENTRY))
    _add_imports(_text(ENTRY), made)
    return "const modules = {};\n" + "".join(made.values()) + entry


def style() -> str:
    return _text("control.css")


def _add_imports(text: str, made: dict[str, str]) -> None:
    """What a module imports comes before it, and what that imports before that."""
    for _, name in _IMPORT.findall(text):
        if name not in made:
            imported = _text(name)
            _add_imports(imported, made)
            made[name] = _wrapped(name, imported)


def _wrapped(name: str, text: str) -> str:
    exported = ", ".join(_EXPORT.findall(text))
    body = _EXPORT.sub("", _IMPORT.sub(_taken, text))
    return f'modules["{name}"] = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();\n'


def _taken(found: re.Match[str]) -> str:
    return f'const {{{found[1]}}} = modules["{found[2]}"];'


def _text(name: str) -> str:
    return files("flylab.kit.control").joinpath(f"static/{name}").read_text(encoding="utf-8")
