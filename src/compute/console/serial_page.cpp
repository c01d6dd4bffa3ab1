#include "compute/console/console.hpp"

namespace stratolet::compute {

/// A terminal of the simplest kind: text, line ends, backspace, and the sequences that shells and editors of lines use
/// (ECMA-48 EL, ED, CUP, CUF, CUB); colours are dropped. Whatever a guest writes becomes text, never markup.
std::string_view serialPage() {
    return R"PAGE(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Serial console</title>
<style>
html,body{margin:0;height:100%;background:#111;color:#ddd}
#screen{margin:0;padding:.5em;min-height:calc(100% - 1em);font:14px/1.25 monospace;outline:0}
#screen{white-space:pre-wrap;word-break:break-all}
#screen::after{content:"\2588";opacity:.6}
#state{position:fixed;top:0;right:0;padding:.2em .6em;background:#333;font:12px sans-serif}
</style></head><body>
<div id="state">connecting</div><pre id="screen" tabindex="0"></pre>
<script>
"use strict";
const screen_ = document.getElementById("screen"), state = document.getElementById("state");
const linesMax = 2000, decoder = new TextDecoder(), encoder = new TextEncoder();
let lines = [""], row = 0, column = 0, pending = "";
function put(letter) {
  const line = lines[row].padEnd(column);
  lines[row] = line.slice(0, column) + letter + line.slice(column + 1);
  ++column;
}
function down() {
  if (++row === lines.length) lines.push("");
  if (lines.length > linesMax) { lines.shift(); --row; }
}
function control(numbers, letter) {
  const n = parseInt(numbers, 10) || 0;
  const line = lines[row], clear = () => { lines = [""]; row = 0; };
  if (letter === "K" && n === 1) lines[row] = line.slice(column).padStart(line.length);
  else if (letter === "K") lines[row] = n === 2 ? "" : line.slice(0, column);
  else if (letter === "J" && n >= 2) clear();
  else if (letter === "J") { lines[row] = line.slice(0, column); lines.length = row + 1; }
  else if (letter === "C") column += n || 1;
  else if (letter === "D") column = Math.max(0, column - (n || 1));
  else if (letter === "G") column = Math.max(0, n - 1);
  else if (letter === "H" || letter === "f") { column = 0; if (n <= 1) clear(); }
}
function show(text) {
  text = pending + text;
  pending = "";
  for (let at = 0; at < text.length; ++at) {
    const letter = text[at];
    if (letter === "\x1b") {
      const rest = text.slice(at);
      const found = /^\x1b(?:\[([0-9;?]*)([@-~])|\][^\x07]*\x07|[()][0-9A-B]|[=>78cDEHM])/.exec(rest);
      if (!found) { if (rest.length < 64) { pending = rest; break; } continue; }
      if (found[2]) control(found[1], found[2]);
      at += found[0].length - 1;
    } else if (letter === "\r") column = 0;
    else if (letter === "\n") down();
    else if (letter === "\b") column = Math.max(0, column - 1);
    else if (letter === "\t") column = (column + 8) & ~7;
    else if (letter >= " ") put(letter);
  }
  screen_.textContent = lines.join("\n");
  window.scrollTo(0, document.body.scrollHeight);
}
const address = location.protocol.replace("http", "ws") + "//" + location.host + location.pathname + location.search;
const socket = new WebSocket(address, ["binary"]);
socket.binaryType = "arraybuffer";
socket.onopen = () => { state.textContent = "connected"; screen_.focus(); };
socket.onclose = () => { state.textContent = "closed: ask for a new console"; };
socket.onmessage = message => show(decoder.decode(message.data, {stream: true}));
function say(text) { if (socket.readyState === 1) socket.send(encoder.encode(text)); }
const keys = {Enter: "\r", Backspace: "\x7f", Tab: "\t", Escape: "\x1b", ArrowUp: "\x1b[A", ArrowDown: "\x1b[B",
  ArrowRight: "\x1b[C", ArrowLeft: "\x1b[D", Home: "\x1b[H", End: "\x1b[F", Delete: "\x1b[3~"};
document.addEventListener("keydown", event => {
  if (event.metaKey || event.altKey) return;
  if (event.ctrlKey) {
    if (!/^[a-z\[\\\]]$/i.test(event.key) || event.key === "v") return;
    say(String.fromCharCode(event.key.toUpperCase().charCodeAt(0) & 31));
    event.preventDefault();
    return;
  }
  const text = keys[event.key] || (event.key.length === 1 ? event.key : "");
  if (text) { say(text); event.preventDefault(); }
});
document.addEventListener("paste", event => say(event.clipboardData.getData("text")));
</script></body></html>
)PAGE";
}

}
