// Keys of lists and leads: j and k walk the rows, Enter opens, x ticks, e writes a note. Nothing
// while somebody types, or while a dialog is open.

(() => {
    const ROWS = "[data-row], #result_list tbody tr";
    const MARK = "ld-current";

    const rows = () => [...document.querySelectorAll(ROWS)].filter((row) => row.offsetParent);
    const current = () => document.querySelector(`.${MARK}`) ?? document.activeElement?.closest?.(ROWS);
    const linkOf = (row) => row?.querySelector("a[href]");

    function isAway(event) {
        const here = event.target;
        return event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented
            || document.querySelector("dialog[open]")
            || document.getElementById("modal-content")?.getClientRects().length
            || here.isContentEditable
            || here.matches?.("textarea, select, input:not([type=checkbox], [type=radio])");
    }

    function walk(difference) {
        const all = rows();
        if (!all.length) return;
        const at = all.indexOf(current());
        const row = all[Math.min(Math.max(at + difference, 0), all.length - 1)];
        document.querySelector(`.${MARK}`)?.classList.remove(MARK);
        row.classList.add(MARK);
        (row.matches("[tabindex]") ? row : linkOf(row))?.focus({ preventScroll: true });
        row.scrollIntoView({ block: "nearest" });
    }

    function note() {
        const box = document.getElementById("note-text");
        if (box) return box.focus();
        const link = linkOf(current());
        if (link) location.assign(`${link.href}#note-text`);
    }

    const KEYS = {
        j: () => walk(1),
        k: () => walk(-1),
        x: () => current()?.querySelector("input[type=checkbox]")?.click(),
        e: note,
    };

    document.addEventListener("keydown", (event) => {
        if (isAway(event) || !(event.key in KEYS)) return;
        event.preventDefault();
        KEYS[event.key]();
    });

    // A panel closes with Escape, and when something beside it is clicked.

    document.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        const panel = event.target.closest?.("details[open][name=panel]")
            ?? document.querySelector("details[open][name=panel]");
        if (!panel) return;
        panel.open = false;
        panel.querySelector("summary").focus();
    });

    document.addEventListener("click", (event) => {
        for (const panel of document.querySelectorAll("details[open][name=panel]")) {
            if (!panel.contains(event.target)) panel.open = false;
        }
    });

    document.addEventListener("DOMContentLoaded", () => {
        if (location.hash === "#note-text") document.getElementById("note-text")?.focus();
    });
})();
