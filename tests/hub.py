"""GitHub as the program `gh` shows it: runs with artifacts, pull requests and comments of one repository, in a file.

A workflow's step calls this module as `gh`. It filters as GitHub does, by what the call asks for and by nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

BOT = "github-actions[bot]"
Row = dict[str, Any]
JQ: Mapping[str, Callable[[list[Row], Mapping[str, str]], Iterable[Any]]] = {
    ".[].databaseId": lambda rows, _: (row["databaseId"] for row in rows),
    ".[] | select(.head.sha == env.SHA) | .number": lambda rows, env: (
        row["number"] for row in rows if row["head"]["sha"] == env["SHA"]
    ),
    f'.[] | select(.user.login == "{BOT}" and (.body | startswith(env.mark))) | .id': lambda rows, env: (
        row["id"] for row in rows if row["user"]["login"] == BOT and row["body"].startswith(env["mark"])
    ),
}
"""What jq makes of an answer, by program: jq itself is not everywhere."""


class Hub:
    """The state of the repository, kept in a file between two calls."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state: dict[str, list[Row]] = {"runs": [], "pulls": [], "comments": []}
        if path.exists():
            self.state = json.loads(path.read_text())

    def save(self) -> None:
        self.path.write_text(json.dumps(self.state))

    def run(self, number: int, artifact: Path, *, name: str = "parity", **other: str) -> None:
        """A green push to `main` with this artifact, unless `other` says otherwise. The newest comes last."""
        about = {"workflow": "parity.yml", "branch": "main", "event": "push", "status": "success", **other}
        self.state["runs"].append({"databaseId": number, "artifacts": {name: str(artifact)}, **about})
        self.save()

    def pull(self, number: int, owner: str, branch: str, sha: str, state: str = "open") -> None:
        self.state["pulls"].append({"number": number, "state": state, "of": f"{owner}:{branch}", "head": {"sha": sha}})
        self.save()

    def comment(self, pull: int, body: str, login: str = BOT) -> None:
        number = 100 + len(self.state["comments"])
        self.state["comments"].append({"id": number, "pull": pull, "body": body, "user": {"login": login}})
        self.save()

    @property
    def comments(self) -> list[tuple[int, str]]:
        """The pull request and the text of every comment."""
        return [(each["pull"], each["body"]) for each in self.state["comments"]]

    def call(self, words: list[str], environment: Mapping[str, str]) -> str:
        """What `gh WORDS` prints. Raises LookupError for what is not there."""
        if words[:2] == ["run", "list"]:
            return self._runs(words[2:], environment)
        if words[:2] == ["run", "download"]:
            return self._download(words[2:])
        assert words[0] == "api", words
        return self._api(words[1:], environment)

    def _runs(self, words: list[str], environment: Mapping[str, str]) -> str:
        parser = argparse.ArgumentParser(allow_abbrev=False)
        filters = ("workflow", "branch", "event", "status")
        for name in (*filters, "limit", "json", "jq"):
            parser.add_argument(f"--{name}")
        asked = vars(parser.parse_args(words))
        found = [
            run for run in reversed(self.state["runs"]) if all(asked[name] in (None, run[name]) for name in filters)
        ]
        return _printed(found[: int(asked["limit"])], asked["jq"], environment)

    def _download(self, words: list[str]) -> str:
        parser = argparse.ArgumentParser(allow_abbrev=False)
        parser.add_argument("run", type=int)
        parser.add_argument("--name")
        parser.add_argument("--dir")
        asked = parser.parse_args(words)
        (run,) = [run for run in self.state["runs"] if run["databaseId"] == asked.run]
        shutil.copytree(run["artifacts"][asked.name], asked.dir, dirs_exist_ok=True)
        return ""

    def _api(self, words: list[str], environment: Mapping[str, str]) -> str:
        parser = argparse.ArgumentParser(allow_abbrev=False)
        parser.add_argument("path")
        parser.add_argument("--method", default="GET")
        parser.add_argument("--jq")
        parser.add_argument("-f", dest="plain", action="append", default=[])
        parser.add_argument("-F", dest="typed", action="append", default=[])
        for flag in ("--paginate", "--silent"):
            parser.add_argument(flag, action="store_true")
        asked = parser.parse_args(words)
        fields = dict(text.split("=", 1) for text in (*asked.plain, *asked.typed))
        assert asked.path.startswith(f"repos/{environment['GH_REPO']}/"), asked.path
        match asked.method, *asked.path.split("/")[3:]:
            case "GET", "pulls":
                wanted = fields["state"], fields["head"]
                found = [each for each in self.state["pulls"] if (each["state"], each["of"]) == wanted]
                return _printed(found, asked.jq, environment)
            case "GET", "issues", pull, "comments":
                found = [each for each in self.state["comments"] if each["pull"] == int(pull)]
                return _printed(found if asked.paginate else found[:30], asked.jq, environment)
            case "POST", "issues", pull, "comments":
                self.comment(int(pull), _text(fields["body"]))
            case "PATCH", "issues", "comments", number:
                (comment,) = [each for each in self.state["comments"] if each["id"] == int(number)]
                comment["body"] = _text(fields["body"])
                self.save()
            case other:
                raise LookupError(str(other))
        return ""


def _printed(rows: list[Row], program: str, environment: Mapping[str, str]) -> str:
    return "".join(f"{value}\n" for value in JQ[program](rows, environment))


def _text(field: str) -> str:
    """The value of `-F NAME=VALUE`: `@FILE` is the content of a file."""
    return Path(field[1:]).read_text() if field.startswith("@") else field


if __name__ == "__main__":
    print(Hub(Path(os.environ["HUB"])).call(sys.argv[1:], os.environ), end="")
