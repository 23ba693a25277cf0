"use strict";
// Draws the page from the JSON in the element "data". Values become text nodes, never HTML.
(() => {
  const LONG = 600; // characters of a value that are shown at first
  const FEW = 30; // entries that are shown with their values at first
  const PRINTED = 2000; // entries on paper
  const MARGIN = 800; // pixels above and below the window in which entries are drawn
  const SIGNS = { rename: "=", create: "+", move: ">", update: "~", delete: "-" };
  const STATUS_SIGNS = { applied: "✓", "not applied": "✗", unknown: "?" };
  const STATUS_TONES = { applied: "create", "not applied": "delete", unknown: "update" };

  const find = (selector) => document.querySelector(selector);
  const number = (count) => count.toLocaleString("en");
  const amount = (count, [one, many]) => `${number(count)} ${count === 1 ? one : many}`;

  function make(tag, className, text, parent) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined && text !== null) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  }

  const toneOf = (tag) => STATUS_TONES[tag] || (SIGNS[tag] ? tag : "quiet");

  // What the pages of plans, reports and sites show. Each returns the parts of its page.

  const notice = (tone, title, items = [], names = false) => ({ tone, title, items, names });
  const some = (tone, items, nouns, more = "", names = false) =>
    items.length ? [notice(tone, amount(items.length, nouns) + more, items, names)] : [];
  const HOSTS = ["host", "hosts"];
  const BY_PLACE = [["folder", "By folder and kind"], ["kind", "By kind"]];
  const BY_OUTCOME = ["tag", "By outcome"];
  const IN_ORDER = ["", "In the order of the run"];

  function notesOf(plan) {
    const forced = plan.is_empty ? "" : "; apply needs --force-foreign, unless they are activated first";
    return [
      ...some("warn", plan.renames, ["deletion is probably a rename", "deletions are probably renames"]),
      ...some("warn", plan.warnings, ["warning", "warnings"]),
      ...some("warn", plan.foreign, ["pending change", "pending changes"], ` of other users${forced}`),
      ...some("info", plan.own, ["own change is", "own changes are"], " not active yet and will be activated"),
      ...some("info", plan.undiscovered, HOSTS, " will be scanned, because no services were found yet", true),
      ...some("info", plan.silent, HOSTS, " on which a scan found no services (is the agent reachable?)", true),
    ];
  }

  function factsOf(plan) {
    return [
      ["Site", addressOf(plan.site)],
      ...(plan.owner === null ? [] : [["Owner", `${plan.owner}, ${amount(plan.owned, ["object", "objects"])}`]]),
      ...(plan.only.length ? [["Only", plan.only.join(", ")]] : []),
    ];
  }

  const addressOf = (site) => site.replace(/\/check_mk\/api\/.*/, "");
  const titleOf = (word, plan) => (plan.owner === null ? word : `${word} for ${plan.owner}`);
  const CHANGES = ["change", "changes"];

  function planPage({ plan, command, entries }) {
    const { counts } = plan;
    const size = amount(entries.length, CHANGES);
    const actions = Object.keys(SIGNS).filter((action) => action !== "rename" || counts.rename);
    const verdict = plan.is_empty
      ? ["good", "Nothing to do: the site matches the inventory."]
      : plan.refused
        ? ["bad", `${size}. Apply refuses this plan.`]
        : plan.foreign.length
          ? ["warn", `${size}. Changes of other users are pending.`]
          : ["good", `${size}. Apply accepts this plan.`];
    const conflicts = some("bad", plan.conflicts, ["conflict", "conflicts"], ": objects that must stay as they are");
    const why = (plan.refused || "").replace(/ \([^()]* in Python\)/g, "");
    const refused = why ? [notice("bad", `Apply refuses this plan: ${why}`)] : [];
    return {
      title: titleOf("Plan", plan),
      verdict,
      tiles: [
        ...actions.map((action) => [action, counts[action], `to ${action}`]),
        ["", counts.unchanged, "unchanged"],
        ...(counts.conflicts ? [["", counts.conflicts, "in conflict"]] : []),
      ],
      notices: [...(conflicts.length ? conflicts : refused), ...notesOf(plan)],
      facts: [
        ...factsOf(plan),
        ["Changed", `${number(plan.changed)} of ${number(plan.existing)}, at most ${plan.limits.changes}`],
        ["Deleted", `${number(counts.delete)}, at most ${plan.limits.deletions}`],
        ["Checksum", plan.checksum],
      ],
      command: plan.refused || plan.is_empty ? "" : `${command} --checksum ${plan.checksum}`,
      groups: [...BY_PLACE, ["tag", "By action"], IN_ORDER],
      nouns: CHANGES,
      empty: "The plan has no changes.",
    };
  }

  function reportPage({ plan, report, entries }) {
    const errors = Object.entries(report.errors).map(([stage, error]) => notice("bad", `The step ${stage} failed: ${error}`));
    const failed = report.counts["not applied"] + report.counts.unknown;
    const verdict = report.nothing_to_do
      ? ["good", "Nothing to do: the site matches the inventory."]
      : failed
        ? ["bad", `${number(failed)} of ${amount(entries.length, CHANGES)} not applied, or with an unknown outcome.`]
        : errors.length
          ? ["bad", `${amount(entries.length, CHANGES)} applied, but a later step failed.`]
          : ["good", `${amount(entries.length, CHANGES)} applied${report.verified ? " and verified" : ""}.`];
    const active = report.activated_changes;
    return {
      title: titleOf("Report", plan),
      verdict,
      tiles: ["unknown", "not applied", "applied"].map((status) => [status, report.counts[status], status]),
      notices: [
        ...errors,
        ...some("warn", report.without_services, HOSTS, " without services after the scan (is the agent reachable?)", true),
        ...some("warn", report.not_monitored, HOSTS, " that the monitoring core has not loaded", true),
        ...notesOf({ ...plan, own: [], undiscovered: [], silent: [], is_empty: true }),
      ],
      facts: [
        ...factsOf(plan),
        ["Scanned", amount(report.discovered, HOSTS)],
        ["Activated", active === null ? "no" : amount(active, CHANGES)],
        ["Duration", `${report.elapsed_s.toFixed(1)} s`],
        ["Checksum", plan.checksum],
      ],
      groups: failed ? [BY_OUTCOME, ...BY_PLACE, IN_ORDER] : [...BY_PLACE, BY_OUTCOME, IN_ORDER],
      nouns: CHANGES,
      empty: "No changes were made.",
    };
  }

  function sitePage(data) {
    const owners = Object.entries(data.owners).map(([owner, count]) => `${owner} (${number(count)})`);
    const found = data.entries.length;
    return {
      title: `Site ${addressOf(data.site).split("/").pop()}`,
      verdict: found ? ["warn", `${amount(found, ["finding", "findings"])}.`] : ["good", "Nothing stands out."],
      tiles: Object.entries(data.counts).map(([check, count]) => [check, count, check]),
      notices: [],
      facts: [
        ["Site", addressOf(data.site)],
        ["Hosts", number(data.hosts)],
        ["Folders", number(data.folders)],
        ["Owners", owners.join(", ") || "none"],
      ],
      groups: [["tag", "By finding"], ["folder", "By folder"], ["", "Not grouped"]],
      kinds: { host: "hosts", service: "services", owner: "owners" },
      nouns: ["finding", "findings"],
      empty: "No findings.",
    };
  }

  const data = JSON.parse(document.getElementById("data").textContent);
  const { entries } = data;
  const page = { plan: planPage, report: reportPage, site: sitePage }[data.page](data);
  const plurals = page.kinds || data.plan.kinds;

  // The head of the page

  const chosen = new Set(); // the tags of the pressed tiles

  function drawHead() {
    document.title = page.title;
    find("h1").textContent = page.title;
    find(".brand").textContent = "checkmk-sync";
    find(".verdict").textContent = page.verdict[1];
    find(".verdict").classList.add(page.verdict[0]);
    for (const [tag, count, text] of page.tiles) {
      const isFilter = tag && count > 0;
      const tile = make(isFilter ? "button" : "div", `tile ${toneOf(tag)}${count ? "" : " zero"}`);
      make("b", "", number(count), tile);
      make("span", "", text, tile);
      if (isFilter) {
        tile.type = "button";
        tile.dataset.tag = tag;
        tile.setAttribute("aria-pressed", "false");
        tile.addEventListener("click", () => press(tag));
      }
      find(".tiles").append(tile);
    }
    for (const [name, value] of page.facts) {
      const fact = make("div", "", "", find(".facts"));
      make("dt", "", name, fact);
      make("dd", "", value, fact);
    }
    page.notices.forEach(drawNotice);
    if (page.command) drawCommand();
  }

  function drawNotice({ tone, title, items, names }) {
    const box = make(items.length ? "details" : "div", `notice ${tone}${names ? " names" : ""}`, "", find(".notices"));
    make(items.length ? "summary" : "p", "", title, box);
    if (!items.length) return;
    box.open = tone === "bad" || (tone === "warn" && items.length <= 5);
    const list = make("ul", "", "", box);
    for (const item of items) make("li", "", item, list);
  }

  function drawCommand() {
    const box = find(".command");
    const text = box.querySelector("pre");
    const button = box.querySelector("button");
    box.hidden = false;
    text.textContent = page.command;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
      } catch {
        getSelection().selectAllChildren(text); // without a secure context, only a selection can be copied
        document.execCommand("copy");
      }
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
  }

  function press(tag) {
    chosen.has(tag) ? chosen.delete(tag) : chosen.add(tag);
    for (const tile of document.querySelectorAll("button.tile")) {
      tile.setAttribute("aria-pressed", chosen.has(tile.dataset.tag));
    }
    refine();
  }

  // The list: only the items near the window are in the document, so that it is fast with many of them

  const list = find(".list");
  const search = find(".tools input");
  const kinds = find(".kinds");
  const groups = find(".groups");
  const expand = find(".expand");
  const closedGroups = new Set();
  let items = []; // {group, sums} or {entry}, each with its height
  let tops = [0]; // the top of each item in the list, and the height of the list
  let drawn = new Map(); // the nodes in the document, by position
  let current = -1; // the position of the item with the focus
  const hasValues = entries.some((entry) => entry.rows.length > 0);
  let showValues = hasValues && entries.length <= FEW;
  let printing = false;

  const isOpen = (entry) => (entry.open === undefined ? showValues : entry.open) && hasMore(entry);
  const hasMore = (entry) => entry.rows.length > 0 || Boolean(entry.note);

  function textOf(entry) {
    if (entry.searched === undefined) {
      const { name, kind, tag, action, folder, place, note } = entry;
      entry.searched = [name, kind, tag, action, folder, place, note, ...entry.rows.flat()].join("\n").toLowerCase();
    }
    return entry.searched;
  }

  function selected() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    return entries.filter(
      (entry) =>
        (!chosen.size || chosen.has(entry.tag)) &&
        (!kinds.value || entry.kind === kinds.value) &&
        words.every((word) => textOf(entry).includes(word)),
    );
  }

  const titles = {
    folder: (entry) => [entry.folder || "Without a folder", plurals[entry.kind] || entry.kind],
    kind: (entry) => [plurals[entry.kind] || entry.kind, ""],
    tag: (entry) => [entry.tag, ""],
  };

  function grouped(entries) {
    const title = titles[groups.value];
    if (!title) return entries.map((entry) => ({ entry }));
    const found = new Map();
    for (const entry of entries) {
      const key = JSON.stringify(title(entry));
      if (!found.has(key)) found.set(key, { title: title(entry), entries: [] });
      found.get(key).entries.push(entry);
    }
    const sorted = [...found];
    if (groups.value === "tag") {
      const order = page.tiles.map(([tag]) => tag);
      sorted.sort(([, a], [, b]) => order.indexOf(a.entries[0].tag) - order.indexOf(b.entries[0].tag));
    } else if (groups.value === "folder") {
      const isAny = (group) => (group.entries[0].folder ? 1 : 0);
      const order = new Intl.Collator("en", { numeric: true }).compare;
      sorted.sort(([, a], [, b]) => isAny(a) - isAny(b) || order(a.title[0], b.title[0]));
    }
    return sorted.flatMap(([key, group]) => {
      const closed = closedGroups.has(key) && !printing;
      const inside = closed ? [] : group.entries.map((entry) => ({ entry }));
      return [{ key, closed, group: group.title, entries: group.entries }, ...inside];
    });
  }

  function rebuild() {
    const found = selected();
    const shown = printing ? found.slice(0, PRINTED) : found;
    const kept = current >= 0 && items[current];
    items = grouped(shown);
    items.forEach((item, at) => {
      item.height = item.group ? 50 : item.entry.height || estimate(item.entry);
      item.first = !items[at - 1] || Boolean(items[at - 1].group);
      item.last = !items[at + 1] || Boolean(items[at + 1].group);
    });
    current = kept && kept.entry ? items.findIndex((item) => item.entry === kept.entry) : -1;
    clear();
    find(".shown").textContent =
      found.length === entries.length
        ? amount(found.length, page.nouns)
        : `${number(found.length)} of ${amount(entries.length, page.nouns)}`;
    find(".empty").hidden = found.length > 0;
    find(".empty").textContent = entries.length ? `No ${page.nouns[0]} matches the filter.` : page.empty;
    find(".printed").textContent =
      shown.length < found.length
        ? `The first ${number(shown.length)} of ${amount(found.length, page.nouns)}. Filter the page to print others.`
        : "";
    layOut();
    draw();
  }

  // Rebuild the list, and show its start if the window is below it.
  function refine() {
    rebuild();
    const above = list.getBoundingClientRect().top - find(".tools").offsetHeight;
    if (above < 0) scrollBy(0, above);
    draw();
  }

  const estimate = (entry) => 40 + (isOpen(entry) ? 48 + 29 * entry.rows.length : 0);

  function clear() {
    for (const node of drawn.values()) node.remove();
    drawn = new Map();
  }

  function layOut() {
    tops = new Float64Array(items.length + 1);
    for (let at = 0; at < items.length; at++) tops[at + 1] = tops[at] + items[at].height;
  }

  function itemAt(height) {
    let low = 0;
    let high = items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (tops[middle + 1] <= height) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function draw() {
    for (let round = 0; round < 4; round++) {
      const top = list.getBoundingClientRect().top; // of the list, relative to the window
      const from = printing ? 0 : itemAt(-top - MARGIN);
      const to = printing ? items.length : Math.min(items.length, itemAt(innerHeight - top + MARGIN) + 1);
      place(from, to);
      if (!measure(from, to, top)) return;
    }
  }

  function place(from, to) {
    for (const [at, node] of drawn) {
      if (at >= from && at < to) continue;
      node.remove();
      drawn.delete(at);
    }
    let next = null;
    for (let at = to - 1; at >= from; at--) {
      let node = drawn.get(at);
      if (!node) drawn.set(at, (node = nodeOf(items[at], at)));
      if (node.parentNode !== list) list.insertBefore(node, next);
      next = node;
    }
    list.style.paddingTop = `${tops[from] || 0}px`;
    list.style.paddingBottom = `${tops[items.length] - (tops[to] || 0)}px`;
  }

  // Correct the estimated heights. Return true if the window may now show other items.
  function measure(from, to, top) {
    let changed = false;
    let above = 0;
    for (let at = from; at < to; at++) {
      const height = drawn.get(at).getBoundingClientRect().height;
      if (Math.abs(height - items[at].height) < 0.5) continue;
      if (tops[at + 1] + top < 0) above += height - items[at].height;
      items[at].height = height;
      if (items[at].entry) items[at].entry.height = height;
      changed = true;
    }
    if (changed) {
      layOut();
      list.style.paddingBottom = `${tops[items.length] - (tops[to] || 0)}px`;
      if (above) scrollBy(0, above);
    }
    return changed;
  }

  function nodeOf(item, at) {
    const node = make("li", item.group ? "group" : `entry${item.first ? " first" : ""}${item.last ? " last" : ""}`);
    node.setAttribute("aria-setsize", items.length);
    node.setAttribute("aria-posinset", at + 1);
    const button = make("button", "", "", node);
    button.type = "button";
    button.addEventListener("click", () => toggle(item, at));
    button.addEventListener("focus", () => (current = at));
    item.group ? fillGroup(button, item) : fillEntry(node, button, item.entry);
    return node;
  }

  function fillGroup(button, item) {
    const [title, kind] = item.group;
    button.setAttribute("aria-expanded", !item.closed);
    make("b", "", title, button);
    make("span", "of", kind ? `${kind} · ${number(item.entries.length)}` : number(item.entries.length), button);
    const sums = make("span", "sums", "", button);
    for (const [tag, sign] of Object.entries({ ...SIGNS, ...STATUS_SIGNS })) {
      const count = item.entries.filter((entry) => entry.tag === tag).length;
      if (count) make("span", toneOf(tag), `${sign}${number(count)}`, sums);
    }
  }

  function fillEntry(node, button, entry) {
    const open = isOpen(entry);
    const action = entry.action || entry.tag;
    if (hasMore(entry)) button.setAttribute("aria-expanded", open);
    const sign = make("span", `sign ${toneOf(action)}`, SIGNS[action] || "•", button);
    sign.setAttribute("role", "img");
    sign.setAttribute("aria-label", action);
    make("span", "name", entry.name, button);
    if (!groups.value || groups.value === "tag") make("span", "kind", entry.kind, button);
    const isPlain = SIGNS[entry.tag] || entry.tag === "applied" || groups.value === "tag";
    if (!isPlain) make("span", `tag ${toneOf(entry.tag)}`, entry.tag, button);
    make("span", "brief", open ? "" : brief(entry), button);
    const place = data.page === "site" && groups.value !== "folder" ? entry.folder : entry.place;
    if (place) make("span", "place", place, button);
    if (!open) return;
    const more = make("div", "more", "", node);
    if (entry.note) make("p", `note${entry.bad ? " bad" : ""}`, entry.note, more);
    if (entry.rows.length) more.append(tableOf(entry));
  }

  function brief(entry) {
    const short = (value) => (value === null ? "(not set)" : value.length > 40 ? `${value.slice(0, 39)}…` : value);
    const texts = entry.rows.slice(0, 4).map(([name, now, wanted]) => {
      if (entry.action === "create") return `${name} ${short(wanted)}`;
      if (entry.action === "delete") return `${name} ${short(now)}`;
      return now === wanted ? `${name} changes` : `${name} ${short(now)} → ${short(wanted)}`;
    });
    if (entry.rows.length > 4) texts.push(`and ${entry.rows.length - 4} more`);
    return [entry.note, texts.join(", ")].filter(Boolean).join(" · ").slice(0, 300);
  }

  // The values of an entry, before and after

  function tableOf(entry) {
    const hasBefore = entry.action !== "create";
    const hasAfter = entry.action !== "delete";
    const table = make("table", hasBefore && hasAfter ? "" : "single");
    const widths = make("colgroup", "", "", table);
    const head = make("tr", "", "", make("thead", "", "", table));
    const columns = ["property", ...(hasBefore ? ["before"] : []), ...(hasAfter ? ["after"] : [])];
    for (const _ of columns) make("col", "", "", widths);
    for (const column of columns) make("th", column, column[0].toUpperCase() + column.slice(1), head).scope = "col";
    const body = make("tbody", "", "", table);
    for (const [name, now, wanted] of entry.rows) {
      const row = make("tr", "", "", body);
      make("th", "", name, row).scope = "row";
      const differ = hasBefore && hasAfter && now !== null && wanted !== null && now !== wanted;
      const [start, nowEnd, wantedEnd] = differ ? changedPart(now, wanted) : [0, 0, 0];
      if (hasBefore) fillValue(make("td", "before", "", row), now, start, nowEnd);
      if (hasAfter) fillValue(make("td", "after", "", row), wanted, start, wantedEnd);
    }
    return table;
  }

  // Return the start of the difference between two texts, and its end in each of them.
  function changedPart(now, wanted) {
    const shortest = Math.min(now.length, wanted.length);
    let start = 0;
    while (start < shortest && now[start] === wanted[start]) start++;
    let same = 0;
    while (same < shortest - start && now[now.length - 1 - same] === wanted[wanted.length - 1 - same]) same++;
    const isHalf = (text, at) => at > 0 && at < text.length && /[\udc00-\udfff]/.test(text[at]); // of a character
    if (isHalf(now, start) || isHalf(wanted, start)) start--;
    if (isHalf(now, now.length - same) || isHalf(wanted, wanted.length - same)) same--;
    return [start, now.length - same, wanted.length - same];
  }

  // Show a value, with the part from start to end marked. Of a long value, show only the beginning or the marked part.
  function fillValue(cell, value, start, end, whole = printing) {
    if (value === null) {
      cell.textContent = "not set";
      cell.classList.add("unset");
      return;
    }
    const isShortened = value.length > LONG && !whole;
    const from = isShortened && start > LONG / 2 ? start - LONG / 4 : 0;
    const to = isShortened ? from + LONG : value.length;
    const part = (first, last) => value.slice(Math.max(from, first), Math.min(to, last));
    cell.replaceChildren(from ? "…" : "", part(0, start));
    if (end > start) make("mark", "", part(start, end), cell);
    cell.append(part(end, value.length), to < value.length ? "…" : "");
    if (!isShortened) return;
    const button = make("button", "", `Show all ${number(value.length)} characters`, cell);
    button.type = "button";
    button.addEventListener("click", () => {
      fillValue(cell, value, start, end, true);
      draw();
    });
  }

  // Input

  function toggle(item, at) {
    if (item.group) {
      closedGroups.has(item.key) ? closedGroups.delete(item.key) : closedGroups.add(item.key);
      rebuild();
      focus(at);
    } else if (hasMore(item.entry)) {
      item.entry.open = !isOpen(item.entry);
      drawn.get(at).remove();
      drawn.delete(at);
      draw();
      focus(at);
    }
  }

  function focus(at) {
    if (!items.length) return;
    at = Math.max(0, Math.min(items.length - 1, at));
    const top = list.getBoundingClientRect().top;
    const under = find(".tools").offsetHeight + 8;
    if (tops[at] + top < under) scrollBy(0, tops[at] + top - under);
    else if (tops[at + 1] + top > innerHeight) {
      scrollBy(0, Math.min(tops[at] + top - under, tops[at + 1] + top - innerHeight + 8));
    }
    draw();
    const node = drawn.get(at);
    if (node) node.querySelector("button").focus({ preventScroll: true });
    current = at;
  }

  // Move to the next or the previous item, or to the first one in the window if the current one was scrolled away.
  function step(by) {
    const top = list.getBoundingClientRect().top;
    const under = find(".tools").offsetHeight;
    const isVisible = current >= 0 && tops[current + 1] + top > under && tops[current] + top < innerHeight;
    focus(isVisible ? current + by : itemAt(under - top));
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "Escape") back(isTyping);
    else if (isTyping) {
      if (event.key !== "Enter" || document.activeElement !== search) return;
      focus(0);
    } else if (event.key === "/") {
      search.focus();
      search.select();
    } else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else return;
    event.preventDefault();
  }

  function back(isTyping) {
    const item = items[current];
    const isInList = list.contains(document.activeElement);
    if (isInList && item && item.entry && isOpen(item.entry)) toggle(item, current);
    else if (search.value || chosen.size || kinds.value) {
      search.value = kinds.value = "";
      chosen.size ? [...chosen].forEach(press) : rebuild();
      if (isTyping) search.blur();
    } else if (document.activeElement) document.activeElement.blur();
  }

  function option(select, value, text) {
    make("option", "", text, select).value = value;
  }

  function start() {
    drawHead();
    const present = [...new Set(entries.map((entry) => entry.kind))];
    option(kinds, "", "All kinds");
    for (const kind of present) option(kinds, kind, plurals[kind] || kind);
    kinds.hidden = present.length < 2;
    for (const [value, text] of page.groups) option(groups, value, text);
    expand.setAttribute("aria-pressed", showValues);
    expand.hidden = !hasValues;
    find(".tools").hidden = !entries.length;
    find("footer").hidden = !entries.length;
    find("#page").hidden = false;
    search.addEventListener("input", refine);
    kinds.addEventListener("change", refine);
    groups.addEventListener("change", refine);
    expand.addEventListener("click", () => {
      showValues = !showValues;
      expand.setAttribute("aria-pressed", showValues);
      for (const entry of entries) entry.open = entry.height = undefined;
      rebuild();
    });
    document.addEventListener("keydown", onKey);
    let waiting = false;
    addEventListener(
      "scroll",
      () => {
        if (waiting) return;
        waiting = true;
        requestAnimationFrame(() => {
          waiting = false;
          draw();
        });
      },
      { passive: true },
    );
    let width = innerWidth;
    addEventListener("resize", () => {
      if (innerWidth !== width) for (const entry of entries) entry.height = undefined;
      width = innerWidth;
      rebuild();
    });
    for (const [event, value] of [["beforeprint", true], ["afterprint", false]]) {
      addEventListener(event, () => {
        printing = value;
        for (const notice of document.querySelectorAll("details")) if (value) notice.open = true;
        rebuild();
      });
    }
    rebuild();
  }

  start();
})();
