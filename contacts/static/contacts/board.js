// The board: a card is dragged, or moved with Shift and an arrow. Without it, forms do the same.

const board = document.querySelector("[data-board]");
const says = document.getElementById("board-says");
const forms = document.getElementById("move-form");
const dialog = document.getElementById("archive-dialog");
const columns = [...board.querySelectorAll("[data-status]")];
let dragged = null;

function columnOf(card) {
    return card.closest("[data-status]");
}

function count(column, difference) {
    const shown = column.querySelector("[data-count]");
    const number = Number(shown.textContent);
    if (Number.isInteger(number)) shown.textContent = number + difference;
}

function askWhy(card) {
    const form = dialog.querySelector("form");
    dialog.querySelector("[data-who]").textContent = card.querySelector("a").textContent;
    form.reset();
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => {
        dialog.addEventListener(
            "close",
            () => resolve(dialog.returnValue === "yes" ? new FormData(form) : null),
            { once: true },
        );
    });
}

async function move(card, column) {
    const status = column.dataset.status;
    if (!forms || columnOf(card) === column) return;
    const body = status === "archived" ? await askWhy(card) : new FormData();
    if (!body) return;
    body.set("status", status);
    body.set("csrfmiddlewaretoken", forms.elements.csrfmiddlewaretoken.value);
    const shown = columnOf(card).dataset.status;
    const url = `${location.pathname}${card.dataset.lead}/?shown=${shown}`;
    let told;
    try {
        const answer = await fetch(url, {
            method: "POST", body, headers: { Accept: "application/json" },
        });
        told = await answer.json();
    } catch {
        return location.reload();
    }
    show(card, column, told);
}

function show(card, column, told) {
    if (told.refused) {
        const line = card.querySelector(".ld-refusal");
        line.textContent = told.refused;
        line.hidden = false;
        card.focus();
        return;
    }
    count(columnOf(card), -1);
    card.remove();
    const list = column.querySelector("[data-cards]");
    list.insertAdjacentHTML("afterbegin", told.card);
    count(column, 1);
    column.querySelector("details:not(.ld-move)")?.setAttribute("open", "");
    const moved = list.firstElementChild;
    moved.focus();
    says.textContent = `${moved.getAttribute("aria-label")}: ${column.querySelector("h2").innerText}`;
}

board.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-lead]");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.lead);
    dragged.classList.add("ld-dragged");
});

board.addEventListener("dragend", () => {
    dragged?.classList.remove("ld-dragged");
    columns.forEach((column) => column.classList.remove("ld-over"));
    dragged = null;
});

for (const column of columns) {
    column.addEventListener("dragover", (event) => {
        if (!dragged) return;
        event.preventDefault();
        columns.forEach((other) => other.classList.toggle("ld-over", other === column));
    });
    column.addEventListener("drop", (event) => {
        event.preventDefault();
        if (dragged) move(dragged, column);
    });
}

board.addEventListener("keydown", (event) => {
    const card = event.target.closest("[data-lead]");
    if (!card || event.target !== card || !event.shiftKey) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const column = step && columns[columns.indexOf(columnOf(card)) + step];
    if (!column) return;
    event.preventDefault();
    move(card, column);
});

// What is refreshed meanwhile (live.js) tears no card out of a hand, and takes no refusal away.
board.addEventListener("live:swap", (event) => {
    if (dragged) event.preventDefault();
    const card = event.target.closest("[data-lead]");
    const line = card?.querySelector(".ld-refusal:not([hidden])");
    if (line) event.detail.querySelector(".ld-refusal").replaceWith(line.cloneNode(true));
});

forms?.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter;
    move(button.closest("[data-lead]"), columns.find((one) => one.dataset.status === button.value));
});
