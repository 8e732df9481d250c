"use strict";

const $ = (id) => document.getElementById(id);
const pad = $("pad");
const ink = pad.getContext("2d", { willReadFrequently: true });
const SIDE = pad.width;
const RECENT = 12;

let classes = [];
let takesDigits = true;
let model = "";
let resizes = false;
let isEmpty = true;
/** What is being asked about: the drawing, or a file of the user's. */
let source = { kind: "drawing" };
let last = null;
let token = sessionStorage.getItem("token") || "";

// The server.

async function call(path, options = {}) {
  const headers = new Headers(options.headers || {});
  if (token) headers.set("Authorization", `Bearer ${token}`);
  const answer = await fetch(path, { ...options, headers });
  const json = await answer.json().catch(() => ({}));
  if (answer.status === 401) {
    $("token-form").hidden = false;
    $("token").focus();
  }
  if (!answer.ok) throw new Error(json.error || `the server answers ${answer.status}`);
  return json;
}

/** Asks about the newest image; while an answer is under way, older ones are passed over. */
let isAsking = false;
let isStale = false;
async function ask() {
  if (isAsking) {
    isStale = true;
    return;
  }
  isAsking = true;
  do {
    isStale = false;
    try {
      await askOnce();
    } catch (error) {
      say(error.message === "Failed to fetch" ? "The server cannot be reached." : error.message);
    }
  } while (isStale);
  isAsking = false;
}

async function askOnce() {
  if (source.kind === "drawing" && isEmpty) return;
  const asked = source;
  const body = asked.kind === "file" ? asked.file : await drawing();
  // A drawing is as large as the pad and anywhere on it: what MNIST was made of is made of it first.
  const prepares = takesDigits && (asked.kind === "drawing" || $("prepare").checked);
  const query = "?show=true&turn=true" + (prepares ? "&prepare=digit" : "")
    + (resizes || prepares ? "" : "&resize=bilinear")
    + (model ? `&model=${encodeURIComponent(model)}` : "");
  const answer = await call(`/predict${query}`, {
    method: "POST", body, headers: { "Content-Type": body.type || "application/octet-stream" },
  });
  if (asked !== source || (source.kind === "drawing" && isEmpty)) return;
  const one = answer.answers ? answer.answers[0] : answer;
  last = { id: answer.id, ...one };
  show(one, answer);
}

/** The pad as a PNG file, without the keyboard's pen. */
function drawing() {
  hidePen();
  const file = new Promise((done) => pad.toBlob(done, "image/png"));
  drawPen();
  return file;
}

// The answer.

function say(text) {
  $("status").textContent = text;
}

const percent = (value) => (value > 0.9995 && value < 1 ? "> 99.9 %" : `${(100 * value).toFixed(1)} %`);

function show(one, answer) {
  say(`${one.class}, ${percent(one.confidence)}`);
  const order = one.probabilities.length > 20
    ? one.probabilities.map((_, i) => i).sort((a, b) => one.probabilities[b] - one.probabilities[a]).slice(0, 20)
    : one.probabilities.map((_, i) => i);
  const bars = $("bars");
  while (bars.children.length > order.length) bars.lastChild.remove();
  while (bars.children.length < order.length) {
    const row = document.createElement("li");
    for (const name of ["name", "track", "value"]) {
      const part = document.createElement("span");
      part.className = name;
      row.append(part);
    }
    const bar = document.createElement("span");
    bar.className = "bar";
    row.children[1].append(bar);
    bars.append(row);
  }
  order.forEach((label, place) => {
    const row = bars.children[place];
    const value = one.probabilities[label];
    row.className = label === one.prediction ? "first" : "";
    row.children[0].textContent = classes[label] ?? label;
    row.children[0].title = classes[label] ?? label;
    row.children[1].firstChild.style.width = `${100 * value}%`;
    row.children[2].textContent = percent(value);
  });
  $("seen").src = one.seen;
  $("seen").hidden = $("seen-text").hidden = false;
  $("notes").textContent = (answer.notes || []).join(" ");
  $("wrong").hidden = false;
  $("thanks").textContent = "";
}

function forget() {
  if (last) {
    const item = document.createElement("li");
    const image = document.createElement("img");
    image.src = last.seen;
    image.alt = `taken for ${last.class}`;
    const [name, confidence] = ["b", "span"].map((tag) => document.createElement(tag));
    name.textContent = last.class;
    confidence.textContent = percent(last.confidence);
    item.append(image, name, confidence);
    $("recent").prepend(item);
    while ($("recent").children.length > RECENT) $("recent").lastChild.remove();
  }
  last = null;
  $("bars").replaceChildren();
  $("seen").hidden = $("seen-text").hidden = $("wrong").hidden = true;
  $("notes").textContent = "";
}

// The pad.

function clear() {
  forget();
  source = { kind: "drawing" };
  isEmpty = true;
  ink.fillStyle = "#000";
  ink.fillRect(0, 0, SIDE, SIDE);
  say("Nothing was drawn yet.");
  drawPen();
}

function begin() {
  if (source.kind !== "drawing") clear();
}

function stroke(from, to) {
  ink.strokeStyle = "#fff";
  ink.lineWidth = Number($("width").value);
  ink.lineCap = ink.lineJoin = "round";
  ink.beginPath();
  ink.moveTo(from.x, from.y);
  ink.lineTo(to.x, to.y + (from.x === to.x && from.y === to.y ? 0.01 : 0));
  ink.stroke();
  isEmpty = false;
  source = source.kind === "drawing" ? source : { kind: "drawing" };
  ask();
}

const place = (event) => {
  const box = pad.getBoundingClientRect();
  return {
    x: (event.clientX - box.left) * SIDE / box.width,
    y: (event.clientY - box.top) * SIDE / box.height,
  };
};

let held = null;
pad.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  pad.setPointerCapture(event.pointerId);
  begin();
  hidePen();
  held = { id: event.pointerId, ...place(event) };
  stroke(held, held);
});
pad.addEventListener("pointermove", (event) => {
  if (!held || held.id !== event.pointerId) return;
  for (const one of event.getCoalescedEvents?.() ?? [event]) {
    const to = place(one);
    stroke(held, to);
    held = { id: held.id, ...to };
  }
});
for (const name of ["pointerup", "pointercancel"]) {
  pad.addEventListener(name, (event) => {
    if (held && held.id === event.pointerId) held = null;
  });
}

// The pad by keyboard: a pen that arrows move. Where it is, is drawn above the ink and taken away again.

const pen = { x: SIDE / 2, y: SIDE / 4, isDown: false, under: null };

function hidePen() {
  if (pen.under) ink.putImageData(pen.under.image, pen.under.x, pen.under.y);
  pen.under = null;
}

function drawPen() {
  hidePen();
  if (document.activeElement !== pad || !pad.matches(":focus-visible")) return;
  const x = Math.max(0, Math.round(pen.x) - 8);
  const y = Math.max(0, Math.round(pen.y) - 8);
  pen.under = { image: ink.getImageData(x, y, 16, 16), x, y };
  ink.fillStyle = pen.isDown ? "#e2572b" : "#7fb4ea";
  ink.beginPath();
  ink.arc(pen.x, pen.y, 5, 0, 2 * Math.PI);
  ink.fill();
}

pad.addEventListener("focus", drawPen);
pad.addEventListener("blur", () => {
  pen.isDown = false;
  hidePen();
});
pad.addEventListener("keydown", (event) => {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const step = steps[event.key];
  if (step) {
    event.preventDefault();
    hidePen();
    const from = { x: pen.x, y: pen.y };
    const size = event.shiftKey ? 2 : 10;
    pen.x = Math.min(SIDE - 6, Math.max(6, pen.x + size * step[0]));
    pen.y = Math.min(SIDE - 6, Math.max(6, pen.y + size * step[1]));
    if (pen.isDown) stroke(from, pen);
    drawPen();
  } else if (event.key === " ") {
    event.preventDefault();
    hidePen();
    pen.isDown = !pen.isDown;
    if (pen.isDown) {
      begin();
      hidePen();
      stroke(pen, pen);
    }
    drawPen();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName)) return;
  if (event.key === "c" || event.key === "C" || event.key === "Escape") clear();
  if (event.key === "o" || event.key === "O") $("file").click();
});

// Images that are dropped, pasted or chosen.

async function take(file) {
  if (!file) return;
  forget();
  source = { kind: "file", file };
  isEmpty = false;
  say("Looking at it …");
  ink.fillStyle = "#000";
  ink.fillRect(0, 0, SIDE, SIDE);
  try {
    const image = await createImageBitmap(file);
    const scale = Math.min(SIDE / image.width, SIDE / image.height);
    const [width, height] = [image.width * scale, image.height * scale];
    ink.imageSmoothingEnabled = scale < 1;
    ink.drawImage(image, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
  } catch {
    // The server reads more forms than a browser shows.
  }
  ask();
}

$("open").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", (event) => {
  take(event.target.files[0]);
  event.target.value = "";
});
addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files][0];
  if (file) take(file);
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", () => document.body.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  take(event.dataTransfer.files[0]);
});
$("prepare").addEventListener("change", () => ask());
$("clear").addEventListener("click", () => {
  clear();
  pad.focus();
});

// What was wrong.

$("wrong").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!last) return;
  try {
    await call("/feedback", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ id: last.id, label: Number($("right").value) }),
    });
    $("thanks").textContent = "Noted, thank you.";
  } catch (error) {
    $("thanks").textContent = error.message;
  }
});

$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = $("token").value.trim();
  sessionStorage.setItem("token", token);
  $("token-form").hidden = true;
  start();
});

async function start() {
  try {
    const { models } = await call("/models");
    const first = models[0];
    model = first.name;
    const version = first.versions[first.versions.length - 1];
    resizes = version.resize !== "none";
    classes = version.classes;
    const [height, width, channels] = version.input;
    takesDigits = height === 28 && width === 28 && channels === 1;
    $("prepare").parentElement.hidden = !takesDigits;
    $("model").textContent = `${first.name}, version ${version.version}, ${classes.length} classes, `
      + `${height}×${width}×${channels}`;
    $("right").replaceChildren(...classes.map((name, label) => {
      const option = document.createElement("option");
      option.value = label;
      option.textContent = name;
      return option;
    }));
  } catch (error) {
    say(error.message);
  }
}

clear();
start();
