"""The page as somebody meets it: in headless Chromium, without a network."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import xarray as xr

import semdev as sd

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (BROWSER and DRIVER),
        reason="THE EXPLORER WAS NOT TRIED IN A BROWSER: no chromium and chromedriver "
        "(on Debian: apt install chromium chromium-driver)",
    ),
    pytest.mark.filterwarnings("default"),  # of the browser's driver
]
WAIT = 60  # seconds, on a busy machine


@pytest.fixture(scope="module")
def history() -> xr.Dataset:
    world = sd.load("living_things")
    return sd.train(sd.DeepLinear(32), world, seeds=3, record=80, progress=False)


@pytest.fixture(scope="module")
def browser(history: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--window-size=1300,1500", "--disable-background-networking"):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    service = webdriver.ChromeService(executable_path=str(DRIVER))
    path = tmp_path_factory.mktemp("page") / "deep.html"
    sd.explore(history, times=50).save(path)
    driver = webdriver.Chrome(options=options, service=service)
    try:
        driver.get(path.as_uri())
        yield Page(driver)
    finally:
        driver.quit()


class Page:
    """The page, with what a reader sees and does."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.wait_for("“")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(
            "const get = (name) => Bokeh.documents[0].get_model_by_name(name);" + script,
            *arguments,
        )

    def said(self) -> str:
        return self.run("return Bokeh.documents.length ? get('said').text : ''") or ""

    def wait_for(self, *texts: str) -> None:
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            if all(text in self.said() for text in texts):
                return
            time.sleep(0.1)
        raise AssertionError(f"the page never said {texts}; it says {self.said()!r}")

    def choose(self, name: str, text: str) -> None:
        """Choose from a menu, as a reader does: through the element itself."""
        self.run(
            "const menu = Bokeh.index.find_one(get(arguments[0])).el.shadowRoot"
            ".querySelector('select');"
            "const texts = Array.from(menu.options).map((option) => option.text);"
            "menu.selectedIndex = texts.indexOf(arguments[1]);"
            "menu.dispatchEvent(new Event('change'));",
            name, text,
        )  # fmt: skip

    def move_slider(self, steps: int) -> None:
        """Press an arrow key on the slider's handle so many times."""
        from selenium.webdriver.common.keys import Keys

        handle = self.run(
            "return Bokeh.index.find_one(get('time')).el.shadowRoot.querySelector('.noUi-handle')"
        )
        for _ in range(abs(steps)):
            handle.send_keys(Keys.ARROW_RIGHT if steps > 0 else Keys.ARROW_LEFT)

    def bar(self, label: str) -> dict[str, float]:
        return self.run(
            "const data = get('bars').data, k = Array.from(data.property).indexOf(arguments[0]);"
            "return {belief: data.belief[k], low: data.low[k], high: data.high[k]}",
            label,
        )


def test_the_worm_has_bones_for_a_while(browser: Page, history: xr.Dataset) -> None:
    """Slider, item and property are moved by hand; three times read, as the History has them."""
    browser.choose("item", "worm")
    browser.choose("property", "has bones")
    browser.wait_for("“worm has bones”")
    belief = sd.ask(history, "worm", "has bones")
    times = browser.run("return Array.from(get('curve').data.time)")
    peak = int(belief.sel(time=times).median("seed").argmax("time"))
    at, seen = browser.run("return get('time').value"), []
    for index in (peak - 4, peak, 40):
        browser.move_slider(index - at)
        at = index
        expected = belief.sel(time=times[index])
        browser.wait_for(f"<b>time {_write(times[index])}</b>")
        bar = browser.bar("(has bones)")
        low, median, high = np.quantile(expected, [0.025, 0.5, 0.975])
        assert bar["belief"] == pytest.approx(median, abs=1e-6)
        assert (bar["low"], bar["high"]) == pytest.approx((low, high), abs=1e-6)
        assert f"is believed to <b>{bar['belief']:.6f}</b>" in browser.said()
        seen.append(bar["belief"])
    assert seen[1] > 0.5 > 0.2 > max(seen[0], seen[2])


def test_every_belief_of_a_seed_is_the_history_s(browser: Page, history: xr.Dataset) -> None:
    browser.choose("learner", "seed 1")
    browser.wait_for("(seed 1)")
    times = browser.run("return Array.from(get('curve').data.time)")
    expected = history["output"].sel(seed=1, time=times)
    for item, label, name in (
        ("worm", "(has bones)", "has bones"),
        ("canary", "can fly", "can fly"),
    ):
        browser.choose("item", item)
        browser.choose("property", name)
        browser.wait_for(f"“{item} {name}”")
        curve = browser.run("return Array.from(get('curve').data.belief)")
        assert curve == pytest.approx(expected.sel(item=item, property=name).values, abs=1e-6)
        now = browser.run("return get('time').value")
        bars = browser.run(
            "return [Array.from(get('bars').data.property), Array.from(get('bars').data.belief)]"
        )
        for shown, belief in zip(*bars, strict=True):
            cell = expected.isel(time=now).sel(item=item, property=shown.strip("()"))
            assert belief == pytest.approx(float(cell), abs=1e-6)
        assert label in bars[0]


def test_false_properties_are_told_apart(browser: Page, history: xr.Dataset) -> None:
    browser.choose("item", "oak")
    browser.wait_for("“oak ")
    names, colors = browser.run(
        "return [Array.from(get('bars').data.property), Array.from(get('bars').data.color)]"
    )
    truth = history["target"].sel(item="oak")
    for name, color in zip(names, colors, strict=True):
        false = name.startswith("(")
        assert float(truth.sel(property=name.strip("()"))) == (0 if false else 1)
        assert color == ("#D55E00" if false else "#0072B2")
    assert {name for name in names if not name.startswith("(")} == set(
        truth["property"].values[truth.values > 0]
    )


def test_all_pictures_move_together(browser: Page) -> None:
    def look() -> list[Any]:
        return browser.run(
            "return [get('map').data.x, get('trails').data.xs[0].length, get('tree').data.xs[3][1],"
            " get('now').location, get('bars').data.belief].map((x) => JSON.stringify(x))"
        )

    before = look()
    now = browser.run("return get('time').value")
    browser.run("get('time').value = arguments[0]", now - 9 if now > 9 else now + 9)
    until = time.monotonic() + WAIT
    while any(a == b for a, b in zip(before, look(), strict=True)) and time.monotonic() < until:
        time.sleep(0.1)
    assert all(a != b for a, b in zip(before, look(), strict=True))


def test_play_moves_time_and_stops(browser: Page) -> None:
    start = browser.run("return get('time').value")
    browser.run("get('play').active = true")
    until = time.monotonic() + WAIT
    while browser.run("return get('time').value") == start and time.monotonic() < until:
        time.sleep(0.1)
    assert browser.run("return get('time').value") != start
    browser.run("get('play').active = false")
    time.sleep(0.5)
    stopped = browser.run("return get('time').value")
    time.sleep(0.5)
    assert browser.run("return get('time').value") == stopped


def test_nothing_leaves_the_page_and_nothing_fails(browser: Page) -> None:
    messages = [
        json.loads(each["message"])["message"] for each in browser.driver.get_log("performance")
    ]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert any(url.startswith("file:") for url in asked)
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    severe = [each for each in browser.driver.get_log("browser") if each["level"] == "SEVERE"]
    assert severe == []


def _write(number: float) -> str:
    """Return four significant digits as JavaScript's toPrecision writes them."""
    return f"{number:#.4g}".rstrip(".")
