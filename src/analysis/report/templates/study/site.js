(function () {
  "use strict";
  const find = (query, within) => (within || document).querySelector(query);
  const all = (query, within) => [...(within || document).querySelectorAll(query)];
  const read = id => { const at = document.getElementById(id); return at && JSON.parse(at.textContent); };
  const fill = (text, given) => text.replace(/\{(\w+)\}/g, (_, name) => given[name]);
  const make = (tag, text, given) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    for (const name in given) element.setAttribute(name, given[name]);
    return element;
  };
  const locale = document.documentElement.lang;
  const number = value => value.toLocaleString(locale);

  /* The address holds what is shown, so that it can be sent to somebody. */
  const state = () => {
    const text = location.hash.slice(1);
    return new URLSearchParams(text.includes("=") ? text : "");
  };
  const keep = given => {
    const parts = new URLSearchParams();
    for (const name in given) if (given[name]) parts.set(name, given[name]);
    const text = parts.toString();
    try { history.replaceState(null, "", text ? "#" + text : location.pathname + location.search); } catch { /* kept when it may be */ }
    tell();
  };
  const tell = () => all(".languages a").forEach(each => {
    each.hash = location.hash.includes("=") ? location.hash : "";
  });
  const mark = ([tone, shape, word]) => {
    const shown = make("span", undefined, { class: "mark tone-" + tone });
    shown.append(make("span", shape, { "aria-hidden": "true" }), " " + word);
    return shown;
  };

  /* Search: a word is looked up once in each list of words, then each run is a few numbers. */
  function searching(data) {
    const box = find("#q"), said = find("#found"), list = find("#results ol"), rest = find("#results p");
    const results = find("#results"), SHOWN = 40;
    const fold = text => text.toLocaleLowerCase(locale).normalize("NFKD").replace(/\p{M}/gu, "");
    const lists = {
      studies: data.studies.map(each => fold(each.join(" ").replace(/_/g, " ") + " " + each[0])),
      markets: data.markets.map(each => fold(each.join(" "))),
      windows: data.windows.map(fold), variants: data.variants.map(fold),
      marks: data.marks.map(each => fold(each[2])), words: data.words.map(fold),
      texts: data.texts.map(each => fold(each.join(" "))),
      findings: data.findings.map(each => fold(each.slice(2).join(" ")))
    };
    const stale = fold(data.stale);
    const path = run => data.studies[run[0]][0] + "/" + data.markets[run[1]][0] + "/" + data.windows[run[2]] +
      (data.variants[run[3]] ? "@" + data.variants[run[3]] : "") + "/report.html";
    const place = new Map(data.runs.map((run, at) => [path(run), at]));
    const cells = all("a.c").map(cell => [cell, place.get(decodeURIComponent(cell.getAttribute("href")).slice(data.root.length))]);
    const rows = all("section.study tbody tr, #grid-markets ~ * tr, section[aria-labelledby=markets] tbody tr").map(row => {
      const own = cells.filter(each => row.contains(each[0])).map(each => each[1]);
      const first = find("th", row);
      return [row, own, own.length ? null : fold(first ? first.textContent : "")];
    });
    const points = all(".points > li, .trouble li").map(each => [each, fold(each.textContent)]);
    const more = all("details.more"), sections = all("section.study");
    const wordsOf = text => fold(text).split(/\s+/).filter(Boolean);
    function matching(words) {
      const looked = words.map(word => {
        const hit = {};
        for (const name in lists) hit[name] = lists[name].map(text => text.includes(word));
        hit.told = data.told.map(texts => texts.some(at => hit.texts[at]));
        hit.stale = stale.includes(word);
        return hit;
      });
      const hits = new Uint8Array(data.runs.length);
      data.runs.forEach((run, at) => {
        hits[at] = looked.every(hit => {
          if (hit.studies[run[0]] || hit.markets[run[1]] || hit.windows[run[2]] || hit.variants[run[3]] ||
            hit.marks[run[4]] || hit.words[run[5]] || (run[6] && hit.stale) || hit.told[run[7]]) return true;
          for (let i = 8; i < run.length; i++) if (hit.findings[run[i]]) return true;
          return false;
        });
      });
      return [hits, looked];
    }
    function line(run, looked) {
      const item = make("li"), link = make("a", undefined, { href: data.root + path(run).split("/").map(encodeURIComponent).join("/") });
      const where = [data.studies[run[0]][1], data.markets[run[1]][1], data.windows[run[2]], data.variants[run[3]]];
      where.filter(Boolean).forEach((text, at) => link.append(at ? ", " : "", make("bdi", text)));
      const text = make("div");
      text.append(link);
      const found = run.slice(8).filter(at => looked.some(hit => hit.findings[at])).slice(0, 3);
      const known = new Set(found.map(at => data.findings[at][3]));
      const other = data.told[run[7]].filter(at => !known.has(data.texts[at][0]) && looked.some(hit => hit.texts[at])).slice(0, 3 - found.length);
      if (found.length + other.length) {
        const names = make("p", undefined, { class: "aside" });
        const said = found.map(at => [data.findings[at][3], ": " + data.findings[at][2]]).concat(other.map(at => [data.texts[at][0], ""]));
        said.forEach(([title, word], i) => names.append(i ? "; " : "", make("bdi", title), word));
        text.append(names);
      }
      const first = make("div");
      first.append(mark(data.marks[run[4]]));
      item.append(first, text);
      return item;
    }
    function show() {
      const words = wordsOf(box.value), on = words.length > 0;
      const [hits, looked] = on ? matching(words) : [null, []];
      const matches = text => words.every(word => text.includes(word));
      cells.forEach(([cell, at]) => cell.classList.toggle("out", on && !hits[at]));
      rows.forEach(([row, own, name]) => { row.hidden = on && !(own.length ? own.some(at => hits[at]) : matches(name)); });
      points.forEach(([item, text]) => { item.hidden = on && !matches(text); });
      more.forEach(each => { if (on) each.open = true; });
      sections.forEach(each => { each.hidden = on && !find("tbody tr:not([hidden])", each); });
      results.hidden = !on;
      list.replaceChildren();
      let count = 0;
      if (on) hits.forEach((hit, at) => { if (hit && count++ < SHOWN) list.append(line(data.runs[at], looked)); });
      said.textContent = on ? fill(said.dataset.said, { num: number(count), all: number(data.runs.length) }) : "";
      rest.textContent = count > SHOWN ? fill(rest.dataset.said, { num: number(count - SHOWN) }) : "";
    }
    let later = 0;
    box.addEventListener("input", () => {
      show();
      clearTimeout(later);
      later = setTimeout(() => keep({ q: box.value.trim() }), 150);
    });
    box.addEventListener("keydown", event => {
      if (event.key === "Escape" && box.value) { box.value = ""; show(); keep({}); event.preventDefault(); }
    });
    const restore = () => {
      const asked = state().get("q") || "";
      if (asked !== box.value.trim()) { box.value = asked; show(); }
    };
    find(".search").hidden = false;
    addEventListener("hashchange", restore);
    restore();
  }

  /* Choosing two cells of a grid, by mouse or keyboard; the study's page shows them side by side. */
  function picking(button) {
    const table = button.closest(".table"), said = find(".picking", table);
    let chosen = [];
    const cells = () => all("a.c", table);
    const name = cell => decodeURIComponent(cell.getAttribute("href")).split("/").slice(-3, -1).join("/");
    function set(on) {
      chosen = [];
      button.setAttribute("aria-pressed", String(on));
      table.classList.toggle("picks", on);
      said.textContent = on ? said.dataset.said : "";
      cells().forEach(cell => {
        for (const each of ["role", "aria-pressed"]) cell.removeAttribute(each);
        if (on) { cell.setAttribute("role", "button"); cell.setAttribute("aria-pressed", "false"); }
      });
    }
    function pick(cell) {
      const at = chosen.indexOf(cell);
      at < 0 ? chosen.push(cell) : chosen.splice(at, 1);
      cell.setAttribute("aria-pressed", String(at < 0));
      said.textContent = chosen.length ? fill(said.dataset.one, { run: name(chosen[0]).replace("/", ", ") }) : said.dataset.said;
      if (chosen.length < 2) return;
      const [a, b] = chosen.map(name);
      set(false);
      location.href = button.dataset.to + "#" + new URLSearchParams({ a, b });
    }
    const on = () => button.getAttribute("aria-pressed") === "true";
    button.hidden = false;
    button.addEventListener("click", () => set(!on()));
    table.addEventListener("click", event => {
      const cell = event.target.closest("a.c");
      if (cell && on()) { event.preventDefault(); pick(cell); }
    });
    table.addEventListener("keydown", event => {
      const cell = event.target.closest("a.c");
      if (on() && event.key === "Escape") { set(false); button.focus(); }
      if (on() && cell && event.key === " ") { event.preventDefault(); pick(cell); }
    });
  }

  /* Two runs side by side. */
  function comparing(data) {
    const section = find(".compare"), table = find("#compared-numbers"), words = table.dataset;
    const choose = { a: [find("#a-market"), find("#a-window")], b: [find("#b-market"), find("#b-window")] };
    const label = run => data.windows[run[1]] + (run[2] ? "@" + run[2] : "");
    const key = run => data.markets[run[0]][0] + "/" + label(run);
    const runs = new Map(data.runs.map(run => [key(run), run]));
    const decimals = share => share === 0 ? 1 : Math.abs(share) >= .1 ? 1 : Math.max(1, 2 - Math.floor(Math.log10(Math.abs(100 * share))));
    const write = (value, given) => value.toLocaleString(locale, given).replace("-", "\u2212");
    /* A number, and how it is said with its unit: as analysis.report.words has it. */
    const plural = new Intl.PluralRules(locale);
    function parts(value, { unit, noun }, difference) {
      const signDisplay = difference ? "exceptZero" : "auto";
      if (unit === "share") {
        const places = decimals(value), given = { minimumFractionDigits: places, maximumFractionDigits: places, signDisplay };
        return difference ? [write(100 * value, given), words.points] : [write(value, { style: "percent", ...given }), "{number}"];
      }
      const minutes = unit === "hours" && Math.abs(value) < 1, shown = minutes ? 60 * value : value;
      const whole = unit === "count" || unit === "rank" || Math.abs(shown) >= 100;
      const given = whole ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
      const text = write(shown, { signDisplay, ...given });
      const said = { rank: difference ? "" : words.rank, per_hundred: words.perHundred, per_thousand: words.perThousand, per_million: words.perMillion, hours: minutes ? words.minutes : words.hours };
      const of = data.nouns[noun], kind = plural.select(Number(Math.abs(shown).toLocaleString("en", { useGrouping: false, ...given })));
      return [text, said[unit] || of[kind] || of.other];
    }
    function shown(value, of, difference) {
      if (value === null) return "\u2013";
      const [text, said] = parts(value, of, difference);
      return fill(said, { number: text });
    }
    function ends(low, high, of, difference) {
      const [one, said] = parts(low, of, difference), [two, also] = parts(high, of, difference);
      if (said === also || of.noun) return fill(also, { number: fill(words.to, { low: one, high: two }) });
      return fill(words.to, { low: shown(low, of, difference), high: shown(high, of, difference) });
    }
    const SVG = "http://www.w3.org/2000/svg";
    function picture([value, low, high], bounds) {
      const at = x => 4 + 92 * (x - bounds[0]) / (bounds[1] - bounds[0] || 1);
      const svg = document.createElementNS(SVG, "svg"), add = (tag, given) => {
        const shape = document.createElementNS(SVG, tag);
        for (const name in given) shape.setAttribute(name, given[name]);
        svg.append(shape);
      };
      svg.setAttribute("viewBox", "0 0 100 8");
      svg.setAttribute("aria-hidden", "true");
      if (low !== null && high !== null) add("line", { class: "extent", x1: at(low), x2: at(high), y1: 4, y2: 4 });
      add("circle", { class: "place", cx: at(value), cy: 4, r: 3 });
      return svg;
    }
    function side(numbers, of, bounds) {
      const cell = make("td", undefined, { class: "number" });
      if (!numbers || numbers[0] === null) { cell.textContent = words.missing; return cell; }
      cell.append(make("b", shown(numbers[0], of)));
      if (numbers[1] !== null && numbers[2] !== null) cell.append(make("small", ends(numbers[1], numbers[2], of)));
      cell.append(picture(numbers, bounds));
      return cell;
    }
    /* A market's numbers lie in a page of their own, which says them when it is opened. */
    const opened = new Map();
    function open(market) {
      const frame = make("iframe", undefined, { sandbox: "allow-scripts", hidden: "", src: data.root + ["by-study", data.study, market + ".html"].map(encodeURIComponent).join("/") });
      return new Promise(done => {
        addEventListener("message", function told(event) {
          if (event.source !== frame.contentWindow) return;
          removeEventListener("message", told);
          frame.remove();
          done(JSON.parse(event.data));
        });
        document.body.append(frame);
      });
    }
    async function numbersOf(run) {
      const [market] = data.markets[run[0]];
      if (!opened.has(market)) opened.set(market, open(market));
      const file = await opened.get(market), [metrics, against, numbers, known] = file.runs[label(run)];
      const found = new Map();
      file.metrics[metrics].forEach(([name, title, unit, noun], at) => found.set(name, { title, unit, noun, at, numbers: numbers[at] }));
      return { run, labels: file.labels, against, numbers, known, found };
    }
    /* What one run itself says of the other: only windows of one market compare themselves. */
    function known(one, other, at) {
      if (one.numbers[at][1] === null || one.run[0] !== other.run[0] || one.run[2] || other.run[2]) return null;
      const wanted = one.labels.indexOf(data.windows[other.run[1]]);
      if (wanted < 0 || !one.against.includes(wanted)) return null;
      return one.known.find(each => each[0] === at && each[1] === wanted) || "within";
    }
    function verdict(one, other, mine, theirs) {
      const cell = make("td");
      const [v, low, high] = mine.numbers, [w, lower, higher] = theirs.numbers;
      if (v === null || w === null) return cell;
      for (const [a, b, at] of [[one, other, mine.at], [other, one, theirs.at]]) {
        const said = known(a, b, at);
        if (said === "within") { cell.textContent = words.within; return cell; }
        if (said) {
          const [, , difference, from, to, shape] = said;
          const about = make("small", data.windows[a.run[1]] + " − " + data.windows[b.run[1]] + (difference === null ? "" : ": " + shown(difference, mine, true) + (from === null || to === null ? "" : " (" + ends(from, to, mine, true) + ")")));
          cell.append(mark(data.marks[shape]), about);
          return cell;
        }
      }
      const missing = [low, high, lower, higher].some(end => end === null);
      const word = low > higher ? words.higher : words.lower;
      cell.textContent = missing ? words.bare : low > higher || high < lower ? fill(words.apart, { mark: word }) : words.overlap;
      return cell;
    }
    let asking = 0;
    async function show(one, other) {
      const turn = ++asking, both = await Promise.all([one, other].map(numbersOf));
      if (turn !== asking) return;
      const [mine, theirs] = both.map(each => each.found), body = find("tbody", table);
      const main = new Set(both.flatMap(each => { const names = [...each.found.keys()]; return each.known.map(([at]) => names[at]); }));
      const names = [...new Set([...mine.keys(), ...theirs.keys()])].sort((a, b) => main.has(b) - main.has(a));
      [one, other].forEach((run, at) => {
        const head = all("thead th", table)[at + 1];
        head.replaceChildren(make("a", undefined, { href: data.root + [data.study, data.markets[run[0]][0], label(run), "report.html"].map(encodeURIComponent).join("/") }));
        head.firstChild.append(make("bdi", data.markets[run[0]][1]), ", ", make("bdi", label(run)));
      });
      body.replaceChildren(...names.flatMap(name => {
        const a = mine.get(name), b = theirs.get(name), of = a || b, row = make("tr");
        const numbers = [a, b].flatMap(each => each ? each.numbers : []).filter(each => each !== null);
        if (!numbers.length) return [];
        const bounds = [Math.min(...numbers), Math.max(...numbers)];
        row.append(make("th", of.title, { scope: "row", lang: "en", dir: "ltr" }), side(a && a.numbers, of, bounds), side(b && b.numbers, of, bounds), a && b ? verdict(...both, a, b) : make("td"));
        return row;
      }));
      const differ = one[0] !== other[0] && one[1] !== other[1];
      find("#compared").textContent = !names.length || !mine.size || !theirs.size ? words.none : differ ? words.both : "";
    }
    function options(box, given, chosen) {
      box.replaceChildren(...given.map(([value, text]) => {
        const option = make("option", text, { value });
        option.selected = value === chosen;
        return option;
      }));
    }
    const markets = [...new Set(data.runs.map(run => run[0]))].map(at => data.markets[at]).sort((a, b) => a[1].localeCompare(b[1], locale));
    function set(a, b, from) {
      for (const [name, asked] of [["a", a], ["b", b]]) {
        const run = runs.get(asked), [market, window] = choose[name];
        options(market, markets, data.markets[run[0]][0]);
        options(window, data.runs.filter(each => each[0] === run[0]).map(each => [label(each), label(each)]), label(run));
      }
      show(runs.get(a), runs.get(b));
      section.hidden = false;
      if (from) keep({ a, b });
    }
    const nearest = (market, window) => runs.has(market + "/" + window) ? market + "/" + window : key(data.runs.find(run => data.markets[run[0]][0] === market));
    const asked = name => nearest(choose[name][0].value, choose[name][1].value);
    for (const name in choose) choose[name].forEach(box => box.addEventListener("change", () => set(asked("a"), asked("b"), true)));
    const restore = jump => {
      const given = state(), a = given.get("a"), b = given.get("b");
      if (runs.has(a) && runs.has(b)) {
        set(a, b);
        if (jump) { section.scrollIntoView(); find("h2", section).focus(); }
      } else if (section.hidden && data.runs.length > 1) set(key(data.runs[0]), key(data.runs[1]));
    };
    find("h2", section).tabIndex = -1;
    addEventListener("hashchange", () => restore(true));
    restore(Boolean(state().get("a")));
  }

  const runs = read("runs"), compared = read("compared-runs");
  if (runs && find("#q")) searching(runs);
  if (compared) comparing(compared);
  all("button.pick").forEach(picking);
  addEventListener("hashchange", tell);
  tell();
})();
