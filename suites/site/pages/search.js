"use strict";
// The search: every word has to be found at a place; titles count most. Its index is
// loaded when somebody begins to search.
(() => {
  const form = document.getElementById("search"), list = document.getElementById("found"), field = form.elements.q;
  const root = document.body.dataset.root;
  const most = 20; // places shown
  let loading = null;

  const index = () => loading ||= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = root + "search-index.js";
    script.onload = () => done(window.reactorspecIndex.map(e => ({...e, title: e.t.toLowerCase(), text: (e.w + " " + e.x).toLowerCase()})));
    script.onerror = failed;
    document.head.append(script);
  });

  const score = (place, words) => {
    let sum = 0;
    for (const word of words) {
      const title = place.title.indexOf(word), text = place.text.indexOf(word);
      if (title < 0 && text < 0) return 0;
      sum += title === 0 ? 20 : title > 0 ? 10 : 1;
      if (place.title === word || place.title.startsWith(word + " ")) sum += 50;
    }
    return sum;
  };

  const search = async () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    list.hidden = words.length === 0;
    if (list.hidden) return;
    const places = (await index()).map(place => [score(place, words), place]).filter(([sum]) => sum > 0).sort((a, b) => b[0] - a[0]);
    list.replaceChildren(...places.slice(0, most).map(([, place]) => {
      const item = document.createElement("li"), link = document.createElement("a"), where = document.createElement("small");
      link.href = root + place.u;
      link.textContent = place.t;
      where.textContent = place.w === place.t ? "" : place.w;
      item.append(link, where);
      return item;
    }));
    if (places.length === 0) {
      const item = document.createElement("li");
      item.textContent = "Nothing has all of these words.";
      list.append(item);
    }
  };

  form.hidden = false;
  field.addEventListener("focus", () => { index(); });
  field.addEventListener("input", search);
  form.addEventListener("submit", event => {
    event.preventDefault();
    const first = list.querySelector("a");
    if (first) first.click();
  });
  document.addEventListener("keydown", event => {
    if (event.key === "Escape") list.hidden = true;
  });
  list.addEventListener("click", event => {
    if (event.target.closest("a")) list.hidden = true;
  });
})();
