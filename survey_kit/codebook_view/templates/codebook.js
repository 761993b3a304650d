(() => {
  const tools = document.getElementById("tools");
  if (!tools) return;
  const words = document.getElementById("words"), type = document.getElementById("type");
  const found = document.getElementById("found"), none = document.getElementById("none");
  const fold = (text) => text.normalize("NFKC").toLowerCase();
  const cards = Array.from(document.querySelectorAll("main article"));
  const links = Array.from(document.querySelectorAll(".index li"));
  let texts = null, due = 0;
  const show = () => {
    due = 0;
    texts = texts || cards.map((card) => fold(card.textContent));
    const sought = fold(words.value).split(/\s+/).filter(Boolean);
    let count = 0;
    cards.forEach((card, at) => {
      const on = (!type.value || card.dataset.type === type.value) && sought.every((word) => texts[at].includes(word));
      card.hidden = !on;
      links[at].hidden = !on;
      count += on;
    });
    const all = count === cards.length;
    const total = cards.length.toLocaleString("en");
    found.textContent = all ? total + " listed" : count.toLocaleString("en") + " of " + total;
    none.hidden = count > 0;
  };
  const soon = () => { due = due || setTimeout(show, 60); };
  words.addEventListener("input", soon);
  type.addEventListener("change", soon);
  tools.hidden = false;
  if (words.value || type.value) show();
})();
