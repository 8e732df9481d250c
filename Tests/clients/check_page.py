"""Draws all ten digits on the page in a real Chromium, with the mouse and by keyboard, and reads the answers.

    check_page.py BROWSER URL WORK [SCREENSHOTS]

With a folder for SCREENSHOTS it keeps pictures of the page at 360 and 1280 pixels, light and dark.
"""

import base64
import json
import sys

from playwright.sync_api import sync_playwright

import strokes

browser_path, url, work = sys.argv[1:4]
pictures = sys.argv[4] if len(sys.argv) > 4 else None
problems = []


def answer(page):
    """The class that the page shows, when no request is under way any more."""
    for _ in range(100):
        page.wait_for_timeout(150)
        if not page.evaluate("isAsking"):
            return page.locator("#status").inner_text()
    raise AssertionError("the page has no answer in 15 s")


def watched(context):
    page = context.new_page()
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.on(
        "request",
        lambda r: problems.append(f"asks {r.url}")
        if not r.url.startswith((url, "data:", "blob:")) else None)
    page.goto(url)
    page.wait_for_selector("#right option", state="attached")
    return page


def draw(page, lines):
    page.locator("#clear").click()
    box = page.locator("#pad").bounding_box()
    for line in lines:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in line]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=3)
        page.mouse.up()


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
    for width, height, scheme in [(1280, 800, "light"), (360, 740, "dark")]:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme,
            has_touch=width < 500, device_scale_factor=2 if width < 500 else 1)
        page = watched(context)
        for digit, lines in enumerate(strokes.DIGITS):
            draw(page, lines)
            told = answer(page)
            assert told.startswith(f"{digit}, "), f"{width} px: {digit} drawn, read as {told}"
            assert page.locator("#bars li").count() == 10
            assert page.locator("#seen").is_visible()
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{width} px: {overflow} pixels too wide"
        if pictures:
            page.screenshot(path=f"{pictures}/page-{width}-{scheme}.png", full_page=True)
        # It was wrong.
        page.locator("#right").select_option("3")
        page.get_by_role("button", name="Send").click()
        page.wait_for_selector("#thanks:not(:empty)")
        assert "Noted" in page.locator("#thanks").inner_text(), page.locator("#thanks").inner_text()
        context.close()

    # By keyboard alone: tab to the pad, a one drawn with arrows, then the form of what was wrong.
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = watched(context)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "pad"
    page.keyboard.press("Space")
    for _ in range(15):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    told = answer(page)
    assert told.startswith("1, "), f"by keyboard: read as {told}"
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "right":
            break
    else:
        raise AssertionError("the labels can't be reached by keyboard")
    page.keyboard.press("7")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#thanks:not(:empty)")
    assert "Noted" in page.locator("#thanks").inner_text()
    page.locator("#pad").focus()
    page.keyboard.press("c")
    assert page.locator("#status").inner_text() == "Nothing was drawn yet."
    assert page.locator("#recent li").count() == 1

    # Files: chosen, dropped, pasted.
    file = f"{work}/images/4.png"
    page.locator("#file").set_input_files(file)
    assert answer(page).startswith("4, "), page.locator("#status").inner_text()
    data = base64.b64encode(open(f"{work}/images/7.png", "rb").read()).decode()
    for name in ["drop", "paste"]:
        page.locator("#clear").click()
        page.evaluate(
            """([name, data]) => {
              const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
              const items = new DataTransfer();
              items.items.add(new File([bytes], "x.png", { type: "image/png" }));
              const event = name === "drop" ? new DragEvent("drop", { dataTransfer: items, bubbles: true })
                : new ClipboardEvent("paste", { clipboardData: items, bubbles: true });
              document.body.dispatchEvent(event);
            }""", [name, data])
        assert answer(page).startswith("7, "), f"{name}: {page.locator('#status').inner_text()}"
    if pictures:
        page.screenshot(path=f"{pictures}/page-1280-files.png", full_page=True)
    context.close()

    # By touch.
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = watched(context)
    session = context.new_cdp_session(page)
    box = page.locator("#pad").bounding_box()
    for line in strokes.DIGITS[7]:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in line]
        kinds = ["touchStart"] + ["touchMove"] * (len(points) - 1)
        for kind, (x, y) in zip(kinds, points):
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    told = answer(page)
    assert told.startswith("7, "), f"by touch: read as {told}"
    context.close()
    version = browser.version
    browser.close()

assert not problems, json.dumps(problems, indent=1)
print(f"Chromium {version}: ten digits at two widths, keyboard, touch, files: all read right")
