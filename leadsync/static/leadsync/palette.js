// The command palette and the help on keys: the browser's own dialogs, which keep the focus inside
// and give it back. Opened by Ctrl K, “/”, “?” and by what carries `data-opens`.

(() => {
    const WAIT = 150;
    let dialog, input, list, timer, asking;

    const isTyping = () => {
        const here = document.activeElement;
        return here?.isContentEditable || here?.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=submit])");
    };
    const isBusy = () => document.querySelector("dialog[open]");

    function open(name) {
        const found = document.getElementById(name);
        if (!found || isBusy()) return false;
        found.showModal();
        if (found === dialog) {
            input.value = "";
            search();
            input.focus();
        }
        return true;
    }

    // Results

    const options = () => [...list.querySelectorAll("[role=option]")];
    const current = () => list.querySelector("[aria-selected=true]");

    function choose(option) {
        current()?.setAttribute("aria-selected", "false");
        option?.setAttribute("aria-selected", "true");
        option?.scrollIntoView({ block: "nearest" });
        if (option) input.setAttribute("aria-activedescendant", option.id);
        else input.removeAttribute("aria-activedescendant");
    }

    async function search() {
        asking?.abort();
        asking = new AbortController();
        const address = `${dialog.dataset.search}?${new URLSearchParams({ q: input.value })}`;
        try {
            const answer = await fetch(address, { signal: asking.signal, redirect: "manual" });
            if (!answer.ok) return location.reload();
            list.innerHTML = await answer.text();
            choose(options()[0]);
        } catch (error) {
            if (error.name !== "AbortError") list.textContent = "";
        }
    }

    function step(difference) {
        const all = options();
        choose(all.at((all.indexOf(current()) + difference) % all.length));
    }

    function onKey(event) {
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            step(event.key === "ArrowDown" ? 1 : -1);
        } else if (event.key === "Enter") {
            event.preventDefault();
            const chosen = current();
            if (!chosen) return;
            if (event.ctrlKey || event.metaKey) window.open(chosen.href, "_blank", "noopener");
            else location.assign(chosen.href);
        }
    }

    // Keys: in the capture phase, before those of Unfold's fields

    addEventListener("keydown", (event) => {
        const isPalette = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
        const isBare = !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping();
        let opened = false;
        if (isPalette || (event.key === "/" && isBare)) opened = open("palette");
        else if (event.key === "?" && isBare) opened = open("keys-help");
        if (opened || isPalette) {
            event.preventDefault();
            event.stopImmediatePropagation();
        }
    }, true);

    document.addEventListener("click", (event) => {
        const opener = event.target.closest("[data-opens]");
        if (opener) open(opener.dataset.opens);
        else if (event.target.matches("dialog.ls-dialog")) event.target.close(); // beside it
    });

    document.addEventListener("DOMContentLoaded", () => {
        dialog = document.getElementById("palette");
        if (!dialog) return;
        input = document.getElementById("palette-input");
        list = document.getElementById("palette-list");
        input.addEventListener("keydown", onKey);
        input.addEventListener("input", () => {
            clearTimeout(timer);
            timer = setTimeout(search, WAIT);
        });
        list.addEventListener("mousemove", (event) => {
            const option = event.target.closest("[role=option]");
            if (option && option !== current()) choose(option);
        });
    });
})();
