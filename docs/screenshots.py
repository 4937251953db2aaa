"""Make the pictures of the report that README and docs show: ``make screenshots``."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

REPOSITORY = Path(__file__).resolve().parents[1]
PICTURES = REPOSITORY / "docs" / "pictures"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
SHOTS: dict[str, dict[str, object]] = {
    "report": {"viewport": {"width": 1280, "height": 1400}},
    "dark": {"viewport": {"width": 1280, "height": 1400}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}},
    "print": {"viewport": {"width": 900, "height": 1270}},
    "viewer": {"viewport": {"width": 1280, "height": 900}},
}
"""Name → what kind of screen."""


def main() -> None:
    """Build the sample report in a temporary folder and photograph it."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        command = ["build", "images", "--output", folder, "--quiet"]
        command += ["--target", "Egyptian cat", "--target", "espresso", "--title", "Cat and coffee"]
        subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "reportgen", *command], cwd=REPOSITORY, check=True
        )
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            for name, screen in SHOTS.items():
                photograph(browser, Path(folder) / "index.html", name, screen)
            browser.close()


def photograph(browser: Browser, page: Path, name: str, screen: dict[str, object]) -> None:
    """Save what one kind of screen shows of the third picture, the one with two subjects."""
    context = browser.new_context(**screen)  # type: ignore[arg-type]
    tab = context.new_page()
    if name == "print":
        tab.emulate_media(media="print")
    tab.goto(page.as_uri() + ("#look=map-3-1-1" if name == "viewer" else "#image-3"))
    if name == "viewer":
        tab.locator("dialog .stage[aria-busy=false]").wait_for()
    tab.screenshot(path=PICTURES / f"{name}.jpg", type="jpeg", quality=88)
    context.close()


if __name__ == "__main__":
    main()
