// A list's filters act as soon as they are set; without it, their button applies them.

(() => {
    const form = document.querySelector(".ld-filters");
    const area = document.querySelector("[data-list]");
    if (!form || !area) return;
    let asking;

    function address() {
        const set = [...new FormData(form)].filter(([, value]) => value !== "");
        return `${location.pathname}?${new URLSearchParams(set)}`;
    }

    async function apply() {
        asking?.abort();
        asking = new AbortController();
        const here = address();
        const options = { headers: { "X-Live": "1" }, signal: asking.signal, redirect: "manual" };
        const answer = await fetch(here, options).catch(() => null);
        if (!answer) return;
        if (!answer.ok) return location.assign(here);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        history.replaceState(null, "", here);
        const fresh = page.getElementById(area.id);
        if ("live" in area.dataset) {
            area.dataset.live = here;
            area.dataset.liveVersion = fresh.dataset.liveVersion || "";
        }
        area.innerHTML = fresh.innerHTML;
        for (const part of page.querySelectorAll("[data-live-part]")) {
            const shown = document.getElementById(part.id);
            if (shown) shown.innerHTML = part.innerHTML;
        }
        area.dispatchEvent(new Event("live:swapped", { bubbles: true }));
    }

    // A period is one that is offered, or one's own days.
    function keepOne(field) {
        const period = field.closest("[data-period]");
        const others = period?.querySelectorAll(field.type === "date" ? "select" : "input") ?? [];
        if (field.value) for (const other of others) other.value = "";
    }

    form.addEventListener("change", (event) => {
        keepOne(event.target);
        if (form.reportValidity()) apply();
    });
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        apply();
        form.closest("details").open = false;
    });
})();
