"""completion: what makes a shell complete vmic's commands, options and microphones."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_VMIC_COMPLETE"


@click.command(
    epilog="""Bash: eval "$(vmic completion bash)" in ~/.bashrc

Zsh: eval "$(vmic completion zsh)" in ~/.zshrc, after compinit

Fish: vmic completion fish > ~/.config/fish/completions/vmic.fish

Example: vmic completion bash"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete vmic's commands, options and microphones."""
    kind = get_completion_class(shell)
    assert kind
    click.echo(kind(context.find_root().command, {}, "vmic", _VARIABLE).source())
