"""Pages in a real browser: looked at in any size, scheme, medium and face, and asked what it laid out."""

#: Faces in which layout must hold: of usual width, tall, narrow, and wide.
FACES = ("DejaVu Sans", "Noto Sans", "Liberation Sans", "OpenDyslexic")


def look(browser, page, width, *, dark=False, media=""):
    """Open a page (a path)."""
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": scheme})
    browser.get(page.as_uri())


def look_in_each(browser, page, width, faces, *, media=""):
    """Open a page and show it in one face after the other; what a test unfolds stays so."""
    look(browser, page, width, media=media)
    for face in faces:
        if face:
            wear(browser, face)
        yield face


def wear(browser, face):
    """Show the page that is open as if a face were the system's own: every text asks for that one."""
    browser.execute_script(
        """const style = document.querySelector('style.face')
            || document.head.appendChild(document.createElement('style'));
        style.className = 'face';
        style.textContent = `*, svg text { font-family: "${arguments[0]}" !important }`;""",
        face,
    )


def contrasts(browser):
    """Contrast of each text with whatever is behind it."""
    return browser.execute_script(
        """
        const parts = c => { const v = c.match(/[\\d.]+/g).map(Number); return [v[0], v[1], v[2], v[3] ?? 1] };
        const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
        const behind = e => { const below = e.parentElement ? behind(e.parentElement) : [255, 255, 255];
            return over(parts(getComputedStyle(e).backgroundColor), below) };
        const light = c => { const [r, g, b] = c.map(v => v / 255)
            .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b };
        return [...document.querySelectorAll('p, li, span, td, th, h1, h2, h3, a, pre, code, small, dt, dd, caption, figcaption, summary, text')]
            .filter(e => e.textContent.trim()).map(e => {
            const style = getComputedStyle(e), paper = light(behind(e));
            const ink = light(parts(e.tagName === 'text' ? style.fill : style.color));
            return (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05) });
        """
    )


def structure(browser):
    """What a screen reader finds."""
    return browser.execute_script(
        """const all = s => [...document.querySelectorAll(s)];
        return {lang: document.documentElement.lang, title: document.title, h1: all('h1').length,
        tables: all('table').length, captions: all('table caption').length,
        hidden: all('svg').every(e => e.closest('[aria-hidden=true]') || e.ariaLabel),
        heads: all('th').every(e => e.scope), wide: all('.wide').every(e => e.tabIndex === 0 && e.ariaLabel),
        ids: all('[id]').length === new Set(all('[id]').map(e => e.id)).size,
        links: all('a').every(e => document.querySelector(e.getAttribute('href'))),
        unreachable: all('[aria-hidden=true] a, [aria-hidden=true] [tabindex]').length}"""
    )


def too_wide(browser):
    """Tables that are wider than the room that the page has for them, and the page itself."""
    return browser.execute_script(
        """const page = document.documentElement;
        const out = [...document.querySelectorAll('.wide')].filter(e => e.scrollWidth > e.clientWidth + 1)
            .map(e => `${e.ariaLabel}: ${e.scrollWidth} in ${e.clientWidth}`);
        return page.scrollWidth > innerWidth ? [...out, `page: ${page.scrollWidth} in ${innerWidth}`] : out"""
    )


def touching(browser):
    """Texts of pictures that touch each other, though they are seen together."""
    return browser.execute_script(
        """const out = [];
        for (const svg of document.querySelectorAll('.axis svg, .scatter > svg, .panels svg')) {
            const texts = [...svg.querySelectorAll('text')].filter(e => e.getClientRects().length)
                .map(e => [e.textContent, e.getBoundingClientRect()]);
            texts.forEach(([a, r], i) => texts.slice(i + 1).forEach(([b, s]) => {
                if (Math.min(r.right, s.right) - Math.max(r.left, s.left) > 0
                    && Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top) > 4) out.push(`${a} | ${b}`) })) }
        return out"""
    )


def unfold(browser):
    """Open whatever is folded."""
    browser.execute_script("document.querySelectorAll('details').forEach(e => e.open = true)")


def violations(browser, axe):
    """What axe-core finds."""
    browser.execute_script(axe)
    return browser.execute_async_script(
        "const done = arguments[0]; axe.run({resultTypes: ['violations']}).then(r => done(r.violations.map("
        "v => `${v.id}: ${v.nodes.length} of ${v.nodes[0].html.slice(0, 200)}`)))"
    )
