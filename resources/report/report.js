"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const tokens = Array.from(document.querySelectorAll(".t"));
  const $ = (id) => document.getElementById(id);
  const minus = (text) => text.replace("-", "−");
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const decimals = (value, digits, plus) => {
    if (value === null) return "–";
    const least = 10 ** -digits; // only 0 reads as 0
    const small = value !== 0 && Math.abs(value) < least;
    const shown = small ? Math.sign(value) * least : value;
    const bound = !small ? "" : value > 0 ? "<" : ">";
    return bound + (shown > 0 ? plus : "") + minus(shown.toFixed(digits));
  };
  const number = (value, digits) => decimals(value, digits, "");
  const signed = (value, digits) => decimals(value, digits, "+");
  const probability = (value) => number(value, 4);
  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const labelled = (word) => word || "∅";
  let chosen = -1;

  const pairs = (token) => {
    const largest = Math.max(0.05, ...token.contributions.map((share) => Math.abs(share ?? 0)));
    return token.contributions.map((share, pair) => {
      const row = element("div", "pair");
      row.append(element("span", `swatch background-pair${pair % data.colors}`));
      row.append(element("b", "", `${data.pairs[pair]} (α ${minus(String(token.alphas[pair]))})`));
      row.append(element("span", "", signed(share, 4)));
      const bar = element("span", "bar"), fill = element("i", `background-pair${pair % data.colors}`);
      const width = (50 * Math.abs(share ?? 0)) / largest;
      fill.style.left = `${share < 0 ? 50 - width : 50}%`;
      fill.style.width = `${width}%`;
      bar.append(fill);
      row.append(bar);
      return row;
    });
  };

  const candidates = (token) =>
    token.candidates.map(([id, word, base, tuned, rank]) => {
      const row = element("tr", id === token.id ? "chosen" : "");
      const head = element("th", "word", labelled(word));
      head.scope = "row";
      if (id === token.id) head.append(element("span", "mark", " ← chosen"));
      row.append(head);
      for (const text of [probability(base), probability(tuned), signed(tuned - base, 4), rank])
        row.append(element("td", "", text));
      return row;
    });

  const show = (index) => {
    const token = data.tokens[index];
    $("hint").hidden = true;
    $("shown").hidden = false;
    $("name").textContent = `“${token.name}”`;
    $("place").textContent =
      `token ${token.index + 1} · id ${token.id}` +
      (token.bookmark ? " · bookmark" : "") +
      (token.forced ? " · given" : "") +
      (token.skipped ? " · no pair was read" : "") +
      (token.flipped ? " · the experts changed the first choice" : "");
    $("base").textContent = probability(token.p_base);
    $("tuned").textContent = probability(token.p_tuned);
    $("shift").textContent =
      token.shift === null ? "–" : `${signed(token.shift, 2)} ${data.unit}`;
    $("rank").textContent = `${token.rank_base} → ${token.rank_tuned}`;
    $("entropy").textContent =
      `${number(token.entropy_base, 2)} → ${number(token.entropy_tuned, 2)} ${data.unit}`;
    $("kl").textContent = `${number(token.kl, 3)} ${data.unit}`;
    $("sampled").textContent = probability(token.sampled);
    if ($("coverage"))
      $("coverage").textContent =
        token.coverage === undefined
          ? "–"
          : token.bounded === undefined
            ? percent(token.coverage)
            : `${percent(token.coverage)}, first piece ${percent(token.bounded)}, ` +
              `no opinion ${percent(Math.max(1 - token.coverage - token.bounded, 0))}`;
    $("pairs").replaceChildren(...pairs(token));
    $("candidates").hidden = token.candidates.length === 0;
    $("candidates").tBodies[0].replaceChildren(...candidates(token));
    $("flips").textContent = token.flipped
      ? `First choice: “${labelled(token.argmax_base)}” → “${labelled(token.argmax_tuned)}”`
      : "";
    band(index);
  };

  const plot = $("plot"), svg = plot.querySelector("svg");
  const left = Number(plot.dataset.left), column = Number(plot.dataset.column);
  const rectangle = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  rectangle.setAttribute("class", "band");
  rectangle.setAttribute("y", plot.dataset.top);
  rectangle.setAttribute("height", plot.dataset.height);
  rectangle.setAttribute("width", 0);
  svg.append(rectangle);
  const band = (index) => {
    rectangle.setAttribute("x", left + index * column);
    rectangle.setAttribute("width", Math.max(column, 2));
  };

  const choose = (index, focus) => {
    if (index < 0 || index >= tokens.length) return;
    if (chosen >= 0) {
      tokens[chosen].classList.remove("chosen");
      tokens[chosen].tabIndex = -1;
      tokens[chosen].setAttribute("aria-selected", "false");
    }
    chosen = index;
    const token = tokens[index];
    token.classList.add("chosen");
    token.tabIndex = 0;
    token.setAttribute("aria-selected", "true");
    if (focus) token.focus({ preventScroll: true });
    token.scrollIntoView({ block: "nearest" });
    plot.scrollLeft = Math.min(
      Math.max(plot.scrollLeft, left + (index + 2) * column - plot.clientWidth),
      Math.max(left + (index - 1) * column, 0),
    );
    show(index);
  };

  const text = $("text");
  const place = (target) => tokens.indexOf(target.closest(".t"));
  text.addEventListener("pointerover", (event) => {
    const index = place(event.target);
    if (index >= 0) show(index);
  });
  text.addEventListener("pointerleave", () => {
    if (chosen >= 0) show(chosen);
  });
  text.addEventListener("click", (event) => choose(place(event.target), true));
  text.addEventListener("focusin", (event) => {
    const index = place(event.target);
    if (index !== chosen) choose(index, false);
  });
  text.addEventListener("keydown", (event) => {
    const flips = (step) => {
      let index = chosen + step;
      while (index >= 0 && index < tokens.length && !data.tokens[index].flipped) index += step;
      return index;
    };
    const target = {
      ArrowRight: () => chosen + 1,
      ArrowLeft: () => chosen - 1,
      Home: () => 0,
      End: () => tokens.length - 1,
      ArrowDown: () => flips(1),
      ArrowUp: () => flips(-1),
    }[event.key];
    if (!target || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    choose(target(), true);
  });

  const column_at = (event) =>
    Math.floor((event.clientX - svg.getBoundingClientRect().left - left) / column);
  svg.addEventListener("pointermove", (event) => {
    const index = column_at(event);
    if (index >= 0 && index < tokens.length) show(index);
  });
  svg.addEventListener("pointerleave", () => {
    if (chosen >= 0) show(chosen);
  });
  svg.addEventListener("click", (event) => choose(column_at(event), true));
})();
