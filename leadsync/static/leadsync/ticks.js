// Ticks all rows of a form at once, and says on its main button how many are ticked.
"use strict";

(() => {
    const rowsOf = (form) => [...form.querySelectorAll("tbody input[type=checkbox]")];

    function tell(all) {
        const form = all.form;
        const others = form.querySelector("[name=everybody]");
        const ticked = rowsOf(form).filter((box) => box.checked).length;
        const count = others?.checked ? rowsOf(form).length + Number(others.dataset.count) : ticked;
        all.checked = ticked === rowsOf(form).length;
        all.indeterminate = ticked > 0 && !all.checked;
        document.querySelectorAll(`[data-ticks="${form.id}"]`).forEach((button) => {
            const words = count === 1 ? button.dataset.one : button.dataset.several;
            button.querySelector("[data-label]").textContent = words.replace("{n}", count);
            button.disabled = count === 0;
        });
    }

    const start = () => document.querySelectorAll("[data-all]").forEach(tell);

    document.addEventListener("change", (event) => {
        const all = event.target.form?.querySelector("[data-all]");
        if (!all) return;
        if (event.target === all) rowsOf(all.form).forEach((box) => { box.checked = all.checked; });
        tell(all);
    });
    document.addEventListener("DOMContentLoaded", start);
    document.addEventListener("live:swapped", start);
})();
