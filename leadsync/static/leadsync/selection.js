// Ticks all rows of a list, a range with Shift, and says how many are ticked.

const form = document.getElementById("changelist-form");
const ticks = () => [...form.querySelectorAll(".action-select")];
let last = null;

function tell() {
    const ticked = ticks().filter((one) => one.checked);
    for (const shown of form.querySelectorAll("[data-selected-count]")) {
        shown.textContent = ticked.length || "";
    }
    const all = document.getElementById("action-toggle");
    if (!all) return;
    all.checked = ticked.length > 0 && ticked.length === ticks().length;
    all.indeterminate = ticked.length > 0 && !all.checked;
    if (!ticked.length) form.querySelector("[name=select_across]")?.removeAttribute("checked");
}

form?.addEventListener("click", (event) => {
    const tick = event.target.closest(".action-select");
    if (tick && event.shiftKey && last) {
        const all = ticks();
        const [from, to] = [all.indexOf(last), all.indexOf(tick)].sort((a, b) => a - b);
        all.slice(from, to + 1).forEach((one) => (one.checked = tick.checked));
    }
    if (tick) last = tick;
});

form?.addEventListener("change", (event) => {
    if (event.target.id === "action-toggle") {
        ticks().forEach((one) => (one.checked = event.target.checked));
    }
    tell();
});

form?.addEventListener("live:swapped", tell);
if (form) tell();
