// Copies the text of the element that a button's data-copy names; the button is hidden without it.
"use strict";

(() => {
    const able = Boolean(navigator.clipboard);
    const show = (root) => root.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = !able; });

    document.addEventListener("click", async (event) => {
        const button = event.target.closest("[data-copy]");
        if (!button) return;
        await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent);
        const label = button.querySelector("[data-label]");
        const before = label.textContent;
        label.textContent = button.dataset.done;
        setTimeout(() => { label.textContent = before; }, 2000);
    });
    document.addEventListener("DOMContentLoaded", () => show(document));
    document.addEventListener("htmx:load", (event) => show(event.detail.elt));
    document.addEventListener("live:swapped", (event) => show(event.target));
})();
