"""What the checks of the documents find."""

import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

from labdocs import commands, generated, links, markdown
from labdocs.markdown import Block
from labtools.say import LabError
from record_session import picture, shorten, tidy, verdict

PAGE = """\
# A page
<!-- run by: kill -->
```sh
true
```
    ./lab doctor
[a](other.md#two-words) [b](https://example.com) ![c](no.png) `[d](e)`
```
./lab doctor
```
## Two `words`
"""


class DocsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()
        self.page = self.root / "page.md"
        self.page.write_text(PAGE)
        for module in (commands, generated, links, markdown):
            for name, value in (("ROOT", self.root), ("pages", lambda: [self.page])):
                if hasattr(module, name):
                    patcher = patch.object(module, name, value)
                    patcher.start()
                    self.addCleanup(patcher.stop)

    def block(self, text: str, comment: str = "") -> Block:
        return Block(self.page, 1, "sh", text, comment)

    def test_a_page_is_taken_apart(self) -> None:
        first, second = markdown.blocks(self.page)
        self.assertEqual((first.language, first.text, first.comment, first.line), ("sh", "true\n", "run by: kill", 3))
        self.assertEqual((second.language, second.comment), ("", ""))
        self.assertEqual([target for _, target in markdown.links(self.page)], ["other.md#two-words", "https://example.com", "no.png"])
        self.assertEqual(markdown.anchors(self.page), {"a-page", "two-words"})

    def test_links_must_lead_somewhere(self) -> None:
        self.assertEqual(len(links.broken_links()), 2)
        (self.root / "no.png").write_text("")
        (self.root / "other.md").write_text("## One word\n")
        self.assertIn("no such heading", links.broken_links()[0])
        (self.root / "other.md").write_text("## Two words\n")
        self.assertEqual(links.broken_links(), [])

    def test_commands_outside_of_a_fence_are_found(self) -> None:
        self.assertEqual([line.split(":")[1] for line in commands.strays()], ["6", "8"])

    def test_blocks_are_run_or_say_who_runs_them(self) -> None:
        stages = frozenset({"kill"})
        for text, comment, kind in (
            ("true", "", "run"),
            ("false\ntrue", "", "failed"),
            ("exit 1", "may end with: 1", "run"),
            ("exit 2", "may end with: 1", "failed"),
            ("false", "run by: kill", "by stage"),
            ("true", "run by: nobody", "failed"),
            ("false", "not run: needs Nix", "not run"),
        ):
            with self.subTest(text=text, comment=comment), patch("builtins.print"):
                self.assertEqual(commands.judge(self.block(text, comment), stages).kind, kind)

    def test_only_the_commands_of_a_console_are_run(self) -> None:
        block = Block(self.page, 1, "console", "$ true\nfalse\n", "")
        self.assertEqual(commands.commands_of(block), "true\n")

    def test_generated_parts_are_compared_and_made_anew(self) -> None:
        self.page.write_text("<!-- generated: echo 2 -->\n```text\n1\n```\n<!-- end -->\n")
        self.assertEqual(len(generated.stale_parts()), 1)
        self.assertEqual(generated.write_all(), ["page.md"])
        self.assertIn("```text\n2\n```", self.page.read_text())
        self.assertEqual(generated.stale_parts(), [])

    def test_a_marker_that_is_not_there_is_an_error(self) -> None:
        self.assertEqual(generated.replace_block("<!-- x -->\nold\n<!-- end -->\n", "x", "new"), "<!-- x -->\nnew\n<!-- end -->\n")
        with self.assertRaises(LabError):
            generated.replace_block("nothing", "x", "new")


class SessionTest(unittest.TestCase):
    def test_a_session_is_shortened_and_its_verdict_found(self) -> None:
        rows = [f"[{number}/9] row" for number in range(1, 10)]
        session = ["lab: set-up", "plan", *rows, "The receipt balances", "", "Verdict", " * a vs b", "", "Results: /x/results/RUN"]
        lines = tidy("\n".join(session))
        self.assertEqual(lines[:3], ["plan", "[1/9] row", "[2/9] row"])
        self.assertIn("… 4 more such lines …", lines)
        self.assertEqual(lines[-1], "Results: results/RUN")
        self.assertEqual(verdict(lines), ["The receipt balances", " * a vs b"])
        self.assertEqual(shorten(rows[:3]), rows[:3])

    def test_the_first_plot_of_ratios_stands_alone(self) -> None:
        figure = '<figure>\n<figcaption>p99 [ms]</figcaption>\n<svg width="9">\n<text/></svg>\n</figure>'
        svg, caption = picture(f'<section id="a"><svg/></section><section id="ratios">{figure}<svg>2</svg></section>')
        self.assertEqual(caption, "p99 [ms]")
        self.assertRegex(svg, r'(?s)^<svg width="9">\n<style>.*</style>\n<text/></svg>\n$')
        with self.assertRaises(LabError):
            picture('<section id="ratios"></section><svg></svg>')

    def test_a_session_without_verdict_is_refused(self) -> None:
        with self.assertRaises(LabError):
            verdict(["plan"])


if __name__ == "__main__":
    unittest.main()
