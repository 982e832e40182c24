"""Relative links must lead somewhere, fragments included. Links to other sites are not followed."""

from urllib.parse import unquote

from labtools.paths import ROOT

from .markdown import anchors, links, pages


def broken_links() -> list[str]:
    """One line for each link that leads nowhere."""
    problems = []
    for page in pages():
        for line, target in links(page):
            if "://" in target or target.startswith("mailto:"):
                continue
            path, _, fragment = unquote(target).partition("#")
            goal = (page.parent / path).resolve() if path else page
            place = f"{page.relative_to(ROOT)}:{line}"
            if not goal.is_relative_to(ROOT) or not goal.exists():
                problems.append(f"{place}: {target}: there is no such file")
            elif fragment and goal.suffix == ".md" and fragment not in anchors(goal):
                problems.append(f"{place}: {target}: there is no such heading")
    return problems
