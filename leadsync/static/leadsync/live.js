// Keeps open pages up to date: the badges of the sidebar, and what carries `data-live` (an address
// that answers with its present content, or with 304 while nothing looks different). Ticks, focus,
// place and typed text stay; a hidden tab asks nothing.

(() => {
    const EVERY = 20_000;
    const LIST_EVERY = 60_000; // a page that has no address for its list alone is asked for whole
    const FOCUSABLE = "a, button, input, select, textarea, summary";
    const parser = new DOMParser();
    let asked = 0;

    async function ask(address, version) {
        const headers = { "X-Live": "1", ...(version ? { "If-None-Match": `"${version}"` } : {}) };
        const answer = await fetch(address, { headers, cache: "no-store", redirect: "manual" });
        if (answer.type === "opaqueredirect" || answer.status === 403) stop();
        return answer.ok ? answer : null;
    }

    // Rows

    function replaceRow(row, fresh) {
        const parts = [...row.querySelectorAll(FOCUSABLE)];
        const focused = parts.indexOf(document.activeElement);
        const tick = row.querySelector(".action-select");
        if (tick?.checked) fresh.querySelector(".action-select").checked = true;
        if (row.classList.contains("ld-current")) fresh.classList.add("ld-current");
        row.replaceWith(fresh);
        if (focused >= 0) fresh.querySelectorAll(FOCUSABLE)[focused]?.focus();
    }

    function rowsOf(area) {
        return [...area.querySelectorAll("[data-row]")];
    }

    function isAtRest(area) {
        const isBusy = area.contains(document.activeElement) || area.querySelector("input:checked");
        const isOpen = document.querySelector("dialog[open], details.ld-panel[open]");
        return !isBusy && !isOpen && window.scrollY < 200;
    }

    function updateRows(area, fresh) {
        const freshRows = new Map(rowsOf(fresh).map((row) => [row.id, row]));
        const rows = rowsOf(area);
        const isSame = rows.map((row) => row.id).join() === [...freshRows.keys()].join();
        if (!isSame && isAtRest(area)) {
            area.innerHTML = fresh.innerHTML;
        } else {
            for (const row of rows) {
                const other = freshRows.get(row.id);
                if (other && other.dataset.version !== row.dataset.version) replaceRow(row, other);
            }
            if (!isSame) tellOfMore(area);
        }
        area.dispatchEvent(new Event("leads:swapped", { bubbles: true }));
    }

    function tellOfMore(area) {
        const line = document.getElementById("live-more");
        if (line) line.hidden = false;
        area.dataset.hasMore = "1";
    }

    // Parts

    function updateParts(fresh) {
        for (const part of fresh.querySelectorAll("[data-live-part]")) {
            const shown = document.getElementById(part.id);
            const isInUse = shown?.contains(document.activeElement) || shown?.querySelector("input:checked");
            if (shown && !isInUse && shown.innerHTML !== part.innerHTML) {
                shown.innerHTML = part.innerHTML;
            }
        }
    }

    async function refresh(area) {
        const answer = await ask(area.dataset.live, area.dataset.liveVersion);
        if (!answer) return;
        const page = parser.parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById(area.id);
        if (!fresh) return;
        area.dataset.liveVersion = versionOf(answer);
        updateParts(page);
        if ("liveParts" in area.dataset) return;
        if (rowsOf(area).length && rowsOf(fresh).length) updateRows(area, fresh);
        else if (isAtRest(area)) area.innerHTML = fresh.innerHTML;
    }

    // Badges

    const versionOf = (answer) => (answer.headers.get("ETag") || "").replaceAll('"', "");

    let badges = "";

    async function refreshBadges() {
        const sidebar = document.getElementById("nav-sidebar-apps");
        const address = "/admin/live/";
        if (!sidebar) return;
        const answer = await ask(address, badges);
        if (!answer) return;
        badges = versionOf(answer);
        for (const [link, count] of Object.entries(await answer.json())) {
            const badge = sidebar.querySelector(`a[href="${link}"] [data-badge]`);
            if (!badge) continue;
            badge.textContent = count;
            badge.hidden = !count;
        }
    }

    // Lists of Unfold's

    let listAsked = Date.now();

    async function refreshList() {
        const list = document.getElementById("result_list");
        if (!list || Date.now() - listAsked < LIST_EVERY || !isAtRest(list)) return;
        listAsked = Date.now();
        const answer = await ask(location.href);
        if (!answer) return;
        const page = parser.parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("result_list");
        if (fresh && isAtRest(list) && fresh.textContent !== list.textContent) {
            list.innerHTML = fresh.innerHTML;
        }
    }

    // Time

    async function tick() {
        if (document.hidden || Date.now() - asked < EVERY - 500) return;
        asked = Date.now();
        const areas = [...document.querySelectorAll("[data-live]")];
        await Promise.allSettled([...areas.map(refresh), refreshBadges(), refreshList()]);
    }

    let timer = 0;

    function stop() {
        clearInterval(timer);
        document.removeEventListener("visibilitychange", tick);
    }

    document.addEventListener("DOMContentLoaded", () => {
        asked = Date.now();
        timer = setInterval(tick, EVERY);
        document.addEventListener("visibilitychange", tick);
    });
    document.addEventListener("click", (event) => {
        if (event.target.closest("#live-more")) location.reload();
    });
    window.leadsyncLive = { now: () => { asked = 0; listAsked = 0; return tick(); } };
})();
