// HTML, CSS and script in one document; test/e2e/status_page.py looks at it with a browser.
#include "status_page.hpp"

namespace quorated {
namespace {

constexpr std::string_view page = R"page(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>quorate</title>
<style>
:root {
  color-scheme: light dark;
  --ground: #f4f5f7; --surface: #ffffff; --text: #1b2026; --muted: #56606b; --line: #d5dae0;
  --first: #1a5fb4; --second: #b0470a; --good: #1a6b35; --bad: #a51d2d; --bad-ground: #fbe9ea;
  --warn-ground: #fdf3d7; --warn: #6b4e00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --surface: #1e2328; --text: #e9ecef; --muted: #a8b2bd; --line: #3a424b;
    --first: #78aeff; --second: #ffa357; --good: #6fd08c; --bad: #ff8d97; --bad-ground: #3d1d22;
    --warn-ground: #3a3014; --warn: #f0cf74;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
header, main { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 22px; display: flex; gap: 12px; align-items: baseline; flex-wrap: wrap; }
h1 { font-size: 22px; margin: 0; }
h2 { font-size: 16px; margin: 0 0 10px; }
.muted, dt, caption, .readout { color: var(--muted); }
.pill { border: 1px solid currentColor; border-radius: 99px; padding: 1px 11px; font-weight: 600; }
.pill.good { color: var(--good); }
.pill.bad { color: var(--bad); }
.notice { margin: 14px 0 0; padding: 10px 14px; border-radius: 8px; border-left: 5px solid; }
.notice.bad { background: var(--bad-ground); border-color: var(--bad); color: var(--text); }
.notice.warn { background: var(--warn-ground); border-color: var(--warn); color: var(--text); }
.notice p { margin: 0; }
[hidden] { display: none !important; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 10px;
  padding: 16px; margin: 16px 0; min-width: 0; }
.pair { display: grid; gap: 16px; margin: 16px 0;
  grid-template-columns: repeat(auto-fit, minmax(min(340px, 100%), 1fr)); }
.pair section { margin: 0; }
a { color: var(--first); }
dl { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr));
  margin: 0; }
dt { font-size: 13px; }
dd { margin: 0; font-size: 20px; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.down dd, .down svg, .down tbody { opacity: .62; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding-bottom: 8px; }
th, td { text-align: left; padding: 7px 14px 7px 0; border-top: 1px solid var(--line);
  vertical-align: top; }
thead th { border-top: 0; color: var(--muted); font-weight: 500; }
code, textarea, input { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  font-size: 14px; }
svg { width: 100%; height: 190px; display: block; overflow: visible; }
svg text { fill: var(--muted); font-size: 12px; }
svg .grid { stroke: var(--line); }
svg .cursor { stroke: var(--muted); stroke-dasharray: 2 3; }
svg path { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg .first { stroke: var(--first); }
svg .second { stroke: var(--second); stroke-dasharray: 5 3; }
.legend { display: flex; gap: 18px; flex-wrap: wrap; margin: 0 0 6px; padding: 0;
  list-style: none; }
.legend li::before { content: ""; display: inline-block; width: 22px; margin-right: 7px;
  vertical-align: middle; border-top: 3px solid var(--first); }
.legend li + li::before { border-top: 3px dashed var(--second); }
.readout { min-height: 1.45em; margin: 6px 0 0; font-variant-numeric: tabular-nums; }
label { display: block; font-size: 13px; color: var(--muted); margin-bottom: 4px; }
input, textarea { width: 100%; padding: 8px 10px; border: 1px solid var(--muted);
  border-radius: 6px; background: var(--ground); color: var(--text); }
textarea { min-height: 66px; resize: vertical; }
form > * + * { margin-top: 10px; }
button { font: inherit; font-weight: 600; padding: 7px 18px; border-radius: 6px; cursor: pointer;
  border: 1px solid var(--first); background: var(--first); color: var(--surface); }
button.plain { background: transparent; color: var(--first); }
:focus-visible { outline: 3px solid var(--first); outline-offset: 2px; }
pre { margin: 10px 0 0; padding: 10px; background: var(--ground); border-radius: 6px;
  white-space: pre-wrap; overflow-wrap: anywhere; min-height: 2.6em; }
</style>
</head>
<body>
<header>
  <h1 id="name">quorate</h1>
  <span id="state" class="pill" role="status">asking</span>
  <span id="identity" class="muted"></span>
</header>
<main id="main">
  <div id="down" class="notice bad" role="alert" hidden><p id="down-text"></p></div>
  <div id="trouble" class="notice warn" role="alert" hidden><p id="trouble-text"></p></div>
  <section id="sign-in" aria-labelledby="h-sign-in" hidden>
    <h2 id="h-sign-in">Sign in</h2>
    <form id="login">
      <div><label for="user">User</label>
        <input id="user" name="user" autocomplete="username" spellcheck="false" required></div>
      <div><label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password"></div>
      <div><button>Sign in</button></div>
    </form>
    <p id="login-answer" class="muted" role="status">Authentication is enabled: this member tells
      its state to users only. The token stays in this page.</p>
  </section>
  <section aria-labelledby="h-now">
    <h2 id="h-now">This member</h2>
    <dl>
      <div><dt>Leader</dt><dd id="leader">–</dd></div>
      <div><dt>Term</dt><dd id="term">–</dd></div>
      <div><dt>Committed index</dt><dd id="committed">–</dd></div>
      <div><dt>Applied index</dt><dd id="applied">–</dd></div>
      <div><dt>Lag (not yet applied)</dt><dd id="lag">–</dd></div>
      <div><dt>Revision</dt><dd id="revision">–</dd></div>
      <div><dt>Keys</dt><dd id="keys">–</dd></div>
      <div><dt>Store, of quota</dt><dd id="size">–</dd></div>
      <div><dt>Watches</dt><dd id="watchers">–</dd></div>
      <div><dt>Memory</dt><dd id="memory">–</dd></div>
    </dl>
  </section>
  <div class="pair">
    <section aria-labelledby="h-through">
      <h2 id="h-through">Throughput, last two minutes</h2>
      <ul class="legend"><li>committed per second</li><li>reads here per second</li></ul>
      <div id="through"></div>
    </section>
    <section aria-labelledby="h-latency">
      <h2 id="h-latency">Write latency, last two minutes</h2>
      <ul class="legend"><li>median</li><li>99th percentile</li></ul>
      <div id="latency"></div>
    </section>
  </div>
  <section aria-labelledby="h-members">
    <h2 id="h-members">Members</h2>
    <div class="table" tabindex="0" role="region" aria-labelledby="h-members">
      <table>
        <caption>As this member knows them</caption>
        <thead><tr><th scope="col">Name</th><th scope="col">Id</th><th scope="col">Role</th>
          <th scope="col">Connection</th><th scope="col">Clients</th><th scope="col">Peers</th></tr>
        </thead>
        <tbody id="members"></tbody>
      </table>
    </div>
  </section>
  <section aria-labelledby="h-try">
    <h2 id="h-try">Put and get</h2>
    <form id="form">
      <div><label for="key">Key</label>
        <input id="key" name="key" autocomplete="off" spellcheck="false" required></div>
      <div><label for="value">Value, for put</label>
        <textarea id="value" name="value" spellcheck="false"></textarea></div>
      <!-- Get comes first: it is what Enter in a field does, and it changes nothing. -->
      <div><button name="what" value="get" class="plain">Get</button>
        <button name="what" value="put">Put</button></div>
    </form>
    <pre id="answer" role="status" aria-label="Answer"></pre>
  </section>
</main>
)page"
                                  R"page(<script>
"use strict";
const kept = 121, window_s = 10, patience_ms = 3000, left = 58;
const at = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
let token = ""; /* of the user who signed in; gone with the page */
const short = new Intl.NumberFormat("en", {maximumSignificantDigits: 3, notation: "compact"});
const show = (id, text) => { if (at(id).textContent !== text) at(id).textContent = text; };
const hex = (id) => BigInt(id || 0).toString(16);
const count = (value) => value === undefined ? "–" : whole.format(value);
function bytes(value) {
  if (value === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; value >= 1024 && unit < 4; ++unit) value /= 1024;
  return `${value >= 100 || unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}
function milliseconds(seconds) {
  const ms = seconds * 1000;
  return ms >= 1000 ? `${(ms / 1000).toPrecision(2)} s` : `${Number(ms.toPrecision(2))} ms`;
}

async function ask(path, body) {
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), patience_ms);
  try {
    const how = body === undefined ? {} : {method: "POST", body: JSON.stringify(body),
      headers: {"Content-Type": "application/json", ...(token && {Authorization: token})}};
    const answer = await fetch(path, {...how, cache: "no-store", signal: stop.signal});
    const text = await answer.text();
    if (body === undefined) {
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      return text;
    }
    let told;
    try { told = JSON.parse(text); } catch { throw new Error(`${path}: ${answer.status}`); }
    if (!answer.ok) {
      const why = told.message || told.error;
      const needs_user = told.code === 16 || why === "etcdserver: user name is empty";
      throw Object.assign(new Error(why), {told: true, needs_user});
    }
    return told;
  } finally {
    clearTimeout(late);
  }
}

/* Metrics: a sample's name with its labels → its value. */
function parse(text) {
  const values = new Map();
  for (const line of text.split("\n")) {
    if (line && line[0] !== "#") {
      const blank = line.lastIndexOf(" ");
      values.set(line.slice(0, blank), Number(line.slice(blank + 1)));
    }
  }
  return values;
}
function buckets(values, name) {
  const out = [];
  for (const [sample, value] of values) {
    if (sample.startsWith(`${name}_bucket{le="`)) {
      const bound = sample.slice(name.length + 12, -2);
      out.push([bound === "+Inf" ? Infinity : Number(bound), value]);
    }
  }
  return out;
}
/* Of what came between two readings; null when nothing came. */
function quantile(before, now, share) {
  const grown = now.map(([bound, value], i) => [bound, value - (before[i] ? before[i][1] : 0)]);
  const all = grown.length ? grown[grown.length - 1][1] : 0;
  if (all <= 0) return null;
  let below = 0, from = 0;
  for (const [bound, value] of grown) {
    if (value >= share * all) {
      if (bound === Infinity) return from;
      return from + (bound - from) * (share * all - below) / Math.max(1, value - below);
    }
    [below, from] = [value, bound];
  }
  return from;
}

/* A chart of two lines; arrow keys and the pointer move its cursor. */
class Chart {
  constructor(place, label, format) {
    this.format = format;
    this.points = [];
    this.cursor = null;
    const svg = this.svg = this.make("svg", {role: "img", tabindex: 0});
    this.label = label;
    this.readout = document.createElement("p");
    this.readout.className = "readout";
    this.readout.setAttribute("aria-live", "polite");
    at(place).append(svg, this.readout);
    svg.addEventListener("keydown", (event) => this.key(event));
    svg.addEventListener("pointermove", (event) => this.point(event));
    svg.addEventListener("pointerleave", () => this.move(null));
    svg.addEventListener("blur", () => this.move(null));
    this.draw();
  }
  make(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return made;
  }
  add(first, second) {
    this.points.push([first, second, Date.now()]);
    if (this.points.length > kept) {
      this.points.shift();
      if (this.cursor) this.cursor -= 1;
    }
    this.draw();
  }
  key(event) {
    const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (!step || !this.points.length) return;
    event.preventDefault();
    const from = this.cursor === null ? this.points.length - (step > 0 ? 1 : 0) : this.cursor;
    this.move(Math.min(this.points.length - 1, Math.max(0, from + step)));
  }
  point(event) {
    const box = this.svg.getBoundingClientRect();
    const place = (event.clientX - box.left - left) / (this.right - left) * (kept - 1);
    const index = Math.round(place) - (kept - this.points.length);
    this.move(index >= 0 && index < this.points.length ? index : null);
  }
  move(index) {
    this.cursor = index;
    this.draw();
  }
  x(index) {
    return left + (this.right - left) * (index + kept - this.points.length) / (kept - 1);
  }
  y(value, top) { return 160 - 148 * value / top; }
  top() {
    const most = Math.max(0, ...this.points.flatMap(([a, b]) => [a ?? 0, b ?? 0]));
    if (most === 0) return this.format === milliseconds ? 0.001 : 10;
    const size = 10 ** Math.floor(Math.log10(most));
    return size * [1, 2, 4, 5, 10].find((step) => step * size >= most * 0.9999);
  }
  line(which, top) {
    let path = "", open = false;
    this.points.forEach((point, index) => {
      if (point[which] === null) { open = false; return; }
      const place = [this.x(index), this.y(point[which], top)];
      path += (open ? "L" : "M") + place.map((one) => one.toFixed(1)).join(" ");
      open = true;
    });
    return this.make("path", {d: path, class: which ? "second" : "first"});
  }
  tell([first, second, when]) {
    const text = (value) => value === null ? "none" : this.format(value);
    const ago = Math.round((Date.now() - when) / 1000);
    return `${ago} s ago: ${text(first)}, ${text(second)}`;
  }
  draw() {
    const width = Math.max(240, this.svg.clientWidth), top = this.top(), parts = [];
    const right = this.right = width - 6;
    this.svg.setAttribute("viewBox", `0 0 ${width} 190`);
    for (let i = 0; i <= 4; ++i) {
      const y = this.y(top * i / 4, top);
      parts.push(this.make("line", {x1: left, x2: right, y1: y, y2: y, class: "grid"}));
      parts.push(this.make("text", {x: left - 6, y: y + 4, "text-anchor": "end"},
        i ? this.format(top * i / 4) : "0"));
    }
    parts.push(this.make("text", {x: left, y: 182}, "2 min ago"));
    parts.push(this.make("text", {x: right, y: 182, "text-anchor": "end"}, "now"));
    parts.push(this.line(0, top), this.line(1, top));
    if (this.cursor !== null) {
      const x = this.x(this.cursor);
      parts.push(this.make("line", {x1: x, x2: x, y1: 12, y2: 160, class: "cursor"}));
    }
    this.svg.replaceChildren(...parts);
    const last = this.points[this.points.length - 1];
    this.svg.setAttribute("aria-label", `${this.label}; ${last ? this.tell(last) : "no data yet"}`);
    this.readout.textContent = this.cursor === null ? "" : this.tell(this.points[this.cursor]);
  }
}
</script>
)page"
                                  R"page(<script>
"use strict";
const through = new Chart("through", "Committed and read per second", (v) => short.format(v));
const latency = new Chart("latency", "Median and 99th percentile of writes", milliseconds);
const history = [];
let members = [], answered = 0;

function notice(id, text) {
  show(`${id}-text`, text);
  at(id).hidden = text === "";
}
function state(text, good) {
  show("state", text);
  at("state").className = `pill ${good ? "good" : "bad"}`;
}
function name_of(id) {
  const found = members.find((member) => member.ID === id);
  return found && found.name ? found.name : hex(id);
}
function cell(content, row, kind) {
  const made = document.createElement(kind || "td");
  if (kind) made.scope = "row";
  made.append(content);
  row.append(made);
}
function code(text) {
  const made = document.createElement("code");
  made.textContent = text;
  return made;
}
function links(urls) {
  const out = document.createDocumentFragment();
  (urls || []).forEach((url, i) => {
    if (i) out.append(document.createElement("br"));
    if (!/^https?:\/\//.test(url)) { out.append(url); return; }
    const link = document.createElement("a");
    link.href = url;
    link.textContent = url;
    out.append(link);
  });
  return out;
}
function connection(member, self, values) {
  if (member.ID === self) return "this member";
  const up = values.get(`etcd_network_active_peers{Remote="${hex(member.ID)}"}`);
  return up === undefined ? "–" : up ? "connected" : "not connected";
}
function draw_members(status, values) {
  const self = status.header.member_id;
  const rows = members.map((member) => {
    const row = document.createElement("tr");
    const role = member.ID === status.leader ? "leader" : member.isLearner ? "learner" : "voter";
    cell(member.name || "(not started)", row, "th");
    cell(code(hex(member.ID)), row);
    cell(role, row);
    cell(connection(member, self, values), row);
    cell(links(member.clientURLs), row);
    cell((member.peerURLs || []).join(" "), row);
    return row;
  });
  const wanted = rows.map((row) => row.outerHTML).join("");
  if (at("members").innerHTML !== wanted) at("members").replaceChildren(...rows);
}

function draw_now(status, values) {
  const committed = Number(status.raftIndex || 0);
  const applied = Number(status.raftAppliedIndex || committed);
  const leads = status.leader && status.leader === status.header.member_id;
  show("leader", status.leader ? name_of(status.leader) + (leads ? " (this)" : "") : "none");
  show("term", count(status.raftTerm));
  show("committed", count(committed));
  show("applied", count(applied));
  show("lag", count(Math.max(0, committed - applied)));
  show("revision", count(status.header.revision));
  show("keys", count(values.get("etcd_debugging_mvcc_keys_total")));
  const quota = values.get("etcd_server_quota_backend_bytes");
  show("size", bytes(Number(status.dbSize || 0)) + (quota ? ` of ${bytes(quota)}` : ""));
  show("watchers", count(values.get("etcd_debugging_mvcc_watcher_total")));
  show("memory", bytes(values.get("process_resident_memory_bytes")));
  const name = name_of(status.header.member_id);
  const role = leads ? "leader" : status.leader ? "follower" : "no leader";
  show("name", name);
  document.title = `${name}: ${role}`;
  show("identity", `member ${hex(status.header.member_id)}, cluster ` +
    `${hex(status.header.cluster_id)}, etcd API ${status.version || ""}`);
  state(role, Boolean(status.leader));
  const alone = "No leader is known: writes and linearizable reads wait until a quorum of " +
    "members is there.";
  const others = (status.errors || []).filter((one) => one !== "etcdserver: no leader");
  notice("trouble", [...(status.leader ? [] : [alone]), ...others].join("; "));
}

function draw_charts(status, values) {
  const now = {when: performance.now(), committed: Number(status.raftIndex || 0),
    reads: values.get("quorate_read_duration_seconds_count"),
    writes: buckets(values, "quorate_write_duration_seconds")};
  const last = history[history.length - 1];
  history.push(now);
  while (history.length > 2 && now.when - history[0].when > window_s * 1000) history.shift();
  if (!last || now.committed < last.committed) { through.add(null, null); return; }
  const seconds = (now.when - last.when) / 1000;
  const rate = (key) => now[key] === undefined || last[key] === undefined ? null
    : Math.max(0, now[key] - last[key]) / seconds;
  through.add(rate("committed"), rate("reads"));
  latency.add(quantile(history[0].writes, now.writes, 0.5),
    quantile(history[0].writes, now.writes, 0.99));
}

function went_wrong(reason) {
  const since = answered ? `Its last answer came ${Math.round((Date.now() - answered) / 1000)} s ` +
    "ago; what is shown is from then." : "It has not answered yet.";
  notice("down", `This member does not answer (${reason}). ${since} Asking again every second.`);
  notice("trouble", "");
  state("down", false);
  document.title = "down: quorate";
  at("main").classList.add("down");
  history.length = 0;
  through.add(null, null);
  latency.add(null, null);
}

function wants_user(wanted) {
  if (at("sign-in").hidden === !wanted) return;
  at("sign-in").hidden = !wanted;
  if (wanted) {
    notice("down", "");
    state("sign in", false);
    at("main").classList.add("down");
  }
}

async function look() {
  try {
    const status = await ask("v3/maintenance/status", {});
    wants_user(false);
    const [text, list] = await Promise.all([ask("metrics"),
      ask("v3/cluster/member/list", {}).catch(() => null)]);
    if (list) members = list.members || [];
    const values = parse(text);
    answered = Date.now();
    at("main").classList.remove("down");
    notice("down", "");
    draw_now(status, values);
    draw_members(status, values);
    draw_charts(status, values);
  } catch (failure) {
    if (failure.needs_user) { wants_user(true); return; }
    went_wrong(failure.name === "AbortError" ? "no answer in three seconds"
      : failure.told ? failure.message : "it cannot be reached");
  }
}
/* One look at a time, a second apart; none while nobody can see it. */
async function keep_looking() {
  if (!document.hidden) await look();
  setTimeout(keep_looking, 1000);
}

function encode(text) {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}
function decode(base64) {
  const raw = Uint8Array.from(atob(base64 || ""), (c) => c.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", {fatal: true}).decode(raw);
  } catch {
    return `(no text; in base64: ${base64})`;
  }
}
async function put(key, value) {
  const told = await ask("v3/kv/put", {key: encode(key), value: encode(value)});
  return `Stored at revision ${told.header.revision}.`;
}
async function get(key) {
  const told = await ask("v3/kv/range", {key: encode(key)});
  const found = (told.kvs || [])[0];
  return found ? `${decode(found.value)}\n\nVersion ${found.version}, changed at revision ` +
    `${found.mod_revision}.` : `There is no such key at revision ${told.header.revision}.`;
}
at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const what = event.submitter ? event.submitter.value : "get";
  show("answer", "…");
  try {
    show("answer", what === "put" ? await put(at("key").value, at("value").value)
      : await get(at("key").value));
  } catch (failure) {
    show("answer", failure.name === "AbortError" ? "No answer in three seconds; a put may still " +
      "have happened." : `Failed: ${failure.message}`);
  }
});
at("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    token = "";
    token = (await ask("v3/auth/authenticate",
      {name: at("user").value, password: at("password").value})).token || "";
    at("password").value = "";
    show("login-answer", "");
    await look();
  } catch (failure) {
    show("login-answer", `Failed: ${failure.message}`);
  }
});
addEventListener("resize", () => [through, latency].forEach((chart) => chart.draw()));
keep_looking();
</script>
</body>
</html>
)page";

} // namespace

std::string_view status_page() noexcept {
    return page;
}

} // namespace quorated
