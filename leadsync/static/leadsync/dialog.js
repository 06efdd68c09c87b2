// Keeps the focus inside an open dialog, and gives it back to what opened it.
(() => {
    const FOCUSABLE = "a[href], button:not([disabled]), input:not([type=hidden]), select, textarea";
    let opener = null;

    const dialog = () => document.getElementById("modal-content");
    const stops = () => [...dialog().querySelectorAll(FOCUSABLE)].filter((one) => one.offsetParent);

    addEventListener("modal-opened", () => {
        opener = document.activeElement;
        requestAnimationFrame(() => {
            const inputs = stops().filter((one) => one.matches("input, select, textarea"));
            (inputs[0] || dialog().querySelector("[autofocus], button[type=submit]") || dialog()).focus();
        });
    });

    addEventListener("modal-closed", () => {
        opener?.focus();
        opener = null;
    });

    // What is announced as a button is pressed like one.
    addEventListener("keydown", (event) => {
        if (event.key !== " " || !event.target.matches("a[role=button]")) return;
        event.preventDefault();
        event.target.click();
    });

    addEventListener("keydown", (event) => {
        if (event.key !== "Tab" || !dialog()?.contains(document.activeElement)) return;
        const all = stops();
        const last = all.at(event.shiftKey ? 0 : -1);
        if (document.activeElement !== last) return;
        event.preventDefault();
        all.at(event.shiftKey ? -1 : 0).focus();
    });
})();
