"""Operate the page of `vmic room` as a person does."""

from __future__ import annotations

from apps.browser import Browser


def choose(page: Browser, name: str) -> None:
    """Choose a microphone by the name that the page shows."""
    page.call(
        """((name, menu = document.querySelector("#microphone")) => {
            menu.selectedIndex = [...menu.options].findIndex((option) => option.label === name);
            menu.dispatchEvent(new Event("change", { bubbles: true }));
        })""",
        name,
    )
