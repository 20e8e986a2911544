"""Commands that other packages bring."""

from __future__ import annotations

from typing import Any

import pytest

import galaxynet
import galaxynet_reproduce
from galaxynet.cli.main import main

SPEC = """
    from galaxynet.plugin import CommandSpec
    SPEC = CommandSpec(name="{name}", summary="Say hello.", module="{module}:command", panel="Greetings")

    def command(who: str = "you") -> None:
        \"\"\"Say hello.\"\"\"
        print(f"hello {{who}} from {module}")
"""


def install(distribution: Any, package: str, name: str, text: str = SPEC) -> None:
    module = package.replace("-", "_")
    distribution(
        package,
        {module: text.format(name=name, module=module)},
        {"galaxynet.commands": {name: f"{module}:SPEC"}},
    )


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(words)
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out + captured.err


def test_a_strangers_command_works_like_ours(distribution: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """An installed package's command stands in the help under its heading, has its flags, and runs."""
    install(distribution, "greeter", "greet")
    help_text = call(capsys, "--help")[1]
    assert "Greetings" in help_text
    assert "Say hello." in help_text
    assert call(capsys, "greet", "--who", "Ada") == (0, "hello Ada from greeter\n")
    assert "--who" in call(capsys, "greet", "--help")[1]
    assert "'greet'" in call(capsys, "gret")[1]
    assert "greeter 1.0" in call(capsys, "plugins")[1]


def test_a_name_that_is_taken_needs_the_distribution(
    distribution: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A built-in command keeps its name; if two packages share one, the package's name selects."""
    install(distribution, "greeter", "train")
    install(distribution, "one-hello", "hello")
    install(distribution, "two-hello", "hello")
    assert "hello" not in call(capsys, "train", "--help")[1]
    assert call(capsys, "greeter:train") == (0, "hello you from greeter\n")
    code, text = call(capsys, "hello")
    assert code == 2
    assert "one-hello:hello" in text
    assert call(capsys, "two-hello:hello") == (0, "hello you from two_hello\n")


@pytest.mark.parametrize(
    "text",
    [
        "import no_such_module",
        "SPEC = 3",
        SPEC.replace("command(who", "another(who"),
        SPEC.replace("who: str", "who: 'NoSuchType'"),
    ],
)
def test_a_broken_command_affects_no_other(
    distribution: Any, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """A command that cannot be imported or built says so when it is called; the others work."""
    install(distribution, "greeter", "greet", text)
    assert call(capsys, "--help")[0] == 0
    assert call(capsys, "runs", "list")[0] == 0
    code, text = call(capsys, "greet")
    assert code == 1
    assert "greeter 1.0" in text
    assert "pip uninstall greeter" in text
    assert "unforeseen" not in text


def test_old_names_of_claims_still_work() -> None:
    """What moved to `galaxynet_reproduce` is found under its old name for a release, with a warning."""
    from galaxynet import claims

    with pytest.warns(DeprecationWarning, match=r"galaxynet_reproduce\.Claim"):
        assert claims.Claim is galaxynet_reproduce.Claim
    with pytest.warns(DeprecationWarning, match=r"goes in galaxynet 0\.3"):
        assert galaxynet.reproduce is galaxynet_reproduce.reproduce
    with pytest.raises(AttributeError, match="no attribute 'Klaim'"):
        _ = claims.Klaim
