// A click on a heading sorts its column; without this script the tables are the same in the given order.
"use strict";
for (const table of document.querySelectorAll("table")) {
  const headings = [...table.tHead.rows[0].cells];
  const value = (row, place) => row.cells[place].dataset.key ?? "";
  const number = (text) => (text === "" ? NaN : Number(text));
  headings.forEach((heading, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      const sign = down ? -1 : 1;
      const rows = [...table.tBodies[0].rows];
      const known = rows.filter((row) => value(row, place) !== "");
      const numbers = known.every((row) => !Number.isNaN(number(value(row, place))));
      known.sort((one, other) => {
        const [a, b] = [value(one, place), value(other, place)];
        return sign * (numbers ? number(a) - number(b) : a.localeCompare(b, "en", { numeric: true }));
      });
      // What has no value stays at the end, in either direction.
      table.tBodies[0].append(...known, ...rows.filter((row) => value(row, place) === ""));
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    });
  });
}
