// Keeps open pages up to date: the badges of the sidebar, and what lies in `data-live` (an address
// that answers with the page of now, or with 304 while nothing looks different). Of it, each
// `data-live-part` is replaced by its successor; ticks, focus, open details, place and typed text
// stay, and what somebody is busy with waits. A hidden tab asks nothing and catches up when it is
// shown again; who is logged out is asked no more; while the server is away, seldom.

(() => {
    const EVERY = 20_000;
    const AT_MOST = 300_000;
    const SOON = 2_000; // who flips through tabs asks no more often
    const PATIENCE = 15_000;
    const FOCUSABLE = "a, button, input, select, textarea, summary, [tabindex]";
    const TYPED = "textarea, select, input:not([type=hidden], [type=checkbox], [type=radio], [type=submit])";
    const TICKED = "input:is([type=checkbox], [type=radio])";
    const TOKEN = /(name="csrfmiddlewaretoken" value=")[^"]*/g;
    const parser = new DOMParser();
    const known = new WeakMap(); // what each part was made of
    let hasMore = false; // rows that are not shown, so that nothing jumps

    class Away extends Error {}

    async function ask(address, version) {
        const headers = { "X-Live": "1", ...(version ? { "If-None-Match": `"${version}"` } : {}) };
        const options = { headers, cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(PATIENCE) };
        const answer = await fetch(address, options).catch(() => { throw new Away(); });
        if (answer.type === "opaqueredirect" || answer.status === 403) stop();
        else if (answer.status === 429 || answer.status >= 500) throw new Away();
        return answer.ok ? answer : null;
    }

    // A proxy that compresses calls the version weak, or gives it a suffix.
    const versionOf = (answer) => (answer.headers.get("ETag") || "").replace(/^W\/|"/g, "").split("-")[0];

    // What a person is busy with

    function isTyped(field) {
        if (field.tagName !== "SELECT") return field.value !== field.defaultValue;
        const first = [...field.options].findIndex((option) => option.defaultSelected);
        return field.selectedIndex !== Math.max(first, 0) && !field.multiple;
    }

    function isBusyIn(part) {
        const selected = getSelection();
        return part.contains(document.activeElement) && document.activeElement.matches(TYPED)
            || part.querySelector("dialog[open], [data-live-hold]")
            || !selected.isCollapsed && part.contains(selected.anchorNode)
            || [...part.querySelectorAll(TYPED)].some(isTyped);
    }

    function isAtRest(part) {
        const isOpen = document.querySelector("dialog[open], details.ld-panel[open]");
        return !isOpen && !part.querySelector("input:checked") && window.scrollY < 200;
    }

    // Takes ticks and open details over; false if one has no place any more.
    function carry(part, fresh) {
        for (const tick of part.querySelectorAll(TICKED)) {
            const same = fresh.querySelector(`[name="${tick.name}"][value="${CSS.escape(tick.value)}"]`);
            if (!tick.name || tick.checked === tick.defaultChecked) continue;
            if (!same) return false;
            same.checked = tick.checked;
        }
        const details = [...part.querySelectorAll("details")];
        const others = fresh.querySelectorAll("details");
        if (details.length !== others.length) return !details.some((one) => one.open);
        details.forEach((one, index) => { others[index].open = one.open; });
        return true;
    }

    function focusIn(part) {
        const focused = document.activeElement;
        if (!part.contains(focused)) return () => {};
        const around = focused.closest("[id]");
        const index = [...around.querySelectorAll(FOCUSABLE)].indexOf(focused);
        return () => {
            const again = document.getElementById(around.id) || part;
            (index < 0 ? again : again.querySelectorAll(FOCUSABLE)[index])?.focus({ preventScroll: true });
        };
    }

    // Parts

    const madeOf = (part) => part.innerHTML.replace(TOKEN, "$1");
    const rowsOf = (part) => [...part.querySelectorAll("[data-row]")];
    const byId = (rows) => new Map(rows.map((row) => [row.id, row]));

    function put(part, fresh) {
        const html = madeOf(fresh);
        if (html === (known.get(part) ?? madeOf(part))) return true;
        const swap = new CustomEvent("live:swap", { bubbles: true, cancelable: true, detail: fresh });
        const focusAgain = focusIn(part);
        if (isBusyIn(part) || !part.dispatchEvent(swap) || !carry(part, fresh)) return false;
        part.replaceChildren(...fresh.childNodes);
        known.set(part, html);
        window.htmx?.process(part);
        focusAgain();
        return true;
    }

    // What grows at its beginning keeps its end, which may have been asked for.
    function grow(part, fresh) {
        const shown = byId(rowsOf(part));
        const rows = rowsOf(fresh);
        const first = rows.findIndex((row) => shown.has(row.id));
        if (first < 0) return put(part, fresh);
        const done = rows.slice(first).map((row) => !shown.has(row.id) || put(shown.get(row.id), row));
        part.prepend(...rows.slice(0, first));
        return done.every(Boolean);
    }

    // Rows that stay are replaced one by one; others come and go only while nobody is busy there.
    function putRows(part, fresh) {
        if ("liveGrows" in part.dataset) return grow(part, fresh);
        const others = byId(rowsOf(fresh));
        const isSame = rowsOf(part).map((row) => row.id).join() === [...others.keys()].join();
        if (!isSame && isAtRest(part)) return put(part, fresh);
        const done = rowsOf(part).map((row) => !others.has(row.id) || put(row, others.get(row.id)));
        hasMore ||= !isSame;
        return isSame && done.every(Boolean);
    }

    function update(part, fresh) {
        const hasRows = rowsOf(part).length && rowsOf(fresh).length;
        const isDone = hasRows ? putRows(part, fresh) : put(part, fresh);
        if (isDone) part.dispatchEvent(new Event("live:swapped", { bubbles: true }));
        return updateWithin(part, fresh) && isDone;
    }

    // The parts that lie in no other.
    function updateWithin(root, page) {
        const parts = [...page.querySelectorAll("[data-live-part]")];
        const outer = parts.filter((part) => !parts.some((other) => other !== part && other.contains(part)));
        const done = outer.map((fresh) => {
            const shown = document.getElementById(fresh.id);
            return !shown || !root.contains(shown) || update(shown, fresh);
        });
        return done.every(Boolean);
    }

    async function refresh(area) {
        const answer = await ask(area.dataset.live, area.dataset.liveVersion);
        if (!answer) return;
        const page = parser.parseFromString(await answer.text(), "text/html");
        hasMore = false;
        if (updateWithin(document, page)) area.dataset.liveVersion = versionOf(answer);
        document.getElementById("live-more").hidden = !hasMore;
    }

    // Badges

    let badges = "";

    async function refreshBadges() {
        const sidebar = document.getElementById("nav-sidebar-apps");
        const answer = sidebar && await ask("/admin/live/", badges);
        if (!answer) return;
        badges = versionOf(answer);
        for (const [link, count] of Object.entries(await answer.json())) {
            const badge = sidebar.querySelector(`a[href="${link}"] [data-badge]`);
            if (!badge) continue;
            badge.textContent = count;
            badge.hidden = !count;
        }
    }

    // Time

    let timer = 0;
    let asked = 0;
    let away = 0;
    let running = null;
    let isOver = false;

    function say(what) {
        const line = document.getElementById("live-says");
        if (!line) return;
        line.textContent = line.dataset[what] || "";
        line.hidden = !what;
    }

    async function tick() {
        if (document.hidden || running || isOver) return;
        running = askAll();
        await running;
        running = null;
        plan();
    }

    async function askAll() {
        asked = Date.now();
        const areas = [...document.querySelectorAll("[data-live]")];
        const done = await Promise.allSettled([...areas.map(refresh), refreshBadges()]);
        const reasons = done.map((one) => one.reason).filter(Boolean);
        reasons.filter((one) => !(one instanceof Away)).forEach(reportError);
        away = reasons.some((one) => one instanceof Away) ? away + 1 : 0;
        if (!isOver) say(away > 1 ? "away" : "");
    }

    function plan() {
        clearTimeout(timer);
        if (!document.hidden && !isOver) timer = setTimeout(tick, Math.min(EVERY * 2 ** away, AT_MOST));
    }

    function stop() {
        isOver = true;
        clearTimeout(timer);
        say("over");
    }

    function look() {
        if (document.hidden || Date.now() - asked < SOON) plan();
        else tick();
    }

    document.addEventListener("DOMContentLoaded", () => {
        asked = Date.now();
        plan();
        document.addEventListener("visibilitychange", look);
        addEventListener("online", look);
    });
    document.addEventListener("click", (event) => {
        if (event.target.closest("#live-more")) location.reload();
    });
    window.leadsyncLive = { now: async () => { await running; await tick(); } };
})();
