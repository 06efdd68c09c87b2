// Ticks all rows of a form at once, and says on its main button how many are ticked.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-all]").forEach((all) => {
        const form = all.form;
        const rows = () => [...form.querySelectorAll("tbody input[type=checkbox]")];
        const others = form.querySelector("[name=everybody]");

        const tell = () => {
            const ticked = rows().filter((box) => box.checked).length;
            const count = others?.checked ? rows().length + Number(others.dataset.count) : ticked;
            all.checked = ticked === rows().length;
            all.indeterminate = ticked > 0 && !all.checked;
            document.querySelectorAll(`[data-ticks="${form.id}"]`).forEach((button) => {
                const words = count === 1 ? button.dataset.one : button.dataset.several;
                button.querySelector("[data-label]").textContent = words.replace("{n}", count);
                button.disabled = count === 0;
            });
        };

        form.addEventListener("change", (event) => {
            if (event.target === all) rows().forEach((box) => { box.checked = all.checked; });
            tell();
        });
        tell();
    });
});
