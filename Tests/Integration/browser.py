"""A customer's browser: headless Chromium, driven through chromedriver, in a device's namespace.

    browser.py URL OUTSIDE [FOLDER]    one line of JSON a step; screenshots into FOLDER

Opens OUTSIDE (a page of the web), expects the portal at URL, looks at it in each language, light and
dark, wide, narrow and at 200 % zoom, has axe-core judge it, presses "check again" and "release", and
opens OUTSIDE again. Runs with the Python that has selenium and axe-selenium-python.
"""
import json
import os
import sys

from axe_selenium_python import Axe
from selenium import webdriver
from selenium.webdriver.common.by import By

LANGUAGES = ("en", "de", "fr", "es", "ja", "ar")
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
NARROW = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True}
# 200 % zoom of a window of 1280: what the page gets is half.
ZOOMED = {"width": 640, "height": 400, "deviceScaleFactor": 2, "mobile": False}
DESKTOP = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}


def tell(step, **facts):
    print(json.dumps({"step": step} | facts), flush=True)


class Browser:
    def __init__(self, folder):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--disable-background-networking", "--disable-component-update",
                     "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
                     "--no-first-run", "--hide-scrollbars"):
            options.add_argument(word)
        service = webdriver.ChromeService(executable_path="/usr/bin/chromedriver")
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_page_load_timeout(20)
        self.folder = folder

    def show(self, size, dark=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def open(self, url):
        self.driver.get(url)

    def shot(self, name):
        if self.folder:
            # axe-core leaves the page wherever it looked last.
            self.driver.execute_script("window.scrollTo(0, 0)")
            self.driver.save_screenshot(os.path.join(self.folder, name + ".png"))

    def judged(self):
        """What axe-core finds wrong: rule and where."""
        axe = Axe(self.driver)
        axe.inject()
        found = axe.run()["violations"]
        return [f"{one['id']}: {one['nodes'][0]['target']}" for one in found]

    def overflows(self):
        return self.driver.execute_script(
            "return document.documentElement.scrollWidth > window.innerWidth + 1")

    def small(self):
        """Buttons too low for a thumb."""
        return self.driver.execute_script(
            "return [...document.querySelectorAll('button')].filter(b => b.offsetParent"
            " && b.getBoundingClientRect().height < 44).length")

    def facts(self):
        return {
            "url": self.driver.current_url, "title": self.driver.title,
            "headline": " ".join(one.text for one in self.driver.find_elements(By.TAG_NAME, "h1")),
            "text": self.driver.find_element(By.TAG_NAME, "body").text,
        }

    def press(self, action):
        self.driver.find_element(
            By.CSS_SELECTOR, f"form[action^='{action}'] button").click()


def main(url, outside, folder=None):
    browser = Browser(folder)
    try:
        browser.show(PHONE)
        browser.open(outside)
        tell("intercepted", **browser.facts())
        for language in LANGUAGES:
            for dark in (False, True):
                browser.show(PHONE, dark)
                browser.open(f"{url}?lang={language}")
                tell("page", language=language, dark=dark, violations=browser.judged(),
                     overflows=browser.overflows(), small=browser.small(),
                     direction=browser.driver.execute_script(
                         "return getComputedStyle(document.body).direction"),
                     **browser.facts())
                if not dark or language == "en":
                    browser.shot(f"phone-{language}{'-dark' if dark else ''}")
            for name, size in (("narrow", NARROW), ("zoomed", ZOOMED), ("desktop", DESKTOP)):
                browser.show(size)
                tell(name, language=language, overflows=browser.overflows())
                if name == "desktop" and language in ("en", "ar"):
                    browser.shot(f"desktop-{language}")
        browser.show(PHONE)
        browser.open(url)
        browser.press("/check")
        tell("checked", violations=browser.judged(), **browser.facts())
        browser.shot("checked")
        browser.open(url)
        browser.press("/release")
        tell("released", violations=browser.judged(), **browser.facts())
        browser.shot("released")
        browser.open(outside)
        tell("outside", **browser.facts())
    finally:
        browser.driver.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
