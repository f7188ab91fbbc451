"use strict";
// The page is complete without this: it lets the heat fade and the slices scroll.
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  const covers = document.querySelectorAll(".heat-cover");
  covers.forEach((cover) =>
    cover.addEventListener("input", () => {
      root.style.setProperty("--heat", cover.value / 100);
      covers.forEach((other) => (other.value = cover.value));
    }),
  );

  document.querySelectorAll(".enlarge").forEach((button) =>
    button.addEventListener("click", () => {
      const wide = button.closest(".panel").classList.toggle("is-wide");
      button.setAttribute("aria-pressed", wide);
    }),
  );

  const picture = document.getElementById("viewer-picture");
  if (!picture) return;
  const slider = document.getElementById("viewer-slice");
  const place = document.getElementById("viewer-place");
  const tiles = Array.from(document.querySelectorAll(".tiles li"));

  const show = (position) => {
    const tile = tiles[position];
    picture.setAttribute("viewBox", tile.dataset.box);
    place.textContent = tile.dataset.place;
    slider.value = position;
    slider.setAttribute("aria-valuetext", tile.dataset.place);
    tiles.forEach((other) => other.classList.toggle("is-shown", other === tile));
  };

  slider.addEventListener("input", () => show(Number(slider.value)));
  tiles.forEach((tile, position) => tile.addEventListener("click", () => show(position)));
  const top = tiles.findIndex((tile) => tile.classList.contains("is-top"));
  show(top < 0 ? Math.floor(tiles.length / 2) : top);
})();
